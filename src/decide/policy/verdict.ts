import { NetworkIndex } from '../net/network-index.ts';
import { type Cidr, familyOf } from '../net/network.ts';
import { containerPortsOf, hostPortsOf, includes, portAt } from '../net/port-run.ts';
import type { PortRange, Protocol } from '../net/port.ts';
import type { GroupName } from './config.ts';
import type { PeerRule, Policy, PolicyMembers, PolicyPeers, Reason, Service, ServicePort } from './model.ts';
import { isDoorOf, namesAddresses, reachAt } from './peers.ts';

/** A packet from outside, of the side that opened the connection, as it is before Docker's DNAT. */
export interface Packet {
  readonly protocol: Protocol;
  /** Addresses in RFC 5952 spelling, both of one family. */
  readonly source: string;
  readonly destination: string;
  readonly port: number;
  /** Where the destination is: an address of this host (or a broadcast to it), behind a bridge of Docker, elsewhere. */
  readonly towards: 'host' | 'bridge' | 'elsewhere';
  /** The interface that it comes in by; undefined where only the address is asked about. */
  readonly interface?: string | undefined;
}

/** The port that a verdict is about, and whose it is. */
export interface Door {
  readonly service: Service;
  readonly port: ServicePort;
}

/** Who a packet's source is to the policy: the network or the interface, and the group that holds it. */
export type Who =
  | { readonly kind: 'network'; readonly network: Cidr }
  | { readonly kind: 'interface'; readonly interface: string; readonly group: GroupName | undefined }
  | { readonly kind: 'group'; readonly name: GroupName; readonly network: Cidr };

/**
 * May this packet pass, and what decides it.
 *
 * `passed`: it gets the mark. `dropped`: neither side of its connection hears from the other again. `not ours`: left alone.
 */
export type Verdict =
  /** `door` undefined: no container publishes the port, and the trusted pass all the same. */
  | {
      readonly kind: 'allowed';
      readonly because: 'trusted';
      readonly who: Who;
      readonly door: Door | undefined;
    }
  | { readonly kind: 'allowed'; readonly because: 'public'; readonly door: Door; readonly reason: Reason }
  | {
      readonly kind: 'allowed';
      readonly because: 'allowed';
      readonly door: Door;
      readonly who: Who;
      readonly reason: Reason;
    }
  | { readonly kind: 'denied'; readonly because: 'loopback' }
  | {
      readonly kind: 'denied';
      readonly because: 'denied';
      readonly who: Who;
      readonly door: Door | undefined;
    }
  | {
      readonly kind: 'denied';
      readonly because: 'denied by a label';
      readonly door: Door;
      readonly who: Who;
      readonly reason: Reason;
    }
  /** Published, and nothing lets this source in. */
  | { readonly kind: 'denied'; readonly because: 'published'; readonly door: Door }
  /** An address behind a bridge of Docker that nothing opens. */
  | { readonly kind: 'denied'; readonly because: 'unpublished' }
  | { readonly kind: 'not managed' };

/** See {@link judge}; for one packet. */
export function verdict(policy: Policy, packet: Packet): Verdict {
  return judge(policy)(packet);
}

/**
 * What both walls do, as a function: the order is that of DOCKWALL-GATE and DOCKWALL-ROUTED, and a test holds the two
 * against each other. Sources are looked up by prefix length, so that many packets against long lists are cheap.
 */
export function judge(policy: Policy): (packet: Packet) => Verdict {
  const places = new Places(policy);
  const sources = new Sources(policy);
  return (packet) => {
    if (isLoopback(packet.destination)) return { kind: 'denied', because: 'loopback' };
    const routed = packet.towards !== 'host';
    const here = places
      .at(routed, packet)
      .filter(({ port: { address } }) => routed || address === 'any' || address === packet.destination);
    const decided = decide(here, { packet, sources, policy });
    if (decided !== undefined) return decided;
    return packet.towards === 'bridge' ? { kind: 'denied', because: 'unpublished' } : { kind: 'not managed' };
  };
}

interface Circumstances {
  readonly packet: Packet;
  readonly sources: Sources;
  readonly policy: Policy;
}

function decide(doors: readonly Door[], around: Circumstances): Verdict | undefined {
  const { packet, sources, policy } = around;
  const [door] = doors;
  const routed = packet.towards !== 'host';
  const denied = sources.among('deny', policy.deny, packet);
  if (denied !== undefined) {
    if (packet.towards === 'elsewhere') return undefined;
    if (routed || door !== undefined) return { kind: 'denied', because: 'denied', who: denied, door };
  }
  const refused = firstPeer(doors, 'deny', around);
  if (refused !== undefined) return { kind: 'denied', because: 'denied by a label', ...refused };
  const trusted = sources.among('trusted', policy.trusted, packet);
  if (trusted !== undefined && packet.towards !== 'elsewhere')
    return { kind: 'allowed', because: 'trusted', who: trusted, door };
  for (const one of doors) {
    const reason = one.port.reach.everyone;
    if (reason !== undefined) return { kind: 'allowed', because: 'public', door: one, reason };
  }
  const allowed = firstPeer(doors, 'allow', around);
  if (allowed !== undefined) return { kind: 'allowed', because: 'allowed', ...allowed };
  return door === undefined || routed ? undefined : { kind: 'denied', because: 'published', door };
}

