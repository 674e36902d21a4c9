import { everyAddress, toSetMembers } from '../net/merge-networks.ts';
import type { Cidr, Family } from '../net/network.ts';
import type { Protocol } from '../net/port.ts';
import type { PeerRule, Policy, Reach, Service, ServicePort } from '../policy/model.ts';

/** Where packets for one port arrive: a host port, or (routed) a container's own address and port. */
interface Door {
  readonly routed: boolean;
  readonly family: Family;
  readonly address: 'any' | Cidr;
  readonly protocol: Protocol;
  readonly port: number;
  readonly reach: Reach;
}

/** Set members by role, of one family and one kind of door. Everything the gate knows about ports. */
export interface Openings {
  /** hash:net,port members. */
  readonly published: readonly string[];
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
  ports: readonly Pick<ServicePort, 'family' | 'address' | 'protocol' | 'hostPort'>[],
  family: Family,
): readonly string[] {
  const doors = ports
    .filter((port) => port.family === family)
    .flatMap((port) => hostDoors({ ...port, reach: { everyone: undefined, allow: [], deny: [] } }));
  return sorted(new Set(doors.flatMap(portMembers)));
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
  const everyone = new Set<string>();
  const allowed = new Map<string, Set<string>>();
  const denied = new Map<string, Set<string>>();
  const networks = { allowed: emptyMembers(), denied: emptyMembers() };
  for (const door of doors) {
    const members = portMembers(door);
    for (const member of members) published.add(member);
    if (door.reach.everyone !== undefined) for (const member of members) everyone.add(member);
    addPeers(door, door.reach.allow, { groups: allowed, networks: networks.allowed });
    addPeers(door, door.reach.deny, { groups: denied, networks: networks.denied });
  }
  return {
    published: sorted(published),
    everyone: sorted(everyone),
    allowed: new Map([...allowed].map(([name, members]) => [name, sorted(members)])),
    denied: new Map([...denied].map(([name, members]) => [name, sorted(members)])),
    allowedNetworks: sortedMembers(networks.allowed),
    deniedNetworks: sortedMembers(networks.denied),
  };
}

/** The members that stand for one port in the sets of the gate: its host port, and its container's where it is routed. */
export function doorMembers(service: Service, port: ServicePort): readonly string[] {
  return [...hostDoors(port), ...routedDoors(service, port)].flatMap(portMembers);
}

/** hash:net,port members for where the published TCP ports of containers are answered from: the container's address and port. */
export function answerMembers(services: readonly Service[], family: Family): readonly string[] {
  const members = services.flatMap(({ endpoints, ports }) =>
    endpoints
      .filter(({ address }) => address.includes(':') === (family === 6))
      .flatMap(({ address }) =>
        ports
          .filter((port) => port.family === family && port.protocol === 'tcp')
          .map(({ containerPort }) => `${address},tcp:${containerPort}`),
      ),
  );
  return sorted(new Set(members));
}

function serviceDoors(service: Service): readonly Door[] {
  return service.ports.flatMap((port) =>
    port.loopback || port.lapsed ? [] : [...hostDoors(port), ...routedDoors(service, port)],
  );
}

function hostDoors({
  family,
  address,
  protocol,
  hostPort,
  reach,
}: Pick<ServicePort, 'family' | 'address' | 'protocol' | 'hostPort' | 'reach'>): readonly Door[] {
  return hostPort === undefined ? [] : [{ routed: false, family, address, protocol, port: hostPort, reach }];
}

function routedDoors(service: Service, port: ServicePort): readonly Door[] {
  return service.endpoints
    .filter((endpoint) => endpoint.routed && endpoint.address.includes(':') === (port.family === 6))
    .map(({ address }) => ({
      routed: true,
      family: port.family,
      address,
      protocol: port.protocol,
      port: port.containerPort,
      reach: port.reach,
    }));
}

function hostHalves({ family, address }: Door): readonly string[] {
  if (address !== 'any') return [address];
  return everyAddress(family);
}

function portMembers(door: Door): readonly string[] {
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
  return { pairs: sorted(pairs), bound: sorted(bound) };
}

function sorted(members: ReadonlySet<string>): readonly string[] {
  return [...members].sort();
}
