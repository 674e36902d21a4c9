import type { Family } from '../net/network.ts';
import { containerPortsOf, hostPortsOf, rangeText } from '../net/port-run.ts';
import type { Reach, Service, ServicePort } from '../policy/model.ts';
import { asTold, routedIn } from '../policy/peers.ts';
import { isUnheld } from '../policy/unheld.ts';
import { addCounts, type PortCounts } from '../wall/counts.ts';
import { harmless } from './text.ts';

export interface ServiceStatus {
  readonly name: string;
  /** The compose project or swarm stack that it belongs to; null where it is in none. */
  readonly project: string | null;
  readonly running: boolean;
  /** The entry under `services` that speaks for it; null: its own labels alone. */
  readonly entry: string | null;
  readonly description: string;
  readonly ports: readonly PortStatus[];
  /** Networks on which this host's netfilter sees nothing. */
  readonly notProtected: readonly string[];
}

export interface PortStatus {
  /** `443`, `20000-20999`, `192.0.2.1:443`, or null where Docker has still to choose, and where there is none (`routed`). */
  readonly hostPort: string | null;
  /** The container's own address is what clients talk to (routed gateway mode). */
  readonly routed: boolean;
  /** `80`, or `20000-20999`. */
  readonly containerPort: string;
  readonly protocol: string;
  readonly families: readonly Family[];
  /** False: the container runs, and Docker has not given it this port. */
  readonly held: boolean;
  readonly reach: 'everybody' | 'some' | 'trusted' | 'loopback' | 'host-service';
  /** Groups and addresses besides the trusted. */
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  /** The label or config key that opens it; null where nothing does. */
  readonly because: string | null;
  /** What the kernel has counted since the port is published here; null where nobody counts. */
  readonly counts: CountStatus | null;
}

/** Packets, of the side that opened the connection. */
export interface CountStatus {
  readonly accepted: number;
  /** Those that begin a connection. */
  readonly connections: number;
  readonly refused: number;
}

/**
 * Running services that strangers reach past the walls, a sentence each, and what to do: nothing else that is told of weighs as much.
 * Of those on networks of other kinds nobody can do anything here.
 */
export function unprotectedLines(services: readonly ServiceStatus[]): readonly string[] {
  return services
    .filter(({ running, notProtected }) => running && notProtected.length > 0)
    .map(({ name, notProtected }) => {
      const [what, todo] = notProtected.includes(onHost)
        ? ['every port that it listens on is open to whoever reaches this host', `; ${declare}`]
        : ['whoever reaches its address there reaches it', ''];
      return `${harmless(name, 60)} (${notProtected.map((one) => harmless(one)).join(', ')}): ${what}${todo}`;
    });
}

const onHost = 'host network, no dockwall.ports';
const declare = 'name its ports with the label dockwall.ports, or leave that empty where it has none';

/** A service with its ports; both families of a port are one where they are alike. */
export function readService(service: Service, counts: ReadonlyMap<ServicePort, PortCounts>): ServiceStatus {
  const ports = new Map<string, { status: Omit<PortStatus, 'counts'>; counts: PortCounts | undefined }>();
  for (const port of service.ports) {
    const status = portStatus(asTold(port), {
      held: !isUnheld(service, port),
      routed: isRouted(service, port),
    });
    const key = JSON.stringify({ ...status, families: [] });
    const seen = ports.get(key);
    const families = [...(seen?.status.families ?? []), ...status.families];
    ports.set(key, {
      status: { ...status, families },
      counts: addCounts([seen?.counts, counts.get(port)]),
    });
  }
  return {
    name: service.name,
    project: service.project === undefined ? null : harmless(service.project),
    running: service.active,
    entry: service.entry ?? null,
    description: harmless(service.description),
    ports: [...ports.values()].map(({ status, counts: of }) => ({ ...status, counts: countStatus(of) })),
    notProtected: [...service.unprotected, ...(service.undeclared ? [onHost] : [])],
  };
}

function countStatus(counts: PortCounts | undefined): CountStatus | null {
  if (counts === undefined) return null;
  return { accepted: counts.passed, connections: counts.begun, refused: counts.refused };
}

function isRouted({ endpoints }: Service, { hostPort, family }: ServicePort): boolean {
  return hostPort === undefined && routedIn(endpoints, family).length > 0;
}

function portStatus(
  port: ServicePort,
  { held, routed }: Pick<PortStatus, 'held' | 'routed'>,
): Omit<PortStatus, 'counts'> {
  const range = hostPortsOf(port);
  const host = range === undefined ? null : rangeText(range);
  return {
    hostPort: host === null || port.address === 'any' ? host : hostAndPort(port.address, host),
    routed,
    containerPort: rangeText(containerPortsOf(port)),
    protocol: port.protocol,
    families: [port.family],
    held,
    reach: reachWord(port),
    allow: [
      ...new Set(port.reach.allow.map(({ peer }) => (peer.kind === 'group' ? peer.name : peer.network))),
    ],
    deny: [...new Set(port.reach.deny.map(({ peer }) => (peer.kind === 'group' ? peer.name : peer.network)))],
    because: because(port.reach),
  };
}

function hostAndPort(address: string, port: string): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function reachWord({ loopback, lapsed, reach }: ServicePort): PortStatus['reach'] {
  if (loopback) return 'loopback';
  if (lapsed) return 'host-service';
  if (reach.everyone !== undefined) return 'everybody';
  return reach.allow.length > 0 ? 'some' : 'trusted';
}

function because({ everyone, allow }: Reach): string | null {
  const reason = everyone ?? allow[0]?.reason;
  return reason === undefined ? null : harmless(`${reason.label}=${reason.value}`);
}
