import { counted } from '../net/show.ts';
import type { TableName } from '../wall/model.ts';
import { setChanges } from './diff.ts';
import { lockWords } from './lock.ts';
import type { Plan, RuleChange, SetChange, TableChange } from './model.ts';

type Sign = '+' | '-';

/** What a plan does, for a first look: a line for each kind of thing with how many there are, and what it means that they come or go. */
export function summarize(plan: Plan): readonly string[] {
  const walls = [...new Set(plan.tables.map(({ table }) => table))];
  return [
    ...summarizeSets(setChanges(plan)),
    ...walls.flatMap((table) =>
      summarizeWall(
        table,
        plan.tables.filter((change) => change.table === table),
      ),
    ),
    ...lockWords(plan.lock).map(([sign, what]) => `${sign} the lock: ${what}`),
    ...(plan.destroy.length === 0
      ? []
      : [`- ${counted(plan.destroy.length, 'set')}; grants end, and who was turned away is forgotten`]),
  ];
}

function summarizeSets(changes: readonly SetChange[]): readonly string[] {
  const sum = (amount: (change: SetChange) => number): number =>
    changes.reduce((total, change) => total + amount(change), 0);
  const made = sum(({ kind }) => Number(kind === 'create-set'));
  const added = sum((change) =>
    change.kind === 'replace-members' ? change.added : Number(change.kind === 'add-member'),
  );
  const removed = sum((change) =>
    change.kind === 'replace-members' ? change.removed : Number(change.kind === 'delete-member'),
  );
  const discarded = sum(({ kind }) => Number(kind === 'discard-set'));
  const members = counted(added, 'member');
  return [
    ...(discarded === 0 ? [] : [`- ${counted(discarded, 'set')} of another type under our names`]),
    ...(made === 0
      ? []
      : [`+ ${counted(made, 'set')}, ${members}: who may reach what, what is counted, who was turned away`]),
    ...(made > 0 || added === 0 ? [] : [`+ ${members} of sets`]),
    ...(removed === 0 ? [] : [`- ${counted(removed, 'member')} of sets`]),
  ];
}

const walls: Readonly<Record<TableName, { readonly name: string } & Readonly<Record<Sign, string>>>> = {
  mangle: {
    name: 'the gate',
    '+': 'drops whoever may not reach a published port',
    '-': 'nothing looks at who asks for a published port any more',
  },
  filter: {
    name: 'the front',
    '+': 'the second wall, in front of what Docker accepts',
    '-': 'the second wall, in front of what Docker accepts',
  },
};

function summarizeWall(table: TableName, changes: readonly TableChange[]): readonly string[] {
  const { name, ...meaning } = walls[table];
  const all = changes.flatMap((change) => change.changes);
  const families = [...new Set(changes.map(({ family }) => `IPv${family}`))].toSorted().join(' and ');
  const backends = [...new Set(changes.map(({ backend }) => backend))].toSorted().join(' and ');
  const whole = new Set(all.map(({ kind }) => signs[kind])).size === 1;
  return (['-', '+'] as const).flatMap((sign) => {
    const amounts = amountsOf(all.filter(({ kind }) => signs[kind] === sign));
    if (amounts === '') return [];
    const means = whole && all.some(({ kind }) => kind.endsWith('-chain')) ? `; ${meaning[sign]}` : '';
    return [`${sign} ${name} (table ${table}, ${families}, ${backends}): ${amounts}${means}`];
  });
}

const signs: Readonly<Record<RuleChange['kind'], Sign>> = {
  'create-chain': '+',
  'insert-rule': '+',
  hook: '+',
  'delete-chain': '-',
  'delete-rule': '-',
  unhook: '-',
};

function amountsOf(changes: readonly RuleChange[]): string {
  const amount = (...kinds: readonly RuleChange['kind'][]): number =>
    changes.filter(({ kind }) => kinds.includes(kind)).length;
  const [chains, rules, jumps] = [
    amount('create-chain', 'delete-chain'),
    amount('insert-rule', 'delete-rule'),
    amount('hook', 'unhook'),
  ];
  return [
    ...(chains === 0 ? [] : [counted(chains, 'chain')]),
    ...(rules === 0 ? [] : [counted(rules, 'rule')]),
    ...(jumps === 0 ? [] : [counted(jumps, 'jump')]),
  ].join(', ');
}
