import type { Family } from '../../../src/decide/net/network.ts';
import type { Protocol } from '../../../src/decide/net/port.ts';
import type { Packet } from '../../../src/decide/policy/verdict.ts';
import type { FakeKernel } from '../fake-kernel.ts';
import { type FakePacket, walk } from '../fake-packets.ts';
import { attacker, bridgeOf, type World } from './world.ts';

// The packets that judge: from people of every kind, by every interface, to everything that is not the hostile owner's.

/** A packet that begins a connection. */
export interface Probe extends Packet {
  readonly family: Family;
  readonly protocol: Protocol;
  readonly interface: string;
  /** Where it leaves the host, if it is not for the host itself. */
  readonly out: string | undefined;
  /** Whose address it is for, where that is a container. */
  readonly container: string | undefined;
}

const people: Readonly<Record<Family, readonly (readonly [string, string])[]>> = {
  4: [
    ['198.51.100.1', 'eth0'],
    ['198.51.100.77', 'eth0'],
    ['198.51.100.200', 'eth0'],
    ['203.0.113.9', 'eth0'],
    ['203.0.113.70', 'eth0'],
    ['192.0.2.150', 'eth0'],
    [attacker[4], 'eth0'],
    ['10.20.0.5', 'br0'],
    ['203.0.113.71', 'br0'],
    ['10.30.0.5', 'br-lan'],
    ['10.8.0.7', 'wg0'],
    ['172.18.0.9', 'br-0123456789ab'],
  ],
  6: [
    ['2001:db8:a::1', 'eth0'],
    ['2001:db8:b::9', 'eth0'],
    ['2001:db8:b::200', 'eth0'],
    [attacker[6], 'eth0'],
    ['2001:db8:e::1', 'eth0'],
    ['fe80::7', 'eth0'],
    ['2001:db8:20::5', 'br0'],
  ],
};

const ports: readonly (readonly [Protocol, number])[] = [
  ...[80, 443, 8080, 8081, 8090, 9000, 7000, 22, 5432, 8443, 8025, 49_153].map(
    (port) => ['tcp', port] as const,
  ),
  ['udp', 443],
  ['udp', 9100],
  ['udp', 51_820],
  ['sctp', 80],
];

const hosts: Readonly<Record<Family, readonly [string, string]>> = {
  4: ['192.0.2.11', '192.0.2.10'],
  6: ['2001:db8:1::11', '2001:db8:1::10'],
};

/** From one interface to another, through the host. */
const through: readonly (readonly [from: string, source: string, destination: string, out: string])[] = [
  ['eth0', '203.0.113.70', '10.20.0.7', 'br0'],
  ['eth0', '198.51.100.1', '10.30.0.7', 'br-lan'],
  ['br0', '10.20.0.5', '203.0.113.99', 'eth0'],
  ['br-lan', '10.30.0.5', '203.0.113.99', 'eth0'],
  ['wg0', '10.8.0.7', '203.0.113.99', 'eth0'],
  ['br-0123456789ab', '172.18.0.9', '203.0.113.99', 'eth0'],
];

/** Every packet that is asked about in a world, to begin with the host. */
export function probesOf({ interfaces, docker }: World): readonly Probe[] {
  const here = new Set(interfaces.map(({ name }) => name));
  const toHost = ([4, 6] as const).flatMap((family) =>
    people[family].flatMap(([source, port]) =>
      ports.flatMap(([protocol, number]) =>
        hosts[family]
          .slice(0, number === 8081 || number === 22 ? 2 : 1)
          .map((destination) => probe({ source, destination, interface: port, protocol, port: number })),
      ),
    ),
  );
  const addresses = docker.networks.flatMap(({ endpoints }) =>
    Object.entries(endpoints).flatMap(([container, list]) => list.map((address) => ({ container, address }))),
  );
  const toContainers = addresses.flatMap(({ container, address }) => {
    const family = address.includes(':') ? 6 : 4;
    return people[family].map(([source, port]) => ({
      ...probe({ source, destination: address, interface: port, protocol: 'tcp', port: 80 }),
      towards: 'bridge' as const,
      out: bridgeOf(address),
      container,
    }));
  });
  const elsewhere = through.map(([port, source, destination, out]) => ({
    ...probe({ source, destination, interface: port, protocol: 'tcp', port: 443 }),
    towards: 'elsewhere' as const,
    out,
  }));
  return [...toHost, ...toContainers, ...elsewhere].filter(
    (one) =>
      here.has(one.interface) && (one.out === undefined || here.has(one.out)) && one.interface !== one.out,
  );
}

function probe(packet: Omit<Packet, 'towards' | 'interface'> & { readonly interface: string }): Probe {
  const family = packet.source.includes(':') ? 6 : 4;
  return { ...packet, family, towards: 'host', out: undefined, container: undefined };
}

/** What the rules do with it: the mark that lets it in, nothing, or a drop. */
export type Fate = 'allowed' | 'left alone' | 'left alone, but not to a container' | 'denied';

/** Sends the packet through the rules as they stand. */
export function fateOf(kernel: FakeKernel, { towards, interface: port, out, ...rest }: Probe): Fate {
  const local = towards === 'host';
  const types = local ? (rest.family === 4 ? ['LOCAL'] : ['LOCAL', 'UNICAST']) : ['UNICAST'];
  const packet: FakePacket = {
    ...rest,
    in: port,
    ...(out === undefined ? {} : { out }),
    types,
    state: 'NEW',
    mark: 0,
    connmark: 0,
  };
  if (!walk({ kernel, hooks: local ? ['PREROUTING', 'INPUT'] : ['PREROUTING', 'FORWARD'] }, packet))
    return 'denied';
  if (packet.mark !== 0) return 'allowed';
  if (!local) return 'left alone';
  // Docker may translate it: then it is forwarded to a container
  const translated = { ...packet, out: 'docker0', types: ['UNICAST'] };
  return walk({ kernel, hooks: ['FORWARD'] }, translated)
    ? 'left alone'
    : 'left alone, but not to a container';
}

/** For words in a failure. */
export function probeText({
  interface: port,
  source,
  destination,
  protocol,
  port: number,
  out,
}: Probe): string {
  return `${source} by ${port} to ${destination} ${number}/${protocol}${out === undefined ? '' : ` out by ${out}`}`;
}
