import type { Observed, ObservedSet, SetChange } from '../decide/diff/model.ts';
import { placeKey } from '../decide/inventory/host-port.ts';
import type { HostPort } from '../decide/inventory/model.ts';
import type { HostFacts } from '../decide/inventory/read-inventory.ts';
import { everyAddress } from '../decide/net/merge-networks.ts';
import type { Cidr, Family } from '../decide/net/network.ts';
import { protocols } from '../decide/net/port.ts';
import { setName } from '../decide/wall/names.ts';
import type { MemberTest } from '../reach/kernel/member-test.ts';
import type { Predecessor } from './adopted-ports.ts';

/** What the guard is to the kernel: two sets in each family whose members expire. */

/** So long at least the guard stands after the daemon has gone, or stands still, seconds. This is promised (docs/limits.md). */
export const promisedSeconds = 60;
/** It is renewed this often, ms. */
export const renewal = 20_000;
/** Reading the sockets of a host with very many connections takes long: this long is waited after it at most, ms. */
export const longestRest = 5000;
/** A renewal is written a moment after it was due: after the longest rest, a look, and a run of ipset, seconds. */
const writing = 3;
/** Without us the kernel lowers the guard by itself after this time: new services of the host are then reached again. */
export const guardSeconds = promisedSeconds + (renewal + longestRest) / 1000 + writing;
/** The list outlives it: without the list the guard would refuse everything, and the next process would know nothing. */
export const listSeconds = 2 * guardSeconds;
/** What stands against a container's declaration lives longest: this is how the next process tells that it was there before. */
export const firmSeconds = 4 * guardSeconds;

/** The members that stand for one place: all addresses of a family are two halves. */
function membersOf({ family, address, protocol, port }: HostPort): readonly string[] {
  const halves = address === 'any' ? everyAddress(family) : [address];
  return halves.map((half) => `${half},${protocol}:${port}`);
}

/** Takes these places off the list. */
export function unlisted(places: readonly HostPort[], families: readonly Family[]): readonly SetChange[] {
  return listChanges(places, families, (set, member) => ({ kind: 'delete-member', set, member }));
}

/** Puts them on the list, each for its time. */
export function listed(
  places: readonly (HostPort & { readonly seconds: number })[],
  families: readonly Family[],
): readonly SetChange[] {
  return listChanges(places, families, (set, member, { seconds }) => ({
    kind: 'add-member',
    set,
    member,
    seconds,
  }));
}

function listChanges<P extends HostPort>(
  places: readonly P[],
  families: readonly Family[],
  change: (set: ReturnType<typeof setName>, member: string, place: P) => SetChange,
): readonly SetChange[] {
  return places
    .filter(({ family }) => families.includes(family))
    .flatMap((place) =>
      membersOf(place).map((member) => change(setName(place.family, 'listening'), member, place)),
    );
}

/** Puts the guard up for its time. */
export function raised(family: Family): readonly SetChange[] {
  const set = setName(family, 'guard');
  return everyAddress(family).map((member) => ({ kind: 'add-member', set, member, seconds: guardSeconds }));
}

/**
 * Whether the guard is up; undefined where the kernel does not say. Of IPv6 where the host speaks it: what docker-proxy serves over
 * IPv4 nothing else is needed to close (see FORWARD), and two questions are twice as dear as one.
 */
export async function guardStands(
  kernel: Pick<MemberTest, 'holds'>,
  families: readonly Family[],
): Promise<boolean | undefined> {
  const family = families.at(-1) ?? 4;
  return kernel.holds(setName(family, 'guard'), everyAddress(family)[0] ?? '');
}

/** Takes it down. */
export function lowered(family: Family): readonly SetChange[] {
  const set = setName(family, 'guard');
  return everyAddress(family).map((member) => ({ kind: 'delete-member', set, member }));
}

/** A place on the guard's list in the kernel. */
interface ListedPlace {
  readonly place: HostPort;
  /** It stood against the declaration of a container that ran on the host's network. */
  readonly firm: boolean;
}

/** What the guard's sets hold in the kernel: of an earlier process's, or what somebody has left of ours. */
export function guardIn(sets: readonly ObservedSet[], families: readonly Family[]): Predecessor {
  const list = families.flatMap((family) => listIn(sets, family));
  const keys = (places: readonly ListedPlace[]): ReadonlySet<string> =>
    new Set(places.map(({ place }) => placeKey(place)));
  return {
    standing: families.every((family) => membersIn(sets, family, 'guard').size > 0),
    known: keys(list),
    firm: keys(list.filter(({ firm }) => firm)),
  };
}

/** What of the host is its own, for a process that only looks: as the daemon has written it down. */
export function ownIn({
  sets,
  families,
}: Pick<Observed, 'sets' | 'families'>): Required<Pick<HostFacts, 'listeners' | 'judged'>> {
  const list = families.flatMap((family) => listIn(sets, family));
  const places = (wanted: boolean): readonly HostPort[] =>
    list.flatMap(({ place, firm }) => (firm === wanted ? [place] : []));
  return { listeners: places(true), judged: places(false) };
}

function listIn(sets: readonly ObservedSet[], family: Family): readonly ListedPlace[] {
  const left = Math.max(0, ...membersIn(sets, family, 'guard').values());
  // Halfway between the two: members that came between two renewals live a little longer than those that were renewed with the guard.
  const longer = left + (listSeconds + firmSeconds) / 2 - guardSeconds;
  return [...membersIn(sets, family, 'listening')].flatMap(([member, seconds]) => {
    const place = placeIn(member, family);
    return place === undefined ? [] : [{ place, firm: seconds > longer }];
  });
}

function membersIn(
  sets: readonly ObservedSet[],
  family: Family,
  role: 'guard' | 'listening',
): ReadonlyMap<string, number> {
  const set = sets.find(({ name }) => name === setName(family, role));
  return set?.members ?? new Map<string, number>();
}

function placeIn(member: string, family: Family): HostPort | undefined {
  const [, half = '', name, port] = /^([^,]+),([a-z]+):(\d+)$/.exec(member) ?? [];
  const protocol = protocols.find((known) => known === name);
  if (protocol === undefined) return undefined;
  const address = everyAddress(family).includes(half) ? 'any' : (half as Cidr);
  return { family, address, protocol, port: Number(port) };
}
