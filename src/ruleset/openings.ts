import { everyAddress, toSetMembers } from '../net/merge-networks.ts';
import type { Cidr, Family } from '../net/network.ts';
import { joinMembers } from '../net/port-members.ts';
import { containerPortsOf, hostPortsOf, rangeText } from '../net/port-run.ts';
import type { Protocol } from '../net/port.ts';
import { limits, portCount } from '../policy/limits.ts';
import type { PeerRule, Policy, Reach, Service, ServicePort } from '../policy/model.ts';

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
}

/** Set members by role, of one family and one kind of door. Everything the gate knows about ports. */
export interface Openings {
  /** hash:net,port members. */
  readonly published: readonly string[];
  /** Those of them that are counted. */
  readonly counted: readonly string[];
  readonly everyone: readonly string[];
  /** hash:net,port members by group. */
  readonly allowed: ReadonlyMap<string, readonly string[]>;
  readonly denied: ReadonlyMap<string, readonly string[]>;
  /** For networks that labels name themselves. */
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
    .flatMap((port) => hostDoors({ ...port, reach: { everyone: undefined, allow: [], deny: [] } }));
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
  const published = new Set<string>();
  const counted = new Set<string>();
  const everyone = new Set<string>();
  const allowed = new Map<string, Set<string>>();
  const denied = new Map<string, Set<string>>();
  const networks = { allowed: emptyMembers(), denied: emptyMembers() };
  for (const door of doors) {
    const members = portMembers(door);
    for (const member of members) published.add(member);
    if (door.counted) for (const member of members) counted.add(member);
    if (door.reach.everyone !== undefined) for (const member of members) everyone.add(member);
    addPeers(door, door.reach.allow, { groups: allowed, networks: networks.allowed });
    addPeers(door, door.reach.deny, { groups: denied, networks: networks.denied });
  }
  return {
    published: joinMembers(published),
    counted: joinMembers(counted),
    everyone: joinMembers(everyone),
    allowed: new Map([...allowed].map(([name, members]) => [name, joinMembers(members)])),
    denied: new Map([...denied].map(([name, members]) => [name, joinMembers(members)])),
    allowedNetworks: sortedMembers(networks.allowed),
    deniedNetworks: sortedMembers(networks.denied),
  };
}

/** The members that stand for one port in the sets of the gate: its host port, and its container's where it is routed. */
export function doorMembers(service: Service, port: ServicePort): readonly string[] {
  return [...hostDoors(port), ...routedDoors(service, port)].flatMap(portMembers);
}

function serviceDoors(service: Service): readonly Door[] {
  const counted = isCounted(service);
  return service.ports.flatMap((port) =>
    port.loopback || port.lapsed
      ? []
      : [...hostDoors(port), ...routedDoors(service, port)].map((door) => ({ ...door, counted })),
  );
}

/** Whether packets to each of its ports are counted: the kernel keeps three members for it, and their number has to stay small. */
export function isCounted({ ports }: Pick<Service, 'ports'>): boolean {
  return portCount(ports) <= limits.counted;
}

function hostDoors(port: Omit<ServicePort, 'loopback' | 'lapsed'>): readonly Omit<Door, 'counted'>[] {
  const { family, address, protocol, reach } = port;
  const range = hostPortsOf(port);
  return range === undefined
    ? []
    : [{ routed: false, family, address, protocol, port: rangeText(range), reach }];
}

function routedDoors(service: Service, port: ServicePort): readonly Omit<Door, 'counted'>[] {
  return service.endpoints
    .filter((endpoint) => endpoint.routed && endpoint.address.includes(':') === (port.family === 6))
    .map(({ address }) => ({
      routed: true,
      family: port.family,
      address,
      protocol: port.protocol,
      port: rangeText(containerPortsOf(port)),
      reach: port.reach,
    }));
}

function hostHalves({ family, address }: Omit<Door, 'counted'>): readonly string[] {
  if (address !== 'any') return [address];
  return everyAddress(family);
}

function portMembers(door: Omit<Door, 'counted'>): readonly string[] {
  return hostHalves(door).map((half) => `${half},${door.protocol}:${door.port}`);
}

function addPeers(
  door: Door,
  rules: readonly PeerRule[],
  into: { groups: Map<string, Set<string>>; networks: Members },
): void {
  for (const { peer } of rules) {
    if (peer.kind === 'group') {
      const members = into.groups.get(peer.name) ?? new Set();
      for (const member of portMembers(door)) members.add(member);
      into.groups.set(peer.name, members);
      continue;
    }
    for (const source of toSetMembers([peer.network], door.family)) {
      const port = `${door.protocol}:${door.port}`;
      if (door.address === 'any') into.networks.pairs.add(`${source},${port}`);
      else into.networks.bound.add(`${door.address},${port},${source}`);
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
