import type { Family } from '../net/network.ts';
import type { Ruleset } from '../ruleset/model.ts';
import { isFrontChain, isOwnedChain } from '../ruleset/names.ts';
import { diff, setChanges } from './diff.ts';
import type {
  Observed,
  ObservedTable,
  Plan,
  ReplaceMembers,
  RuleChange,
  SetChange,
  TableChange,
} from './model.ts';
import { findTable } from './placement.ts';

/**
 * What kinds of things others change: our jump in a shared chain of `mangle`, a chain, the rules in one, a set, its members. `front`
 * is our jump in DOCKER, which Docker 28 pushes down with each container and every engine flushes at its start.
 */
export const driftKinds = ['jump', 'chain', 'rule', 'set', 'member', 'front'] as const;
export type DriftKind = (typeof driftKinds)[number];

/** A jump of ours in a chain of others. */
export interface Hook {
  readonly family: Family;
  readonly chain: string;
}

/** One thing that was not as the last pass left it, in words. */
export interface Drift {
  readonly kind: DriftKind;
  readonly what: string;
  /** Where it is a jump of ours that was not where it belongs. */
  readonly hook?: Hook;
  /** Docker's own doing, or told elsewhere. */
  readonly quiet?: true;
}

/**
 * What differs from what the last pass left, and is somebody else's doing. What closes more than it did is not: the guard adds to
 * those sets between passes. Nor is a set that nothing needs.
 */
export function diffDrift(left: Ruleset, observed: Observed): Plan {
  const plan = diff(left, observed);
  const closing = new Set<string>(
    left.sets.filter(({ effect }) => effect === 'closes').map(({ name }) => name),
  );
  return filterSets(
    { ...plan, destroy: [] },
    (change) => !(change.kind === 'delete-member' && closing.has(change.set)),
  );
}

/**
 * The part of it that can be put back from memory, before Docker has been asked: all of the rules, and what is missing in
 * sets. A member that somebody has added is left to the pass, which says whose it was.
 */
export function withoutRemovals(drift: Plan): Plan {
  return filterSets(drift, ({ kind }) => kind !== 'delete-member');
}

/**
 * The part of a drift that is wrong by a later ruleset too. What is as that one wants it was nobody's damage: another dockwall, which
 * takes over, has heard of a change before us.
 * @param drift against `observed`, from the ruleset that was left then.
 */
export function stillWrong(drift: Plan, later: Ruleset, observed: Observed): Plan {
  const wanted = diffDrift(later, observed);
  const changes = new Set(setChanges(wanted).map(setKey));
  const edits = new Set(wanted.tables.flatMap((table) => table.changes.map((edit) => editKey(table, edit))));
  const tables = drift.tables.flatMap((table): TableChange[] => {
    const left = table.changes.filter((edit) => edits.has(editKey(table, edit)));
    return left.length === 0 ? [] : [{ ...table, changes: left }];
  });
  return filterSets({ ...drift, tables }, (change) => changes.has(setKey(change)));
}

function setKey(change: SetChange): string {
  if ('member' in change) return [change.kind, change.set, change.member].join(' ');
  return 'set' in change ? [change.kind, change.set.name].join(' ') : [change.kind, change.name].join(' ');
}

/** Without the place of what is missing: that depends on what else is. What is too much has the same place in both. */
function editKey({ family, backend, table }: TableChange, edit: RuleChange): string {
  const place = [family, backend, table, edit.kind, edit.chain];
  if (edit.kind === 'create-chain' || edit.kind === 'delete-chain') return place.join(' ');
  return [...place, 'rule' in edit ? edit.rule.id : edit.spec].join(' ');
}

function filterSets(plan: Plan, keep: (change: SetChange) => boolean): Plan {
  const { openings, ...rest } = plan;
  const later = openings?.filter(keep) ?? [];
  return { ...rest, sets: plan.sets.filter(keep), ...(later.length > 0 ? { openings: later } : {}) };
}

interface DriftView {
  readonly left: Ruleset;
  readonly observed: Observed;
  /** The sets of others that were there when the last pass looked, by name. */
  readonly before: ReadonlySet<string>;
}

/** A {@link diffDrift} in words, one for each chain and set. */
export function describeDrift(drift: Plan, { left, observed, before }: DriftView): readonly Drift[] {
  const live = new Set<string>(left.sets.filter(({ expiring }) => expiring).map(({ name }) => name));
  const looking = new Set<string>(
    left.sets.filter(({ type }) => type === 'list:set').map(({ name }) => name),
  );
  // A set of others that was not there has come: nobody took it away from ours.
  const drifted = setChanges(drift).filter(
    (change) => !(change.kind === 'add-member' && looking.has(change.set) && !before.has(change.member)),
  );
  return [
    ...drift.tables.flatMap((change) => {
      const { family, backend, table } = change;
      return tableDrift(change, findTable(observed, { family, backend, table }));
    }),
    ...setDrift(drifted, live),
  ];
}