/** Groups come before addresses, as in the rules. */
function firstPeer(
  doors: readonly Door[],
  which: 'allow' | 'deny',
  { packet, sources }: Circumstances,
): { readonly door: Door; readonly who: Who; readonly reason: Reason } | undefined {
  for (const addresses of [false, true]) {
    for (const door of doors) {
      for (const { peer, reason } of door.port.reach[which]) {
        if (namesAddresses(peer) !== addresses) continue;
        const who = sources.peer(peer, packet, which);
        if (who !== undefined) return { door, who, reason };
      }
    }
  }
  return undefined;
}

/** Which networks hold an address; each list is made into an index once, when first asked. */
class Sources {
  private readonly groups: Policy['groups'];
  private readonly indexes = new Map<string, NetworkIndex>();

  constructor({ groups }: Policy) {
    this.groups = groups;
  }

  among(list: 'trusted' | 'deny', peers: PolicyPeers, packet: Packet): Who | undefined {
    const network = this.index(`/${list}`, peers.networks).find(packet.source);
    if (network !== undefined) return { kind: 'network', network };
    const port = arrivesAt(peers, packet);
    if (port !== undefined) return { kind: 'interface', interface: port, group: undefined };
    for (const name of peers.groups) {
      const who = this.peer({ kind: 'group', name }, packet, list === 'deny' ? 'deny' : 'allow');
      if (who !== undefined) return who;
    }
    return undefined;
  }

  peer(peer: PeerRule['peer'], packet: Packet, use: 'allow' | 'deny'): Who | undefined {
    if (peer.kind === 'network') {
      const network = this.index(peer.network, [peer.network]).find(packet.source);
      return network === undefined ? undefined : { kind: 'network', network };
    }
    const group = this.groups.get(peer.name);
    if (group === undefined || (use === 'allow' && group.tooMany !== undefined)) return undefined;
    const network = this.index(`/group ${peer.name}`, group.networks).find(packet.source);
    if (network !== undefined) return { kind: 'group', name: peer.name, network };
    const port = arrivesAt(group, packet);
    return port === undefined ? undefined : { kind: 'interface', interface: port, group: peer.name };
  }

  private index(key: string, networks: readonly Cidr[]): NetworkIndex {
    const known = this.indexes.get(key) ?? new NetworkIndex(networks);
    this.indexes.set(key, known);
    return known;
  }
}

function arrivesAt({ interfaces }: PolicyMembers, packet: Packet): string | undefined {
  return interfaces.find((name) => name === packet.interface);
}

/** Ports by what a packet for them looks like: a host port, or a container's own address and port. Runs are found page by page. */
class Places {
  private readonly pages = new Map<string, { readonly range: PortRange; readonly door: Door }[]>();

  constructor({ services }: Policy) {
    for (const service of services) {
      for (const port of service.ports) {
        if (port.loopback) continue;
        const { protocol, family } = port;
        const hostPorts = hostPortsOf(port);
        if (hostPorts !== undefined && !port.lapsed)
          this.add(`${family} ${protocol}`, hostPorts, { service, port });
        for (const endpoint of service.endpoints) {
          const { address } = endpoint;
          if (isDoorOf(endpoint, port) && familyOf(address) === family)
            this.add(`${address} ${protocol}`, containerPortsOf(port), {
              service,
              port: { ...port, reach: reachAt(endpoint, port) },
            });
        }
      }
    }
  }

  /** In the order of services and their ports. */
  at(routed: boolean, { destination, protocol, port }: Packet): readonly Door[] {
    const place = `${routed ? destination : familyOf(destination)} ${protocol}`;
    const page = this.pages.get(`${place} ${pageOf(port)}`) ?? [];
    return page.flatMap(({ range, door }) => (includes(range, port) ? [single(door, routed, port)] : []));
  }

  private add(place: string, range: PortRange, door: Door): void {
    for (let page = pageOf(range.from); page <= pageOf(range.to); page += 1) {
      const key = `${place} ${page}`;
      const doors = this.pages.get(key);
      if (doors === undefined) this.pages.set(key, [{ range, door }]);
      else doors.push({ range, door });
    }
  }
}

/** Of a run the one port that was asked for. */
function single({ service, port }: Door, routed: boolean, asked: number): Door {
  return { service, port: portAt(port, routed ? 'container' : 'host', asked) ?? port };
}

function pageOf(port: number): number {
  return port >> 6;
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}
