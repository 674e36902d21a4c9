import { mergeNetworks, toSetMembers } from '../net/merge-networks.ts';
import { coveredBy } from '../net/network-index.ts';
import { type Cidr, families, type Family, familyOf } from '../net/network.ts';
import type { SetName } from './model.ts';
import { listSet, setName } from './names.ts';

/** The sets that let a source in; as the kernel has them. */
interface SourceSet {
  readonly name: string;
  readonly family: Family;
  readonly members: ReadonlyMap<string, number>;
  /** Undefined where it was made without room for notes. */
  readonly notes?: ReadonlyMap<string, string>;
}

/** Somebody who is let in for a while. */
export interface Grant {
  /** `trusted` or a group. */
  readonly group: string;
  readonly network: Cidr;
  readonly seconds: number;
  /** Empty where there is none. */
  readonly note: string;
}

/** The set that lets the sources of a group in. */
export function openingSet(family: Family, group: string): SetName {
  return listSet(family, group === 'trusted' ? group : { use: 'src', group });
}

/** The groups whose sets are there. @param known names that may have been too long for a set's. */
export function groupsOf(
  sets: readonly Pick<SourceSet, 'name'>[],
  known: readonly string[],
): readonly string[] {
  const names = groupNames(known);
  return [...new Set(sets.flatMap(({ name }) => groupOf(name, names) ?? []))].toSorted();
}

