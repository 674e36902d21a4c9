import { families } from '../net/network.ts';
import { containerPortsOf, hostPortsOf, includes } from '../net/port-run.ts';
import type { Policy } from '../policy/model.ts';
import { isDoor } from '../policy/peers.ts';
import { blockedRoles, setName, unheardRoles } from './names.ts';
import { rememberedFor } from './sets.ts';

/** Somebody who was turned away. */
export interface Blocked {
  /** A plain address. */
  readonly source: string;
  readonly protocol: string;
  /** `gate`: the port was published. `guard`: nobody was known to listen there. */
  readonly by: 'gate' | 'guard';
  /** As it was asked for: a host port, or a container's in routed mode. */
  readonly port: number;
  /** Whose port it is now: names of containers; none where nobody publishes it any more. */
  readonly services: readonly string[];
  /** Since the first; at least one. */
  readonly packets: number;
  /** Seconds since the first packet and since the last, as far back as is remembered. */
  readonly firstSeen: number;
  readonly lastSeen: number;
}

interface LiveSet {
  readonly name: string;
  /** Seconds left. */
  readonly members: ReadonlyMap<string, number>;
  readonly packets?: ReadonlyMap<string, number>;
}

/** Who was turned away lately, the latest first. */
export function readBlocked(policy: Pick<Policy, 'services'>, sets: readonly LiveSet[]): readonly Blocked[] {
  const found = new Map(sets.map((set) => [set.name, set]));
  const of = (
    by: Blocked['by'],
    { first, last }: typeof blockedRoles | typeof unheardRoles,
  ): readonly Blocked[] =>
    families.flatMap((family) =>
      readPair(
        { first: found.get(setName(family, first)), last: found.get(setName(family, last)) },
        ({ source, protocol, port }) => ({
          source,
          protocol,
          port,
          services: by === 'gate' ? publishers(policy, { family, protocol, port }) : [],
          by,
        }),
      ),
    );
  return [...of('gate', blockedRoles), ...of('guard', unheardRoles)].sort(
    (a, b) => a.lastSeen - b.lastSeen || b.packets - a.packets || compare(a.source, b.source),
  );
}

type Times = 'packets' | 'firstSeen' | 'lastSeen';

/**
 * What the two sets of one kind hold differs where they are full: who was seen last is what counts, and of whom nothing else is
 * known has sent one packet at least.
 */
function readPair(
  { first, last }: { readonly first: LiveSet | undefined; readonly last: LiveSet | undefined },
  describe: (asked: Pick<Blocked, 'source' | 'protocol' | 'port'>) => Omit<Blocked, Times>,
): readonly Blocked[] {
  return [...(last?.members ?? [])].flatMap(([member, left]): Blocked[] => {
    const [, source, protocol, digits] = /^([^,]+),([a-z]+):(\d+)$/.exec(member) ?? [];
    if (source === undefined || protocol === undefined) return [];
    const lastSeen = Math.max(0, rememberedFor - left);
    const firstLeft = first?.members.get(member);
    return [
      {
        ...describe({ source, protocol, port: Number(digits) }),
        packets: Math.max(1, first?.packets?.get(member) ?? 1),
        firstSeen: firstLeft === undefined ? lastSeen : Math.max(lastSeen, rememberedFor - firstLeft),
        lastSeen,
      },
    ];
  });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Those that run, if any does. */
function publishers(
  { services }: Pick<Policy, 'services'>,
  asked: { readonly family: number; readonly protocol: string; readonly port: number },
): readonly string[] {
  const owners = services.filter((service) =>
    service.ports.some(
      (port) =>
        port.family === asked.family &&
        port.protocol === asked.protocol &&
        ((!port.lapsed && !port.loopback && includes(hostPortsOf(port), asked.port)) ||
          (includes(containerPortsOf(port), asked.port) && service.endpoints.some(isDoor))),
    ),
  );
  const running = owners.filter(({ active }) => active);
  return [...new Set((running.length > 0 ? running : owners).map(({ name }) => name))].sort();
}