function tableDrift(
  { family, backend, table, changes }: TableChange,
  seen: ObservedTable | undefined,
): readonly Drift[] {
  const place = `(${table}, IPv${family}, ${backend})`;
  const made = new Set(changes.flatMap((change) => (change.kind === 'create-chain' ? [change.chain] : [])));
  const gone = new Set(changes.flatMap((change) => (change.kind === 'delete-chain' ? [change.chain] : [])));
  const touched = [...new Set(changes.map(({ chain }) => chain))];
  return touched.flatMap((chain): readonly Drift[] => {
    if (made.has(chain)) return [missingChain(table, `the chain ${chain} ${place} was missing`)];
    if (gone.has(chain)) return [strayChain(chain, place)];
    const here = changes.filter((change) => change.chain === chain);
    if (!isOwnedChain(chain)) {
      const ours = (seen?.chains.get(chain) ?? []).filter(({ target }) => isOwnedChain(target ?? ''));
      const wrong = ours.length === 0 ? 'was missing' : 'was not where it belongs';
      const what = `our jump in ${chain} ${place} ${wrong}`;
      const hook = { family, chain };
      return [chain === 'DOCKER' ? { kind: 'front', what, hook, quiet: true } : { kind: 'jump', what, hook }];
    }
    const missing = here.filter(({ kind }) => kind === 'insert-rule').length;
    const strange = here.filter(({ kind }) => kind === 'delete-rule').length;
    const words = [
      ...(missing > 0 ? [`${missing} ${missing === 1 ? 'rule was' : 'rules were'} missing`] : []),
      ...(strange > 0 ? [`${strange} that ${strange === 1 ? 'is' : 'are'} none of ours stood there`] : []),
    ];
    return [{ kind: 'rule', what: `in the chain ${chain} ${place} ${words.join(', ')}` }];
  });
}

/**
 * A front stands where none is wanted while an engine starts: Docker's chains are there before its jump to them is, which tells the
 * living engine (see placement.ts). The pass that follows takes it for its own again.
 */
function strayChain(chain: string, place: string): Drift {
  if (isFrontChain(chain))
    return { kind: 'front', what: `the chain ${chain} ${place} stands without Docker's own`, quiet: true };
  return { kind: 'chain', what: `a chain ${chain} ${place} that is none of ours` };
}

/** A front is missing where Docker has made its own chains since the last pass. */
function missingChain(table: string, what: string): Drift {
  return table === 'filter' ? { kind: 'front', what, quiet: true } : { kind: 'chain', what };
}

const shownMembers = 5;

/** @param live sets that an administrator may add to; what a pass takes out of them it says itself. */
function setDrift(changes: readonly SetChange[], live: ReadonlySet<string>): readonly Drift[] {
  const made = new Set<string>(
    changes.flatMap((change) => (change.kind === 'create-set' ? [change.set.name] : [])),
  );
  const whole = [...made].map((name): Drift => ({ kind: 'set', what: `the set ${name} was missing` }));
  const members = new Map<string, { readonly list: string[]; readonly quiet: boolean }>();
  const replaced = changes.flatMap((change) =>
    change.kind === 'replace-members' && !made.has(change.set.name) ? replacedDrift(change) : [],
  );
  for (const change of changes) {
    if (!('member' in change) || made.has(change.set)) continue;
    const added = change.kind === 'add-member';
    const head = added
      ? `members of the set ${change.set} were missing`
      : `the set ${change.set} had members that are none of ours`;
    const group = members.get(head) ?? { list: [], quiet: !added && live.has(change.set) };
    group.list.push(change.member);
    members.set(head, group);
  }
  const parts = [...members].map(([head, { list, quiet }]): Drift => {
    const more = list.length > shownMembers ? ` and ${list.length - shownMembers} more` : '';
    const what = `${head}: ${list.slice(0, shownMembers).join(' ')}${more}`;
    return { kind: 'member', what, ...(quiet ? { quiet } : {}) };
  });
  return [...whole, ...replaced, ...parts];
}

function replacedDrift({ set: { name }, added, removed }: ReplaceMembers): readonly Drift[] {
  return [
    ...(added === 0
      ? []
      : [{ kind: 'member', what: `${added} members of the set ${name} were missing` } as const]),
    ...(removed === 0
      ? []
      : [{ kind: 'member', what: `the set ${name} had ${removed} members that are none of ours` } as const]),
  ];
}
