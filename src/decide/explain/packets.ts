import type { Inventory } from '../inventory/model.ts';
import { contains } from '../net/merge-networks.ts';
import { type Family, familyOf } from '../net/network.ts';
import { containerPortsOf, hostPortsOf, includes, portAt } from '../net/port-run.ts';
import type { PortSelector, Protocol } from '../net/port.ts';
import { isGuarded } from '../policy/bridges.ts';
import type { Service, ServicePort } from '../policy/model.ts';
import { routedIn } from '../policy/peers.ts';
import { selected } from '../policy/selection.ts';
import type { Door, Packet } from '../policy/verdict.ts';
import type { Asker, Moment, Target } from './model.ts';

/** One packet of a question. */
export interface Asked {
  readonly packet: Packet;
  /** False: any address of the host would do, and the packet's is one of them. */
  readonly addressed: boolean;
  /** The port that was asked for by its container; another may be found there. */
  readonly door: Door | undefined;
  /** The service that was asked for. */
  readonly service: Service | undefined;
  /** The number by which its port was asked for; it may be the container's. */
  readonly meant: number | undefined;
}

const nothingMeant = { door: undefined, service: undefined, meant: undefined };

/** The packets with which this asker would try the target: each family, protocol and door once. */
export function packetsOf(asker: Asker, target: Target, moment: Moment): readonly Asked[] {
  const maker = new Maker(asker, moment);
  switch (target.kind) {
    case 'port':
      return maker.toPort(target.port, target.protocol);
    case 'address':
      return maker.toAddress(target.address, target.port, target.protocol);
    case 'service':
      return moment.policy.services
        .filter(({ containerId }) => target.containers.includes(containerId))
        .flatMap((service) => maker.toService(service, target.selector));
  }
}

class Maker {
  private readonly asker: Asker;
  private readonly moment: Moment;
  private readonly family: Family;

  constructor(asker: Asker, moment: Moment) {
    this.asker = asker;
    this.moment = moment;
    this.family = familyOf(asker.address);
  }

  toPort(port: number, protocol: Protocol | undefined): readonly Asked[] {
    const doors = this.doorsAt(port).filter(
      (door) => (protocol ?? door.port.protocol) === door.port.protocol,
    );
    const places = new Map(doors.map(({ port: one }) => [`${one.protocol} ${one.address}`, one]));
    if (places.size === 0) return [this.toHost(port, protocol ?? 'tcp')];
    return [...places.values()].map((one) => this.toHost(port, one.protocol, one.address));
  }

  toAddress(address: string, port: number, protocol: Protocol | undefined): readonly Asked[] {
    const towards = whereIs(address, this.moment);
    const published = this.doors().flatMap((door) => {
      const here =
        towards === 'host'
          ? includes(hostPortsOf(door.port), port)
          : includes(containerPortsOf(door.port), port) &&
            door.service.endpoints.some((endpoint) => endpoint.address === address);
      return here ? [door.port.protocol] : [];
    });
    const all = protocol === undefined ? [...new Set(published)] : [protocol];
    return (all.length === 0 ? (['tcp'] as const) : all).map((one) => ({
      packet: { ...this.source(), destination: address, protocol: one, port, towards },
      addressed: true,
      ...nothingMeant,
    }));
  }

  toService(service: Service, selector: PortSelector): readonly Asked[] {
    const chosen = selected(selector, service.ports).filter((port) => port.family === this.family);
    const packets = chosen.flatMap((port) => this.toDoor({ service, port }));
    if (selector.kind === 'every') return packets;
    const { from, to } = selector.range;
    if (packets.length > 0)
      return from === to ? packets.map((asked) => ({ ...asked, meant: from })) : packets;
    return [{ ...this.toHost(from, selector.protocol ?? 'tcp'), service, meant: from }];
  }

  private toDoor({ service, port }: Door): readonly Asked[] {
    const { hostPort, protocol, address, containerPort } = port;
    const host = hostPort === undefined ? [] : [this.toHost(hostPort, protocol, address)];
    const routed = routedIn(service.endpoints, this.family).map((endpoint): Asked => ({
      ...nothingMeant,
      packet: {
        ...this.source(),
        destination: endpoint.address,
        protocol,
        port: containerPort,
        towards: 'bridge',
      },
      addressed: true,
    }));
    return [...host, ...routed].map((asked) => ({ ...asked, door: { service, port }, service }));
  }

  private toHost(port: number, protocol: Protocol, address: ServicePort['address'] = 'any'): Asked {
    const destination = address === 'any' ? this.someAddress(port) : address;
    return {
      packet: { ...this.source(), destination, protocol, port, towards: 'host' },
      addressed: address !== 'any',
      ...nothingMeant,
    };
  }

  /** An address of the host that this port is not bound to by itself, where there is one. */
  private someAddress(port: number): string {
    const bound = new Set(this.doorsAt(port).map((door) => door.port.address));
    const own = [...this.moment.own].filter(
      (address) => familyOf(address) === this.family && !isLoopback(address) && !address.startsWith('fe80:'),
    );
    const free = own.find((address) => ![...bound].some((one) => one === address));
    // of a host without addresses (IPv6 is off) nobody asks, but a word for "here" is needed
    return free ?? own[0] ?? (this.family === 4 ? '192.0.2.1' : '2001:db8::1');
  }

  private source(): Pick<Packet, 'source' | 'interface'> {
    return { source: this.asker.address, interface: arrivesAt(this.asker, this.moment.inventory) };
  }

  /** The doors that have this host port; of a run the one port. */
  private doorsAt(number: number): readonly Door[] {
    return this.doors().flatMap(({ service, port }) => {
      const one = portAt(port, 'host', number);
      return one === undefined ? [] : [{ service, port: one }];
    });
  }

  private doors(): readonly Door[] {
    return this.moment.policy.services.flatMap((service) =>
      service.ports.filter(({ family }) => family === this.family).map((port) => ({ service, port })),
    );
  }
}

/** The interface that a packet comes in by: as told, or the one in whose network its source is. */
export function arrivesAt(asker: Asker, inventory: Inventory): string | undefined {
  if (asker.interface !== undefined) return asker.interface;
  return interfacesOf(asker.address, inventory)[0];
}

/** What an address is to this host. */
function whereIs(address: string, { policy, inventory, own }: Moment): Packet['towards'] {
  if (own.has(address) || isLoopback(address)) return 'host';
  const behind =
    policy.services.some(({ endpoints }) => endpoints.some((endpoint) => endpoint.address === address)) ||
    interfacesOf(address, inventory).some((name) => isGuarded(name, policy));
  return behind ? 'bridge' : 'elsewhere';
}

/** The bridge of Docker that leads to an address: of the container that has it, or the one in whose network it is. */
export function bridgeTo(
  address: string,
  { policy, inventory }: Pick<Moment, 'policy' | 'inventory'>,
): string | undefined {
  const container = policy.services
    .flatMap(({ endpoints }) => endpoints)
    .find((endpoint) => endpoint.address === address);
  return (
    policy.networks.find(({ id }) => id === container?.networkId)?.bridge ??
    interfacesOf(address, inventory).find((name) => isGuarded(name, policy))
  );
}

/** The interfaces in whose networks an address is. */
export function interfacesOf(address: string, { interfaces }: Inventory): readonly string[] {
  // every interface is in fe80::/64
  if (address.startsWith('fe80:')) return [];
  return interfaces
    .filter(({ networks }) => networks.some((network) => contains(network, address)))
    .map(({ name }) => name);
}

export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}
