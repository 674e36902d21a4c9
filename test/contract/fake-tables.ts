import type { Side } from '../../src/reach/kernel/backend.ts';
import { ToolFailure } from './fake-failure.ts';
import { type FakeRule, isBuiltInTarget, parseFakeRule, printFakeRule, setsOf } from './fake-rule.ts';

/** One chain: the kernel's own have a policy. */
interface FakeChain {
  policy: string | undefined;
  rules: FakeRule[];
}

/** One table: chains by name, in the order in which they were made. */
export type FakeTable = Map<string, FakeChain>;

const builtInChains: Readonly<Record<string, readonly string[]>> = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
};

/** What a rule may refer to outside its table. */
export interface Surroundings {
  readonly side: Side;
  /** The family of a set, or undefined where there is none of that name. */
  /** A set of sets has any. */
  readonly setFamily: (name: string) => 4 | 6 | 'any' | undefined;
}

/** A fresh table, as the first restore makes it. Throws a ToolFailure for an unknown name. */
export function newTable(name: string): FakeTable {
  const chains = builtInChains[name];
  if (chains === undefined) throw new ToolFailure(`table name '${name}' invalid`);
  return new Map(chains.map((chain): [string, FakeChain] => [chain, { policy: 'ACCEPT', rules: [] }]));
}

/** Rules are never changed, so that sharing them is a copy. */
export function cloneTable(table: FakeTable): FakeTable {
  return new Map([...table].map(([name, { policy, rules }]) => [name, { policy, rules: [...rules] }]));
}

/** Whether nothing was ever put into it, as far as one can see. */
export function isPristine(table: FakeTable): boolean {
  return [...table.values()].every(({ policy, rules }) => policy === 'ACCEPT' && rules.length === 0);
}

/** Carries one line of a restore file out. Throws a ToolFailure for what iptables would refuse. */
export function editTable(table: FakeTable, line: string, around: Surroundings): void {
  const [verb = '', name = '', rest = ''] = splitLine(line);
  if (verb.startsWith(':')) return declareChain(table, verb.slice(1), name);
  const chain = table.get(name);
  if (chain === undefined) throw new ToolFailure(`Chain '${name}' does not exist`);
  switch (verb) {
    case '-A':
      chain.rules.push(readRule(table, rest, around));
      return;
    case '-I':
      insert(table, chain, { rest, around });
      return;
    case '-D':
      remove(chain, rest, around);
      return;
    case '-F':
      chain.rules = [];
      return;
    case '-X':
      removeChain(table, name, chain);
      return;
    default:
      throw new ToolFailure(`unknown option "${verb}"`);
  }
}

function splitLine(line: string): readonly string[] {
  return (
    /^(\S+)(?: (\S+))?(?: (.*))?$/s
      .exec(line)
      ?.slice(1)
      .map((part) => part ?? '') ?? []
  );
}

/** With --noflush, a user chain that is there is emptied; the kernel's own get the policy. */
function declareChain(table: FakeTable, name: string, policy: string): void {
  const chain = table.get(name);
  if (chain === undefined) table.set(name, { policy: undefined, rules: [] });
  else if (chain.policy === undefined) chain.rules = [];
  else chain.policy = policy;
}

function readRule(table: FakeTable, text: string, { side, setFamily }: Surroundings): FakeRule {
  const rule = parseFakeRule(text, side.family);
  const target = rule.target?.name;
  if (target !== undefined && !isBuiltInTarget(target) && table.get(target)?.policy !== undefined) {
    throw new ToolFailure(`cannot jump to the built-in chain '${target}'`);
  }
  if (target !== undefined && !isBuiltInTarget(target) && !table.has(target)) {
    throw new ToolFailure(`Chain '${target}' does not exist`);
  }
  for (const set of setsOf(rule)) {
    const family = setFamily(set);
    if (family === undefined) throw new ToolFailure(`Set ${set} doesn't exist.`);
    if (family !== 'any' && family !== side.family) {
      throw new ToolFailure(`The protocol family of set ${set} is IPv${family}, which is not applicable.`);
    }
  }
  return rule;
}

function insert(
  table: FakeTable,
  chain: FakeChain,
  { rest, around }: { readonly rest: string; readonly around: Surroundings },
): void {
  const numbered = /^(\d+) (.*)$/s.exec(rest);
  const position = Number(numbered?.[1] ?? 1);
  if (position < 1 || position > chain.rules.length + 1) throw new ToolFailure('Index of insertion too big.');
  chain.rules.splice(position - 1, 0, readRule(table, numbered?.[2] ?? rest, around));
}

function remove(chain: FakeChain, rest: string, { side }: Surroundings): void {
  const text = /^\d+$/.test(rest) ? undefined : printFakeRule(parseFakeRule(rest, side.family));
  const index =
    text === undefined ? Number(rest) - 1 : chain.rules.findIndex((rule) => printFakeRule(rule) === text);
  if (index === -1) throw new ToolFailure('Bad rule (does a matching rule exist in that chain?).');
  if (index >= chain.rules.length) throw new ToolFailure('Index of deletion too big.');
  chain.rules.splice(index, 1);
}

function removeChain(table: FakeTable, name: string, chain: FakeChain): void {
  const used = [...table.values()].some(({ rules }) => rules.some(({ target }) => target?.name === name));
  if (chain.policy !== undefined) throw new ToolFailure('Built-in chain cannot be deleted');
  if (used || chain.rules.length > 0) throw new ToolFailure('CHAIN_DEL failed (Device or resource busy)');
  table.delete(name);
}

/** One table as iptables-save prints it; with counters that never move. */
export function printTable(name: string, table: FakeTable): string {
  const rows = [...table];
  return [
    `*${name}`,
    ...rows.map(([chain, { policy }]) => `:${chain} ${policy ?? '-'} [0:0]`),
    ...rows.flatMap(([chain, { rules }]) =>
      rules.map((rule) => `-A ${chain} ${printFakeRule(rule)}`.trimEnd()),
    ),
    'COMMIT',
    '',
  ].join('\n');
}
