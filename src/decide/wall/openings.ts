import { everyAddress, toSetMembers } from '../net/merge-networks.ts';
import type { Cidr, Family } from '../net/network.ts';
import { joinMembers } from '../net/port-members.ts';
import { containerPortsOf, hostPortsOf, rangeText } from '../net/port-run.ts';
import type { Protocol } from '../net/port.ts';
import { limits, portCount } from '../policy/limits.ts';
import type { PeerRule, Policy, Reach, Service, ServicePort } from '../policy/model.ts';
import { addressesOf, closed, isDoorOf, namesAddresses, reachAt } from '../policy/peers.ts';

/** Where packets for one port arrive: a host port, or (routed) a container's own address and port. */
interface Door {
  readonly routed: boolean;
  readonly family: Family;
  readonly address: 'any' | Cidr;
  readonly protocol: Protocol;
  /** As a member says it: `80`, or `8000-8999`. */
  readonly port: string;
  readonly reach: Reach;
  readonly counted: boolean;
  /** One of very many of its service, on every address. */
  readonly wide: boolean;
}

type PlainDoor = Omit<Door, 'counted' | 'wide'>;

/** Which ports are meant, by what the gate does with them; of one family, one kind of door, and one type of member. */
export interface PortRoles {
  readonly published: readonly string[];
  readonly everyone: readonly string[];
  /** By group. */
  readonly allowed: ReadonlyMap<string, readonly string[]>;
  readonly denied: ReadonlyMap<string, readonly string[]>;
}

/** Set members by role, of one family and one kind of door. Everything the gate knows about ports; members are hash:net,port. */
export interface Openings extends PortRoles {
  /** Those of the published that are counted. */
  readonly counted: readonly string[];
  /** Ports of wide services, by protocol: port numbers. */
  readonly wide: ReadonlyMap<Protocol, PortRoles>;
  /** For networks that labels name themselves, written out or by a DNS name. */
  readonly allowedNetworks: NetworkMembers;
  readonly deniedNetworks: NetworkMembers;
}

/** The members that close these host ports in one family, whatever else is known. */
export function publishedMembers(
  ports: readonly Omit<ServicePort, 'reach' | 'loopback' | 'lapsed'>[],
  family: Family,
): readonly string[] {
  const doors = ports
    .filter((port) => port.family === family)
    .flatMap((port) => hostDoors({ ...port, reach: closed }));
  return joinMembers(doors.flatMap(portMembers));
}

/**
 * Doors for one network each. A port on every address is (source, port), `hash:net,port`; one on a single
 * address is (address, port, source), `hash:ip,port,net`. A `hash:net,port,net` could hold both, but kernels
 * are built without it (seen: 6.18 of a virtual machine); these two are older and everywhere.
 */
export interface NetworkMembers {
  readonly pairs: readonly string[];
  readonly bound: readonly string[];
}

/** Turns the reach of every port into set members. `routed` picks the doors without NAT, else host ports. */
export function openings(policy: Policy, family: Family, routed: boolean): Openings {
  const doors = policy.services
    .flatMap(serviceDoors)
    .filter((door) => door.family === family && door.routed === routed);
  const counted = new Set<string>();
  const networks = { allowed: emptyMembers(), denied: emptyMembers() };
  const usual = new Roles();
  const allowed = membersByPeer(policy, family, 'allow');
  const denied = membersByPeer(policy, family, 'deny');
  const wide = new Map<Protocol, Roles>();
  for (const door of doors) {
    if (door.wide) {
      const roles = wide.get(door.protocol) ?? new Roles();
      wide.set(door.protocol, roles);
      roles.add(door, [door.port]);
    } else usual.add(door, portMembers(door));
    if (door.counted) for (const member of portMembers(door)) counted.add(member);
    addNetworks(door, door.reach.allow.map(allowed), networks.allowed);
    addNetworks(door, door.reach.deny.map(denied), networks.denied);
  }
  return {
    ...usual.sorted(),
    counted: joinMembers(counted),
    wide: new Map([...wide].map(([protocol, roles]) => [protocol, roles.sorted()])),
    allowedNetworks: sortedMembers(networks.allowed),
    deniedNetworks: sortedMembers(networks.denied),
  };
}

/** As members of sets, each found once: one that a label names may be named for very many ports. */
function membersByPeer(
  { groups }: Policy,
  family: Family,
  use: 'allow' | 'deny',
): (rule: PeerRule) => readonly string[] {
  const known = new Map<PeerRule['peer'], readonly string[]>();
  return ({ peer }) => {
    const members = known.get(peer) ?? toSetMembers(addressesOf(peer, { groups, use }), family);
    known.set(peer, members);
    return members;
  };
}

