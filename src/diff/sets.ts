import type { IpSet, Ruleset } from '../ruleset/model.ts';
import { isOwnedSet } from '../ruleset/names.ts';
import type { Observed, ObservedSet, SetChange } from './model.ts';

/** Changes of sets: what lets in no more than before, and then what does. */
export interface SetChanges {
  readonly closing: readonly SetChange[];
  readonly opening: readonly SetChange[];
}

/**
 * Membership that should change, in an order in which every prefix is safe: what closes comes before what
 * opens, and is taken away after it. After `closing` the closing sets hold the old and the new members and the opening ones
 * only those that stay, so that old rules and new ones alike let in no more than they did and will. A process killed
 * half-way leaves nothing open that should be closed.
 */
export function diffSets(sets: readonly IpSet[], observed: Observed): SetChanges {
  const found = new Map(observed.sets.map((set) => [set.name, set]));
  const pairs = sets.map((set) => ({ set, seen: sameShape(set, found.get(set.name)) }));
  const creations = pairs.flatMap(({ set, seen }): SetChange[] => {
    if (seen !== undefined) return [];
    const { members: _, ...header } = set;
    const discard: SetChange[] = found.has(set.name) ? [{ kind: 'discard-set', name: set.name }] : [];
    return [...discard, { kind: 'create-set', set: header }];
  });
  const closing = pairs.filter(({ set }) => set.effect === 'closes');
  const opening = pairs.filter(({ set }) => set.effect === 'opens');
  return {
    closing: [
      ...creations,
      ...closing.flatMap(({ set, seen }) => additions(set, seen)),
      ...opening.flatMap(({ set, seen }) => deletions(set, seen)),
    ],
    opening: [
      ...opening.flatMap(({ set, seen }) => additions(set, seen)),
      ...closing.flatMap(({ set, seen }) => deletions(set, seen)),
    ],
  };
}

/** Sets of ours that nothing wants. Empty before Docker has been asked: a label may use them. */
export function unusedSets(ruleset: Ruleset, observed: Observed): readonly string[] {
  if (ruleset.front === 'keep') return [];
  const wanted = new Set<string>(ruleset.sets.map(({ name }) => name));
  return observed.sets.map(({ name }) => name).filter((name) => isOwnedSet(name) && !wanted.has(name));
}

function sameShape(set: IpSet, seen: ObservedSet | undefined): ObservedSet | undefined {
  if (seen === undefined) return undefined;
  // A set of sets has no family.
  const family = set.type === 'list:set' || seen.family === set.family;
  const same = seen.type === set.type && family && seen.expiring === set.expiring;
  return same ? seen : undefined;
}

/** A wanted member that would expire is added again, for good. */
function additions(set: IpSet, seen: ObservedSet | undefined): readonly SetChange[] {
  if (set.members === 'keep') return [];
  return set.members
    .filter((member) => seen?.members.get(member) !== 0)
    .map((member) => ({ kind: 'add-member', set: set.name, member }));
}

/** Unknown permanent members are drift; one that expires by itself was added by hand, for a while, and stays. */
function deletions(set: IpSet, seen: ObservedSet | undefined): readonly SetChange[] {
  if (set.members === 'keep' || seen === undefined) return [];
  const wanted = new Set(set.members);
  return [...seen.members]
    .filter(([member, secondsLeft]) => !wanted.has(member) && secondsLeft === 0)
    .map(([member]) => ({ kind: 'delete-member', set: set.name, member }));
}
