import type { Family } from '../net/network.ts';
import type { Ruleset } from '../wall/model.ts';
import { isFrontChain } from '../wall/names.ts';
import { describe } from './describe.ts';
import { diff, setChanges } from './diff.ts';
import type { Observed, Plan, RuleChange, SetChange, TableChange } from './model.ts';

/**
 * What kinds of things others change: our jump in a shared chain of `mangle`, a chain, the rules in one, a set, its members. `front`
 * is our jump in DOCKER, which Docker 28 pushes down with each container and every engine flushes at its start.
 */
export const driftKinds = ['jump', 'chain', 'rule', 'set', 'member', 'front', 'lock'] as const;
export type DriftKind = (typeof driftKinds)[number];

/** A jump of ours in a chain of others. */
export interface Hook {
  readonly family: Family;
  readonly chain: string;
}

/** One thing that was not as the last pass left it: what is put in (`+`) or taken out (`-`) to put it back. */
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
 * those sets between passes. Nor is a set that nothing needs, nor a lock that another dockwall holds: passes ask for it.
 */
export function diffDrift(left: Ruleset, observed: Observed): Plan {
  const held = observed.lock?.kind === 'stands' && observed.lock.held === true;
  const plan = diff(held ? { ...left, lock: 'keep' } : left, observed);
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
  const { lock, ...rest } = drift;
  return filterSets(
    { ...rest, tables, ...(wanted.lock === undefined || lock === undefined ? {} : { lock }) },
    (change) => changes.has(setKey(change)),
  );
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

/**
 * A {@link diffDrift} as what it does to put things back: all of a chain or set that is made is told by that.
 * @param left what the last pass left.
 * @param before the external sets that were there when the last pass looked, by name.
 */
export function describeDrift(drift: Plan, left: Ruleset, before: ReadonlySet<string>): readonly Drift[] {
  const sets = setChanges(drift);
  const made = new Set<string>(
    sets.flatMap((change) => (change.kind === 'create-set' ? [change.set.name] : [])),
  );
  const live = new Set<string>(left.sets.filter(({ expiring }) => expiring).map(({ name }) => name));
  const looking = new Set<string>(
    left.sets.filter(({ type }) => type === 'list:set').map(({ name }) => name),
  );
  const kinds = Map.groupBy(sets, (change) => {
    if (change.kind === 'create-set') return 'set';
    if (change.kind === 'replace-members') return made.has(change.set.name) ? 'told' : 'member';
    if (change.kind === 'discard-set' || made.has(change.set)) return 'told';
    if (change.kind === 'delete-member') return live.has(change.set) ? 'handmade' : 'member';
    // An external set that was not there has come: nobody took it away from ours.
    return looking.has(change.set) && !before.has(change.member) ? 'told' : 'member';
  });
  const inSets = (of: 'set' | 'member' | 'handmade'): readonly string[] =>
    describe({ sets: kinds.get(of) ?? [], tables: [], destroy: [] }).map(
      ({ where, sign, what }) => `${where}: ${sign} ${what}`,
    );
  return [
    ...drift.tables.flatMap(tableDrift),
    ...lockDrift(drift),
    ...inSets('set').map((what): Drift => ({ kind: 'set', what })),
    ...inSets('member').map((what): Drift => ({ kind: 'member', what })),
    // An administrator may add to these; what a pass takes out of them it says itself.
    ...inSets('handmade').map((what): Drift => ({ kind: 'member', what, quiet: true })),
  ];
}

function lockDrift({ lock }: Plan): readonly Drift[] {
  if (lock === undefined) return [];
  const [first, ...rest] = describe({ sets: [], tables: [], lock, destroy: [] });
  const words = [first, ...rest].map((line) => `${line?.sign} ${line?.what}`);
  return [{ kind: 'lock', what: `${first?.where}: ${words.join('; ')}` }];
}

const shownRules = 5;

/** One for each chain. */
function tableDrift(table: TableChange): readonly Drift[] {
  const chains = Map.groupBy(table.changes, ({ chain }) => chain);
  return [...chains.values()].flatMap((all) => {
    const whole = all.filter(({ kind }) => kind === 'create-chain' || kind === 'delete-chain');
    const [first, ...rest] = whole.length > 0 ? whole : all;
    if (first === undefined) return [];
    const lines = describe({ sets: [], tables: [{ ...table, changes: [first, ...rest] }], destroy: [] });
    const told = lines.slice(0, shownRules).map(({ sign, what }) => `${sign} ${what}`);
    const more = lines.length > shownRules ? [`${lines.length - shownRules} more`] : [];
    const about = chainDrift(table, first);
    const quiet = about.kind === 'front' ? { quiet: true as const } : {};
    return [{ ...about, what: `${lines[0]?.where}: ${[...told, ...more].join('; ')}`, ...quiet }];
  });
}

function chainDrift({ family, table }: TableChange, { kind, chain }: RuleChange): Omit<Drift, 'what'> {
  switch (kind) {
    case 'hook':
    case 'unhook':
      return { kind: chain === 'DOCKER' ? 'front' : 'jump', hook: { family, chain } };
    case 'insert-rule':
    case 'delete-rule':
      return { kind: 'rule' };
    // A front is missing where Docker has made its own chains since the last pass.
    case 'create-chain':
      return { kind: table === 'filter' ? 'front' : 'chain' };
    // One stands where none is wanted while an engine starts: Docker's chains are there before its jump to them is, which tells the
    // living engine (see placement.ts). The pass that follows takes it for its own again.
    case 'delete-chain':
      return { kind: isFrontChain(chain) ? 'front' : 'chain' };
  }
}
