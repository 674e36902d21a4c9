import type { Inventory } from '../inventory/model.ts';
import { firstIndex } from '../net/first-index.ts';
import { familyOf } from '../net/network.ts';
import { cut, hostPortsOf } from '../net/port-run.ts';
import { HostHolds } from './lapses.ts';
import type { Peer, PeerRule, Reach, Service, ServicePort } from './model.ts';

/** One container's claim to a host port, or to a row of them that all the same containers claim. */
interface Claim {
  readonly service: Service;
  readonly port: ServicePort;
}

/**
 * Several containers may claim one host port: at most one of them runs, the others are stopped, or made and
 * not yet started. The port is opened as the running one says; where none runs, only as far as all of
 * them say. So a stopped container never opens a port for the next one that takes it. `unknown`: there is a new container
 * whose ports Docker does not tell yet. It may claim any, so no stopped one has anything open. Neither has one that only declares its ports
 * (a container on the host's network): nobody knows whether it listens, so what it opens ends with the first claim of one that publishes.
 */
export function settleConflicts(
  services: readonly Service[],
  { hostListeners, judgedListeners }: Pick<Inventory, 'hostListeners' | 'judgedListeners'>,
  unknown: boolean,
): readonly Service[] {
  const around = { known: new HostHolds(hostListeners), judged: new HostHolds(judgedListeners), unknown };
  const claims = services.flatMap((service) => service.ports.map((port) => ({ service, port })));
  const settled = new Map<ServicePort, ServicePort[]>();
  for (const alike of Map.groupBy(claims, claimKey).values()) {
    for (const [origin, pieces] of settleRows(alike, around)) settled.set(origin, pieces);
  }
  return services.map((service) => ({
    ...service,
    ports: service.ports.flatMap((port) => settled.get(port) ?? [port]),
  }));
}

interface Around {
  /** See {@link Inventory}: `hostListeners` and `judgedListeners`. */
  readonly known: HostHolds;
  readonly judged: HostHolds;
  readonly unknown: boolean;
}

function claimKey({ port: { family, protocol, hostPort } }: Claim): string {
  return hostPort === undefined ? '' : `${family} ${protocol}`;
}

/** Claims of one family and protocol: cut where others begin and end, and settled piece by piece. */
function settleRows(claims: readonly Claim[], around: Around): ReadonlyMap<ServicePort, ServicePort[]> {
  const settled = new Map<ServicePort, ServicePort[]>();
  const rows = new Map<number, { readonly claim: Claim; readonly origin: ServicePort }[]>();
  const edges = edgesOf(claims, [...around.known.places, ...around.judged.places]);
  for (const { service, port } of claims) {
    if (port.hostPort === undefined) continue;
    settled.set(port, []);
    for (const piece of cut(port, edgesWithin(edges, port))) {
      const row = rows.get(piece.hostPort ?? 0) ?? [];
      rows.set(piece.hostPort ?? 0, row);
      row.push({ claim: { service, port: piece }, origin: port });
    }
  }
  for (const [, row] of [...rows].sort(([a], [b]) => a - b)) {
    const settle = settler(
      row.map(({ claim }) => claim),
      around,
    );
    for (const { claim, origin } of row) settled.get(origin)?.push(settle(claim));
  }
  return settled;
}

/** Host ports at which a row of claims may change, sorted. */
function edgesOf(claims: readonly Claim[], held: HostHolds['places']): readonly number[] {
  const edges = new Set<number>();
  for (const { port } of claims) {
    const range = hostPortsOf(port);
    if (range === undefined) continue;
    edges.add(range.from);
    edges.add(range.to + 1);
  }
  for (const { port } of held) {
    edges.add(port);
    edges.add(port + 1);
  }
  return [...edges].sort((a, b) => a - b);
}

/** As places in the run. */
function edgesWithin(edges: readonly number[], port: ServicePort): readonly number[] {
  const range = hostPortsOf(port);
  if (range === undefined || range.from === range.to) return [];
  const places: number[] = [];
  for (let at = firstIndex(edges, (edge) => edge <= range.from); (edges[at] ?? Infinity) <= range.to; at += 1)
    places.push((edges[at] ?? 0) - range.from);
  return places;
}

/** Claims to a row of ports on one address of the host, or all that such an address sees. */
interface Rivals {
  /** Any that has the port, and any of these that Docker has given it. */
  readonly run: boolean;
  readonly given: boolean;
  readonly publish: boolean;
  /** What all of them open that have as good a claim as this one; undefined where none has. */
  readonly agreed: (claim: Claim) => Reach | undefined;
}

