import type { IpSet, Ruleset } from '../wall/model.ts';
import { isOwnedSet, isTemporarySet } from '../wall/names.ts';
import { coveredMembers } from './covered.ts';
import { type Edit, editOf, towards } from './members.ts';
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
 * half-way leaves nothing open that should be closed. Nor is an address ever out of a set that it was in and will be in.
 * @param steady no rule changes.
 */
export function diffSets(sets: readonly IpSet[], observed: Observed, steady = false): SetChanges {
  const found = new Map(observed.sets.map((set) => [set.name, set]));
  const pairs = sets.map((set) => ({ set, seen: sameShape(set, found.get(set.name)) }));
  const creations = pairs.flatMap(({ set, seen }): SetChange[] => {
    if (seen !== undefined) return [];
    const { members: _, ...header } = set;
    const discard: SetChange[] = found.has(set.name) ? [{ kind: 'discard-set', name: set.name }] : [];
    return [...discard, { kind: 'create-set', set: header }];
  });
  const { closing, opening } = inOrder(
    pairs.flatMap(({ set, seen }) => {
      const edit = editOf(set, seen);
      return edit === undefined ? [] : [found.has(set.name) ? edit : { ...edit, unused: true }];
    }),
    steady,
  );
  return { closing: [...creations, ...closing], opening };
}

/** The edits of several sets, in the order that {@link diffSets} promises. */
export function inOrder(edits: readonly Edit[], steady: boolean): SetChanges {
  const phases = edits.map((edit) => {
    const alone = steady && edits.every((other) => other === edit || other.set.family !== edit.set.family);
    return { ...edit, phases: (alone ? atOnce(edit) : undefined) ?? inPhases(edit) };
  });
  const closing = phases.filter(({ set }) => set.effect === 'closes');
  const opening = phases.filter(({ set }) => set.effect === 'opens');
  return {
    closing: [...closing, ...opening].flatMap((edit) => edit.phases.closing),
    opening: [...opening, ...closing].flatMap((edit) => edit.phases.opening),
  };
}

/** Where nothing else changes, a set may go from the old members to the new ones in one step. */
function atOnce(edit: Edit): SetChanges | undefined {
  const { added, removed, set } = edit;
  const changes = towards(set, { added, removed, members: () => set.members });
  const [first] = changes;
  return first?.kind === 'replace-members' ? { closing: [], opening: [first] } : undefined;
}

function inPhases(edit: Edit): SetChanges {
  const { set, before, added, removed } = edit;
  if (set.effect === 'closes') {
    const both = (): readonly string[] => [...set.members, ...removed];
    return {
      closing: towards(set, { added, removed: [], members: both }),
      opening: towards(set, { added: [], removed, members: () => set.members }),
    };
  }
  // No rule looks into it before the new ones do: who was let in by a set of another name is let in all the while.
  if (edit.unused === true)
    return { closing: towards(set, { added, removed, members: () => set.members }), opening: [] };
  // What is written in another way now (two networks have become one, or one has become two) never leaves the set.
  const narrower = coveredMembers(set.type, added, removed);
  const wider = coveredMembers(set.type, removed, added);
  const early = {
    added: added.filter((one) => narrower.has(one)),
    removed: removed.filter((one) => !wider.has(one)),
  };
  const late = {
    added: added.filter((one) => !narrower.has(one)),
    removed: removed.filter((one) => wider.has(one)),
  };
  const staying = (): readonly string[] => {
    const gone = new Set(early.removed);
    return [...before().filter((member) => !gone.has(member)), ...early.added];
  };
  return {
    closing: towards(set, { ...early, members: staying }),
    opening: towards(set, { ...late, members: () => set.members }),
  };
}

/** Sets of ours that nothing wants. Before Docker has been asked, only what was never meant to stay: a label may use the others. */
export function unusedSets(ruleset: Ruleset, observed: Observed): readonly string[] {
  const wanted = new Set<string>(ruleset.sets.map(({ name }) => name));
  return observed.sets
    .map(({ name }) => name)
    .filter((name) => isOwnedSet(name) && !wanted.has(name))
    .filter((name) => ruleset.front !== 'keep' || isTemporarySet(name));
}

function sameShape(set: IpSet, seen: ObservedSet | undefined): ObservedSet | undefined {
  if (seen === undefined) return undefined;
  // Some versions of ipset print that a set was made to let entries go for new ones, and some do not.
  const types = set.atMost === undefined ? [set.type] : [set.type, `${set.type} forceadd`];
  // Neither a set of sets nor one of ports alone has a family.
  const family = set.type === 'list:set' || set.type === 'bitmap:port' || seen.family === set.family;
  const same = types.includes(seen.type) && family && seen.expiring === set.expiring;
  return same ? seen : undefined;
}
