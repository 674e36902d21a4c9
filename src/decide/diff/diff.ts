import type { Ruleset, Table, TableName } from '../wall/model.ts';
import { isBootChain } from '../wall/names.ts';
import { withForeign } from './foreign.ts';
import { diffLock } from './lock.ts';
import type { Backend, Observed, ObservedTable, Plan, SetChange, TableChange } from './model.ts';
import { findTable, place, type Placement } from './placement.ts';
import { diffSets, unusedSets } from './sets.ts';
import { diffTable } from './table.ts';

const nothing: Ruleset = { sets: [], gate: [], front: [], lock: 'remove', boot: 'remove' };

/** What has to change for the kernel to hold `ruleset`: in safe order, and empty when it does. */
export function diff(ruleset: Ruleset, observed: Observed): Plan {
  const sets = ruleset.sets
    .filter(({ family }) => observed.families.includes(family))
    .map((set) => withForeign(set, observed));
  const seen = ruleset.boot === 'keep' ? withoutBoot(observed) : observed;
  const gate = tableChanges('mangle', ruleset.gate, seen);
  const front = ruleset.front === 'keep' ? [] : tableChanges('filter', ruleset.front, observed);
  const { closing, opening } = diffSets(sets, observed, gate.length === 0);
  const tables = [...gate, ...front];
  const destroy = unusedSets(ruleset, observed);
  const lock = diffLock(ruleset.lock, observed);
  const rest = { tables, destroy, ...(lock === undefined ? {} : { lock }) };
  // Where no rule of the gate changes there is nothing to wait for, and one program does it. The front has no say in this:
  // it lets in nothing that the gate has not passed. Docker 28 pushes it down at each start, whose port is waited for.
  if (gate.length === 0 || opening.length === 0) return { sets: [...closing, ...opening], ...rest };
  return { sets: closing, openings: opening, ...rest };
}

/** What removes every trace of dockwall: front, gate, sets, in every backend. */
export function diffAway(observed: Observed): Plan {
  const { tables, ...rest } = diff(nothing, observed);
  return { ...rest, sets: [], tables: tables.toReversed() };
}

/** All changes of sets, before and after the tables. */
export function setChanges({ sets, openings = [] }: Plan): readonly SetChange[] {
  return [...sets, ...openings];
}

export function isEmpty(plan: Plan): boolean {
  return (
    setChanges(plan).length === 0 &&
    plan.tables.length === 0 &&
    plan.lock === undefined &&
    plan.destroy.length === 0
  );
}

/** What was observed but for the boot wall and the jumps into it: nothing is decided about them. */
function withoutBoot(observed: Observed): Observed {
  const tables = observed.tables.map((table): ObservedTable => ({
    ...table,
    chains: new Map(
      [...table.chains]
        .filter(([name]) => !isBootChain(name))
        .map(([name, rules]) => [name, rules.filter(({ target }) => !isBootChain(target ?? ''))]),
    ),
  }));
  return { ...observed, tables };
}

/** One table in every family and backend; where the wall does not belong, what is ours is taken away. */
function tableChanges(
  table: TableName,
  desired: readonly Table[],
  observed: Observed,
): readonly TableChange[] {
  return observed.families.flatMap((family) => {
    const wanted = desired.find((candidate) => candidate.family === family);
    const backend = home(table, place(observed, family));
    // Home first: when a wall moves to another backend, the new one stands before the old one goes.
    const order = observed.backends.toSorted((a, b) => Number(b === backend) - Number(a === backend));
    return order.flatMap((candidate): TableChange[] => {
      const seen = findTable(observed, { family, backend: candidate, table });
      const changes = diffTable(candidate === backend ? wanted : undefined, seen);
      return changes.length === 0 ? [] : [{ family, backend: candidate, table, changes }];
    });
  });
}

function home(table: TableName, placement: Placement): Backend | undefined {
  return table === 'mangle' ? placement.gate : placement.front;
}
