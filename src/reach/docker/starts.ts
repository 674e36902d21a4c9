import type { ContainerDetails, NetworkDetails } from '../../decide/inventory/docker-json.ts';
import { ClaimIndex, type HostPortRun } from '../../decide/inventory/host-port.ts';
import type { HostPort } from '../../decide/inventory/model.ts';
import { requestedPorts } from '../../decide/inventory/published-ports.ts';
import { firstIndex } from '../../decide/net/first-index.ts';
import { hostPortsOf } from '../../decide/net/port-run.ts';

/** How long everybody waits for a start that hangs and may have any port, ms. This is promised (docs/limits.md). */
export const longestStart = 30_000;
/** docker-proxy listens at most this long before its container's address is to be seen in a network, ms. */
const margin = 5000;

export interface SlowStart {
  readonly id: string;
  /** Since when its inspect hangs, ms. */
  readonly since: number;
  /** Where it was inspected before. */
  readonly details: ContainerDetails | undefined;
}

/** Starts that hang. */
export interface Starting {
  readonly none: boolean;
  /** Whether the docker-proxy of one of them may listen here. @param since when the socket was first seen, ms. */
  readonly mayServe: (place: HostPort, since: number) => boolean;
}

interface Connected extends SlowStart {
  /** When it was last seen without an address, and since when it has those that it has. */
  readonly withoutAt: number;
  readonly withSince: number | undefined;
  readonly networks: string;
}

export function isUp(state: string): boolean {
  return state === 'running' || state === 'paused';
}

/**
 * Whether the docker-proxy of a container could be at one of these places, or at any: so it is where that cannot be read. Addresses do not
 * count. Containers and places may be very many, so one times the other is not done.
 */
export function askedAt(places: readonly HostPort[]): (details: ContainerDetails) => boolean {
  const ports = new Map(
    [...Map.groupBy(places, kindOf)].map(([kind, some]) => [
      kind,
      some.map(({ port }) => port).sort((a, b) => a - b),
    ]),
  );
  return (details) => {
    const asked = requestedPorts(details);
    return (
      isAnywhere(details, asked) ||
      asked.some((claim) => {
        const { from, to } = hostPortsOf(claim) ?? { from: 0, to: -1 };
        const held = ports.get(kindOf(claim)) ?? [];
        return (held[firstIndex(held, (port) => port < from)] ?? Infinity) <= to;
      })
    );
  };
}

function kindOf({ family, protocol }: Pick<HostPort, 'family' | 'protocol'>): string {
  return `${family} ${protocol}`;
}

type Places = 'any' | ClaimIndex<HostPortRun>;

/** Where its docker-proxies could be. */
function placesFor(details: ContainerDetails): Places {
  const asked = requestedPorts(details);
  return isAnywhere(details, asked) ? 'any' : new ClaimIndex(asked);
}

function isAnywhere({ unreadable }: ContainerDetails, asked: ReturnType<typeof requestedPorts>): boolean {
  return unreadable !== undefined || asked.some(({ hostPort }) => hostPort === undefined);
}

/**
 * What is known of starts that hang. One that may have any port holds everybody up
 * for {@link longestStart}, and so does one with a fixed port whoever listens there. After that its docker-proxies are looked for where they can be: Docker gives a container its address before
 * they listen, or a moment later, so they are among the sockets that turned up from a little before its address did until long after it.
 * A fixed port is its own from then on.
 */
export class Starts {
  private slow = new Map<string, Connected>();

  /** These hang, and these networks were listed when it was this late, or later. */
  saw(starts: readonly SlowStart[], networks: readonly NetworkDetails[], now: number): void {
    for (const start of starts) {
      const before = this.slow.get(start.id);
      const on = networks
        .flatMap(({ Id, Containers }) => (start.id in (Containers ?? {}) ? [Id] : []))
        .join(' ');
      const same = before !== undefined && before.since === start.since && before.networks === on;
      const first = { withoutAt: Number.NEGATIVE_INFINITY, withSince: undefined };
      const { withoutAt, withSince } = before?.since === start.since ? before : first;
      this.slow.set(start.id, {
        ...start,
        networks: on,
        withoutAt: on === '' && withSince === undefined ? now : withoutAt,
        withSince: same ? withSince : on === '' ? withSince : now,
      });
    }
  }

  /** Only these are hanging. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.slow.keys()) if (!ids.has(id)) this.slow.delete(id);
  }

  /** Those that have hung for so long that nobody waits for what they may ask for. */
  overdue(now: number): ReadonlySet<string> {
    return new Set(
      [...this.slow.values()].flatMap(({ id, since }) => (now - since >= longestStart ? [id] : [])),
    );
  }

  /** Of those that hang now. */
  among(ids: readonly string[], now: number): Starting {
    // its ports are read once, and not for each socket: both may be very many
    const starts = ids.map((id) => {
      const start = this.slow.get(id);
      return start && { ...start, may: start.details && placesFor(start.details) };
    });
    return {
      none: starts.every((start) => start !== undefined && now - start.since >= longestStart),
      mayServe: (place, since) =>
        starts.some((start) => start === undefined || serves(start, { place, since, now })),
    };
  }
}

function serves(
  { since: hangsSince, may, withoutAt, withSince }: Connected & { readonly may: Places | undefined },
  { place, since, now }: { readonly place: HostPort; readonly since: number; readonly now: number },
): boolean {
  const isFixed = may !== undefined && may !== 'any';
  if (isFixed && !may.has(place)) return false;
  if (now - hangsSince < longestStart) return true;
  const until = withSince === undefined || isFixed ? Infinity : withSince + longestStart;
  return since <= until && (since > withoutAt - margin || (isFixed && withSince !== undefined));
}
