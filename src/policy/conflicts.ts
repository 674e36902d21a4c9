import type { Listener } from '../inventory/model.ts';
import type { Peer, PeerRule, Reach, Service, ServicePort } from './model.ts';

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
  const claims = claimsByPort(services);
  const held = new Set(hostListeners.map(({ protocol, port }) => `${protocol}:${port}`));
  return services.map((service) => ({
    ...service,
    ports: service.ports.map((port) => {
      const key = claimKey(port);
      if (key === undefined) return port;
      const rivals = (claims.get(key) ?? []).filter(
        (claim) => claim.port !== port && overlaps(claim.port, port),
      );
      return {
        ...port,
        lapsed: held.has(`${port.protocol}:${port.hostPort}`) && lapses(service, rivals),
        reach: settledReach({ service, port }, rivals, unknown),
      };
    }),
  }));
}

/** An endpoint means that the container is being started: the listener is Docker's own. */
function lapses(service: Service, rivals: readonly Claim[]): boolean {
  return !service.active && service.endpoints.length === 0 && !rivals.some((rival) => rival.service.active);
}

function claimsByPort(services: readonly Service[]): ReadonlyMap<string, readonly Claim[]> {
  const claims = new Map<string, Claim[]>();
  for (const service of services) {
    for (const port of service.ports) {
      const key = claimKey(port);
      if (key === undefined) continue;
      claims.set(key, [...(claims.get(key) ?? []), { service, port }]);
    }
  }
  return claims;
}

function claimKey({ family, protocol, hostPort }: ServicePort): string | undefined {
  return hostPort === undefined ? undefined : `${family} ${protocol}:${hostPort}`;
}

function overlaps(a: ServicePort, b: ServicePort): boolean {
  return a.address === 'any' || b.address === 'any' || a.address === b.address;
}

function settledReach({ service, port }: Claim, rivals: readonly Claim[], unknown: boolean): Reach {
  if (!service.active && (unknown || rivals.some((rival) => rival.service.active))) {
    return { everyone: undefined, allow: [], deny: port.reach.deny };
  }
  return rivals
    .filter(
      (rival) => rival.service.active === service.active && rival.service.containerId !== service.containerId,
    )
    .reduce((reach, rival) => intersect(reach, rival.port.reach), port.reach);
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
  return a.allow.filter(({ peer }) => b.allow.some((other) => samePeer(other.peer, peer)));
}

function samePeer(a: Peer, b: Peer): boolean {
  return a.kind === 'group'
    ? b.kind === 'group' && a.name === b.name
    : b.kind === 'network' && a.network === b.network;
}