/** Collects what doors say. */
class Roles {
  private readonly published = new Set<string>();
  private readonly everyone = new Set<string>();
  private readonly allowed = new Map<string, Set<string>>();
  private readonly denied = new Map<string, Set<string>>();

  add({ reach }: Pick<Door, 'reach'>, members: readonly string[]): void {
    addTo(this.published, members);
    if (reach.everyone !== undefined) addTo(this.everyone, members);
    addGroups(this.allowed, reach.allow, members);
    addGroups(this.denied, reach.deny, members);
  }

  sorted(): PortRoles {
    const byGroup = (groups: ReadonlyMap<string, Set<string>>): ReadonlyMap<string, readonly string[]> =>
      new Map([...groups].map(([name, members]) => [name, joinMembers(members)]));
    return {
      published: joinMembers(this.published),
      everyone: joinMembers(this.everyone),
      allowed: byGroup(this.allowed),
      denied: byGroup(this.denied),
    };
  }
}

function addTo(set: Set<string>, members: readonly string[]): void {
  for (const member of members) set.add(member);
}

function addGroups(
  groups: Map<string, Set<string>>,
  rules: readonly PeerRule[],
  members: readonly string[],
): void {
  for (const { peer } of rules) {
    if (peer.kind !== 'group' || namesAddresses(peer)) continue;
    const known = groups.get(peer.name) ?? new Set();
    addTo(known, members);
    groups.set(peer.name, known);
  }
}

/** The members that stand for one port in the sets of the gate: its host port, and its container's where it is routed. */
export function doorMembers(service: Service, port: ServicePort): readonly string[] {
  return [...hostDoors(port), ...routedDoors(service, port)].flatMap(portMembers);
}

/** hash:net,port members for where the published TCP ports of containers are answered from: the container's address and port. */
export function answerMembers(services: readonly Service[], family: Family): readonly string[] {
  const members = services.flatMap(({ endpoints, ports }) => {
    const here = endpoints.filter(({ address }) => address.includes(':') === (family === 6));
    const own = ports.filter((port) => port.family === family && port.protocol === 'tcp');
    // A container on very many networks, with very many ports: its own sessions only, and everybody's list of sets.
    if (here.length * portCount(own) > limits.answers) return [];
    return here.flatMap(({ address, routed }) =>
      own
        .filter(({ unbound }) => unbound === undefined || routed)
        .map((port) => `${address},tcp:${rangeText(containerPortsOf(port))}`),
    );
  });
  return joinMembers(members);
}

function serviceDoors(service: Service): readonly Door[] {
  const wide = service.wide === true;
  return service.ports.flatMap((port) =>
    port.loopback
      ? []
      : [...(port.lapsed ? [] : hostDoors(port)), ...routedDoors(service, port)].map((door) => ({
          ...door,
          wide: wide && !door.routed && door.address === 'any',
          counted: !wide,
        })),
  );
}

function hostDoors(port: Omit<ServicePort, 'loopback' | 'lapsed'>): readonly PlainDoor[] {
  const { family, address, protocol, reach } = port;
  const range = hostPortsOf(port);
  return range === undefined
    ? []
    : [{ routed: false, family, address, protocol, port: rangeText(range), reach }];
}

function routedDoors(service: Service, port: ServicePort): readonly PlainDoor[] {
  return service.endpoints
    .filter((endpoint) => isDoorOf(endpoint, port) && endpoint.address.includes(':') === (port.family === 6))
    .map((endpoint) => ({
      routed: true,
      family: port.family,
      address: endpoint.address,
      protocol: port.protocol,
      port: rangeText(containerPortsOf(port)),
      reach: reachAt(endpoint, port),
    }));
}

function hostHalves({ family, address }: PlainDoor): readonly string[] {
  if (address !== 'any') return [address];
  return everyAddress(family);
}

function portMembers(door: PlainDoor): readonly string[] {
  return hostHalves(door).map((half) => `${half},${door.protocol}:${door.port}`);
}

function addNetworks(door: Door, lists: readonly (readonly string[])[], into: Members): void {
  const port = `${door.protocol}:${door.port}`;
  for (const sources of lists) {
    for (const source of sources) {
      if (door.address === 'any') into.pairs.add(`${source},${port}`);
      else into.bound.add(`${door.address},${port},${source}`);
    }
  }
}

interface Members {
  readonly pairs: Set<string>;
  readonly bound: Set<string>;
}

function emptyMembers(): Members {
  return { pairs: new Set(), bound: new Set() };
}

function sortedMembers({ pairs, bound }: Members): NetworkMembers {
  return { pairs: joinMembers(pairs), bound: joinMembers(bound) };
}
