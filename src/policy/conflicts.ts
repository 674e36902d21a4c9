import type { Listener } from '../inventory/model.ts';
import { cut, hostPortsOf } from '../net/port-run.ts';
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
 * whose ports Docker does not tell yet. It may claim any, so no stopped one has anything open.
 */
export function settleConflicts(
  services: readonly Service[],
  hostListeners: readonly Listener[],
  unknown: boolean,
): readonly Service[] {
  const held = new Set(hostListeners.map(({ protocol, port }) => `${protocol}:${port}`));
  const claims = services.flatMap((service) => service.ports.map((port) => ({ service, port })));
  const settled = new Map<ServicePort, ServicePort[]>();
  for (const alike of Map.groupBy(claims, claimKey).values()) {
    for (const [origin, pieces] of settleRows(alike, { held, hostListeners, unknown }))
      settled.set(origin, pieces);
  }
  return services.map((service) => ({
    ...service,
    ports: service.ports.flatMap((port) => settled.get(port) ?? [port]),
  }));
}

interface Around {
  readonly held: ReadonlySet<string>;
  readonly hostListeners: readonly Listener[];
  readonly unknown: boolean;
}

function claimKey({ port: { family, protocol, hostPort } }: Claim): string {
  return hostPort === undefined ? '' : `${family} ${protocol}`;
}

/** Claims of one family and protocol: cut where others begin and end, and settled piece by piece. */
function settleRows(claims: readonly Claim[], around: Around): ReadonlyMap<ServicePort, ServicePort[]> {
  const settled = new Map<ServicePort, ServicePort[]>();
  const rows = new Map<number, { readonly claim: Claim; readonly origin: ServicePort }[]>();
  const edges = edgesOf(claims, around.hostListeners);
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
function edgesOf(claims: readonly Claim[], hostListeners: readonly Listener[]): readonly number[] {
  const edges = new Set<number>();
  for (const { port } of claims) {
    const range = hostPortsOf(port);
    if (range === undefined) continue;
    edges.add(range.from);
    edges.add(range.to + 1);
  }
  for (const { port } of hostListeners) {
    edges.add(port);
    edges.add(port + 1);
  }
  return [...edges].sort((a, b) => a - b);
}

/** As places in the run. */
function edgesWithin(edges: readonly number[], port: ServicePort): readonly number[] {
  const range = hostPortsOf(port);
  if (range === undefined || range.from === range.to) return [];
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((edges[middle] ?? 0) <= range.from) low = middle + 1;
    else high = middle;
  }
  const places: number[] = [];
  for (let at = low; (edges[at] ?? Infinity) <= range.to; at += 1) places.push((edges[at] ?? 0) - range.from);
  return places;
}

/** Settles the claims to one row of ports; what several of them agree on is found once. */
function settler(claims: readonly Claim[], { held, unknown }: Around): (claim: Claim) => ServicePort {
  const agreed = new Map<string, Reach>();
  const runs = (address: string): boolean =>
    claims.some(({ service, port }) => service.active && overlaps(port.address, address));
  return ({ service, port }) => {
    const rivals = (): boolean => runs(port.address);
    const closed: Reach = { everyone: undefined, allow: [], deny: port.reach.deny };
    const { active } = service;
    const key = `${active} ${port.address}`;
    const reach =
      !active && (unknown || rivals())
        ? closed
        : (agreed.get(key) ??
          claims
            .filter((other) => other.service.active === active && overlaps(other.port.address, port.address))
            .map((other) => other.port.reach)
            .reduce(intersect));
    agreed.set(key, reach);
    const lapsed =
      !active && service.endpoints.length === 0 && held.has(`${port.protocol}:${port.hostPort}`) && !rivals();
    return { ...port, lapsed, reach };
  };
}

function overlaps(a: string, b: string): boolean {
  return a === 'any' || b === 'any' || a === b;
}

/** What both open. A network inside a group is not looked into: rather closed than guessed. */
function intersect(a: Reach, b: Reach): Reach {
  return {
    everyone: a.everyone !== undefined && b.everyone !== undefined ? a.everyone : undefined,
    allow: [...allowedBy(a, b), ...(a.everyone === undefined ? [] : b.allow)],
    deny: [...a.deny, ...b.deny],
  };
}

function allowedBy(a: Reach, b: Reach): readonly PeerRule[] {
  if (b.everyone !== undefined) return a.allow;
  const both = new Set(b.allow.map(({ peer }) => peerKey(peer)));
  return a.allow.filter(({ peer }) => both.has(peerKey(peer)));
}

function peerKey(peer: Peer): string {
  return peer.kind === 'group' ? `group ${peer.name}` : peer.network;
}