/** Every grant that stands, by group and then by address. */
export function grantsOf(sets: readonly SourceSet[], known: readonly string[]): readonly Grant[] {
  const names = groupNames(known);
  const grants = sets.flatMap(({ name, members, notes }): Grant[] => {
    const group = groupOf(name, names);
    if (group === undefined) return [];
    return passing(members).map(([member, seconds]) => ({
      group,
      network: member as Cidr,
      seconds,
      note: notes?.get(member) ?? '',
    }));
  });
  return grants.toSorted(
    (a, b) =>
      compare(a.group, b.group) || familyOf(a.network) - familyOf(b.network) || compare(a.network, b.network),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function groupNames(known: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    families.flatMap((family) => known.map((group) => [openingSet(family, group), group] as const)),
  );
}

function groupOf(name: string, known: ReadonlyMap<string, string>): string | undefined {
  return (
    known.get(name) ??
    /^dockwall[46]-(?:(trusted)$|src-(.+))/
      .exec(name)
      ?.slice(1)
      .find((group) => group !== undefined)
  );
}

function passing(members: SourceSet['members']): readonly (readonly [string, number])[] {
  const found: (readonly [string, number])[] = [];
  for (const entry of members) if (entry[1] > 0 && !entry[0].endsWith('nomatch')) found.push(entry);
  return found;
}

function permanent(members: SourceSet['members']): readonly string[] {
  const found: string[] = [];
  for (const [member, seconds] of members) if (seconds === 0) found.push(member);
  return found;
}

/** What is asked of one group. */
interface Asked {
  readonly group: string;
  readonly networks: readonly Cidr[];
}

/** One network of a request, and the set that it belongs into. */
interface Place {
  readonly member: string;
  readonly set: SourceSet | undefined;
}

function placesOf(sets: readonly SourceSet[], { group, networks }: Asked): readonly Place[] {
  const found = new Map(sets.map((set) => [set.name, set]));
  const merged = mergeNetworks(networks);
  return families.flatMap((family) =>
    toSetMembers(merged, family).map((member) => ({ member, set: found.get(openingSet(family, group)) })),
  );
}

/** Those that a permanent member of their set holds; each set is looked through once, for it may be long. */
function inForGood(places: readonly Place[]): readonly Place[] {
  return [...new Set(places.map(({ set }) => set))].flatMap((set) => {
    const here = places.filter((place) => place.set === set);
    const covered = coveredBy(
      here.map(({ member }) => member),
      permanent(set?.members ?? new Map()),
    );
    return here.filter(({ member }) => covered.has(member));
  });
}

export interface GrantPlan {
  readonly changes: readonly {
    readonly kind: 'add-member';
    readonly set: SetName;
    readonly member: string;
    readonly seconds: number;
    readonly note?: string;
  }[];
  /** In already, for good. */
  readonly held: readonly string[];
  /** What `deny` or one of its groups holds: that comes first. */
  readonly denied: readonly string[];
  /** The note could not be kept: an earlier dockwall made the set. */
  readonly noteLost: boolean;
  /** There is no set for these. */
  readonly homeless: readonly string[];
}

/** What lets these in for this time. A note that stands at an entry stays where no other is given. */
export function planGrant(
  sets: readonly SourceSet[],
  asked: Asked,
  { seconds, note }: { readonly seconds: number; readonly note: string },
): GrantPlan {
  const places = placesOf(sets, asked);
  const held = inForGood(places);
  const rest = places.filter((place) => !held.includes(place));
  const changes = rest.flatMap(({ member, set }) => {
    if (set === undefined) return [];
    const words = note === '' ? (set.notes?.get(member) ?? '') : note;
    const kept = set.notes === undefined || words === '' ? {} : { note: words };
    return [{ kind: 'add-member' as const, set: set.name as SetName, member, seconds, ...kept }];
  });
  const deny = sets.filter(({ name }) => name === setName(4, 'deny') || name === setName(6, 'deny'));
  return {
    changes,
    held: held.map(({ member }) => member),
    denied: rest
      .map(({ member }) => member)
      .filter(
        (one) =>
          coveredBy(
            [one],
            deny.flatMap(({ members }) => [...members.keys()]),
          ).size > 0,
      ),
    noteLost: note !== '' && rest.some(({ set }) => set !== undefined && set.notes === undefined),
    homeless: rest.filter(({ set }) => set === undefined).map(({ member }) => member),
  };
}

export interface RevokePlan {
  readonly changes: readonly {
    readonly kind: 'delete-member';
    readonly set: SetName;
    readonly member: string;
  }[];
  /** In the group for good: the configuration says so. */
  readonly permanent: readonly string[];
  /** No grant of its own, but in one for more: `10.0.0.1` in `10.0.0.0/24`. */
  readonly within: readonly { readonly member: string; readonly grant: string }[];
  /** Nothing was there. */
  readonly missing: readonly string[];
}

/** What takes the grants for exactly these networks back. */
export function planRevoke(sets: readonly SourceSet[], asked: Asked): RevokePlan {
  const places = placesOf(sets, asked);
  const has = ({ member, set }: Place): boolean => (set?.members.get(member) ?? 0) > 0;
  const rest = places.filter((place) => !has(place));
  const forGood = inForGood(rest);
  const others = rest.filter((place) => !forGood.includes(place));
  const holder = ({ member, set }: Place): string | undefined =>
    passing(set?.members ?? new Map())
      .map(([one]) => one)
      .find((one) => coveredBy([member], [one]).size > 0);
  return {
    changes: places.filter(has).map(({ member, set }) => ({
      kind: 'delete-member',
      set: (set?.name ?? '') as SetName,
      member,
    })),
    permanent: forGood.map(({ member }) => member),
    within: others.flatMap((place) => {
      const grant = holder(place);
      return grant === undefined ? [] : [{ member: place.member, grant }];
    }),
    missing: others.filter((place) => holder(place) === undefined).map(({ member }) => member),
  };
}

/** The sets when these are taken out of them. */
export function withoutMembers(
  sets: readonly SourceSet[],
  changes: RevokePlan['changes'],
): readonly SourceSet[] {
  return sets.map((set) => {
    const gone = new Set(changes.filter((change) => change.set === set.name).map(({ member }) => member));
    if (gone.size === 0) return set;
    return { ...set, members: new Map([...set.members].filter(([member]) => !gone.has(member))) };
  });
}

/** Another reason for which some of these get in: the list, its network, and whether that ends by itself. */
export interface OtherWay {
  readonly group: string;
  readonly member: string;
  readonly seconds: number;
}

/** Where else these networks, or parts of them, are let in. */
export function otherWays(
  sets: readonly SourceSet[],
  networks: readonly Cidr[],
  known: readonly string[],
): readonly OtherWay[] {
  const names = groupNames(known);
  return sets.flatMap(({ name, members }) => {
    const group = groupOf(name, names);
    if (group === undefined) return [];
    const all = [...members.keys()];
    const inside = coveredBy(all, networks);
    const holding = all.length === 0 ? [] : networks.filter((one) => coveredBy([one], all).size > 0);
    const outside = holding.length === 0 ? [] : all.filter((one) => coveredBy(holding, [one]).size > 0);
    return [...new Set([...inside, ...outside])].map((member) => ({
      group,
      member,
      seconds: members.get(member) ?? 0,
    }));
  });
}