/** Settles the claims to one row of ports; what several of them agree on is found once, so that the work grows with the claims only. */
function settler(claims: readonly Claim[], around: Around): (claim: Claim) => ServicePort {
  const parts = new Map([...Map.groupBy(claims, ({ port }) => port.address)].map(partAt));
  const rivalsAt = cached((address: string): Rivals => {
    const found = address === 'any' ? [...parts.values()] : [parts.get('any'), parts.get(address)];
    return together(found.filter((part) => part !== undefined));
  });
  return (claim) => {
    const { service, port } = claim;
    const rivals = rivalsAt(port.address);
    const { deny } = port.reach;
    // What others deny here their own claims say.
    const reach = closedReach(claim, rivals, around.unknown) ?? { ...(rivals.agreed(claim) ?? closed), deny };
    const hasOwn = service.endpoints.some(
      ({ routed, address }) => routed && familyOf(address) === port.family,
    );
    const own = hasOwn ? { ownReach: port.reach } : {};
    return { ...port, ...own, lapsed: lapses(claim, rivals, around), reach };
  };
}

const closed: Reach = { everyone: undefined, allow: [], deny: [] };

function partAt([address, claims]: readonly [string, readonly Claim[]]): readonly [string, Rivals] {
  const part = {
    run: claims.some(runs),
    // what is bound to loopback is in nobody's way from outside
    given: claims.some((claim) => runs(claim) && publishes(claim) && !claim.port.loopback),
    publish: claims.some(publishes),
    agreed: agreement((claim) =>
      claims.filter((other) => isAsGood(other, claim)).map((other) => other.port.reach),
    ),
  };
  return [address, part];
}

function together(parts: readonly Rivals[]): Rivals {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  return {
    run: parts.some(({ run }) => run),
    given: parts.some(({ given }) => given),
    publish: parts.some(({ publish }) => publish),
    agreed: agreement((claim) => parts.flatMap(({ agreed }) => agreed(claim) ?? [])),
  };
}

/** Found once for all claims that are as good as each other. */
function agreement(reaches: (claim: Claim) => readonly Reach[]): Rivals['agreed'] {
  const known = new Map<string, Reach | undefined>();
  return (claim) => {
    const key = `${runs(claim)} ${publishes(claim)}`;
    if (!known.has(key)) {
      const [first, ...rest] = reaches(claim);
      known.set(key, first && rest.reduce(intersect, first));
    }
    return known.get(key);
  };
}

/** Who runs need not heed who does not, nor who publishes a port one who only declares it. */
function isAsGood(other: Claim, claim: Claim): boolean {
  return !runs(claim) || (runs(other) && publishes(other) === publishes(claim));
}

function cached<T>(find: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>();
  return (key) => {
    const found = known.get(key) ?? find(key);
    known.set(key, found);
    return found;
  };
}

/** Whether the container may have the port now: it runs, and Docker has not left this port out. */
function runs({ service, port }: Claim): boolean {
  return service.active && port.unbound === undefined;
}

/** Of a container on the host's network nobody but itself says that it has a port. */
function publishes({ service: { portsFrom } }: Pick<Claim, 'service'>): boolean {
  return portsFrom === 'docker';
}

/** Of a claim that opens nothing, whatever its labels say; undefined for the others. Where somebody else has the port it denies nothing either. */
function closedReach(claim: Claim, { run, given, publish }: Rivals, unknown: boolean): Reach | undefined {
  const running = runs(claim);
  const taken = publishes(claim) ? !running && run : publish || (!running && run);
  if (!taken && (!unknown || (running && publishes(claim)))) return undefined;
  const silent = (!running && run) || (!publishes(claim) && given);
  return { everyone: undefined, allow: [], deny: silent ? [] : claim.port.reach.deny };
}

/**
 * A container with an endpoint is being started: what was not known to be the host's own before may be Docker's own listener. Of one that
 * runs on the host's network only what was known before is the host's own, and what the configuration declares is the container's: who
 * wrote that knows.
 */
function lapses(claim: Claim, { run }: Rivals, { known, judged }: Around): boolean {
  const { port, service } = claim;
  const { endpoints, portsFrom, ports } = service;
  if (runs(claim)) return portsFrom === 'label' && known.keepsOut(port, ports);
  if (known.keepsOut(port, ports)) return true;
  // of one that runs without the port no listener is Docker's
  const starts = endpoints.length > 0 && port.unbound !== 'runs';
  return !starts && !run && judged.keepsOut(port, ports);
}

/** What both open, never more than one of them says. A network inside a group is not looked into: rather closed than guessed. */
function intersect(a: Reach, b: Reach): Reach {
  if (a.everyone !== undefined && b.everyone !== undefined) return { ...closed, everyone: a.everyone };
  return { ...closed, allow: [...allowedBy(a, b), ...(a.everyone === undefined ? [] : b.allow)] };
}

function allowedBy(a: Reach, b: Reach): readonly PeerRule[] {
  if (b.everyone !== undefined) return a.allow;
  const both = new Set(b.allow.map(({ peer }) => peerKey(peer)));
  return a.allow.filter(({ peer }) => both.has(peerKey(peer)));
}

function peerKey(peer: Peer): string {
  return peer.kind === 'group' ? `group ${peer.name}` : peer.network;
}
