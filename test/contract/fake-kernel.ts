import type { Backend } from '../../src/decide/diff/model.ts';
import type { Family } from '../../src/decide/net/network.ts';
import type { Side } from '../../src/reach/kernel/backend.ts';
import type { Command, Output, Run } from '../../src/reach/kernel/command.ts';
import { KernelError } from '../../src/reach/kernel/command.ts';
import { ToolFailure } from './fake-failure.ts';
import { printFakeRule, setsOf } from './fake-rule.ts';
import { editSets, expire, type FakeSets, familyOfSet, matchableMembers, printSets } from './fake-sets.ts';
import { cloneTable, editTable, type FakeTable, isPristine, newTable, printTable } from './fake-tables.ts';

/** What kind of machine the fake stands for. Absent: everything works, as on a current Debian. */
export interface FakeOptions {
  /** Milliseconds; members run out by it. */
  readonly now?: () => number;
  /** Backends whose programs are installed and whose kernel part is there. */
  readonly backends?: readonly Backend[];
  readonly ipv6?: boolean;
  readonly setTypes?: readonly string[];
  /** The effective capabilities of the process; all unless told. */
  readonly capabilities?: bigint;
  /** Called after every change that the kernel makes in one piece: a line of ipset, a table. */
  readonly onStep?: () => void;
}

/**
 * Something that happens to the n-th command from now (1 is the next; only writes count with `of: 'write'`).
 * `fail`: the tool ends with an error, having done nothing. The kills end *our* process: every later command
 * rejects until {@link FakeKernel.restart}; `kill-within` lets the tool read `lines` lines of its input first.
 */
export type Fault = { readonly nth: number; readonly of?: 'any' | 'write' } & (
  | { readonly how: 'fail' | 'kill-before' | 'kill-after' }
  | { readonly how: 'kill-within'; readonly lines: number }
);

/** Thrown out of {@link FakeKernel.run} where a fault killed the process. */
export class Killed extends Error {
  override readonly name = 'Killed';
}

const allSetTypes = [
  'hash:ip',
  'hash:net',
  'hash:net,port',
  'hash:net,port,net',
  'hash:ip,port',
  'hash:ip,port,net',
  'bitmap:port',
  'list:set',
];

/** A netfilter that lives in memory, behind the same seam as the real one. See `kernel.contract.test.ts` for what it is held to. */
export class FakeKernel {
  /** Commands run so far, by program. */
  readonly processes = new Map<string, number>();
  /** Restore commands run so far. */
  writes = 0;
  private readonly options: Required<FakeOptions>;
  /** By side (`4 nft`), then by table name. */
  private readonly tables = new Map<string, Map<string, FakeTable>>();
  private readonly sets: FakeSets = new Map();
  private faults: { fault: Fault; left: number }[] = [];
  private dead = false;

  constructor(options: FakeOptions = {}) {
    this.options = {
      now: () => 0,
      backends: ['nft', 'legacy'],
      ipv6: true,
      setTypes: allSetTypes,
      capabilities: (1n << 41n) - 1n,
      onStep: () => {},
      ...options,
    };
  }

  /** The fault that the n-th next command meets. */
  inject(fault: Fault): void {
    this.faults.push({ fault, left: fault.nth });
  }

  /** A new process after a kill. Faults that have not come up are forgotten. */
  restart(): void {
    this.dead = false;
    this.faults = [];
  }

  /** Another kernel that holds the same now. */
  copy(): FakeKernel {
    const twin = new FakeKernel(this.options);
    for (const [side, tables] of this.tables)
      twin.tables.set(side, new Map([...tables].map(([name, table]) => [name, cloneTable(table)])));
    for (const [name, set] of this.sets)
      twin.sets.set(name, { ...set, members: new Map(set.members), notes: new Map(set.notes) });
    return twin;
  }

  /** The tools. */
  readonly run: Run = async (command) => {
    command.signal?.throwIfAborted();
    if (this.dead) throw new Killed(`running ${command.program}: the process is dead`);
    const write = command.args.includes('--noflush') || command.args[0] === 'restore';
    this.processes.set(command.program, (this.processes.get(command.program) ?? 0) + 1);
    if (write) this.writes += 1;
    const fault = this.dueFault(write);
    switch (fault?.how) {
      case undefined:
        return this.execute(command);
      case 'fail':
        return { stdout: '', stderr: `${command.program}: an injected failure\n`, exitCode: 1 };
      case 'kill-before':
        break;
      case 'kill-after':
        this.execute(command);
        break;
      case 'kill-within':
        this.execute({
          ...command,
          input: (command.input ?? '').split('\n').slice(0, fault.lines).join('\n'),
        });
        break;
    }
    this.dead = true;
    throw new Killed(`running ${command.program}: killed`);
  };

  /** The files of /proc that the kernel room reads. */
  readonly readFile = async (path: string): Promise<string> => {
    const names = (family: Family): string =>
      [...(this.tables.get(sideKey({ family, backend: 'legacy' }))?.keys() ?? [])]
        .map((name) => `${name}\n`)
        .join('');
    if (path === '/proc/net/ip_tables_names') return names(4);
    if (path === '/proc/net/ip6_tables_names' && this.options.ipv6) return names(6);
    if (path === '/proc/net/if_inet6' && this.options.ipv6) return '';
    if (path === '/proc/self/status')
      return `Name:\tnode\nCapEff:\t${this.options.capabilities.toString(16)}\n`;
    throw Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), { code: 'ENOENT' });
  };

  /** One table as it stands, in whichever backends have it. */
  tablesNamed(family: Family, name: string): readonly FakeTable[] {
    return this.options.backends.flatMap(
      (backend) => this.tables.get(sideKey({ family, backend }))?.get(name) ?? [],
    );
  }

  /** What a packet of this family is held against in a set. */
  matchable(set: string, family: Family): Iterable<string> {
    return matchableMembers(this.sets, set, { family, now: this.options.now() });
  }

  /** What a rule does that takes a member out (`-j SET --del-set`). */
  forget(set: string, member: string): void {
    this.sets.get(set)?.members.delete(member);
  }

  /** How many members a set has, those that have run out included. */
  sizeOf(set: string): number {
    return this.sets.get(set)?.members.size ?? 0;
  }

  /** Of the sets that rules may look into: what is filled to take another's place is none. */
  memberCount(): number {
    let count = 0;
    for (const [name, { members }] of this.sets) if (!name.includes('-tmp-')) count += members.size;
    return count;
  }

  /** What a set holds now. */
  members(name: string): readonly string[] {
    expire(this.sets, this.options.now());
    return [...(this.sets.get(name)?.members.keys() ?? [])];
  }

  /** The whole state as sorted text, for comparing. Tables that nobody put anything into are left out. */
  dump(): string {
    const now = this.options.now();
    expire(this.sets, now);
    const sets = printSets(this.sets, now)
      .split('\n')
      .map((line) => line.replace(/ (?:hashsize|bucketsize|initval) \S+/g, ''))
      .filter((line) => line !== '')
      .sort();
    const tables = [...this.tables].sort(byKey).flatMap(([side, tables]) =>
      [...tables]
        .sort(byKey)
        .filter(([, table]) => !isPristine(table))
        .flatMap(([name, table]) =>
          [...table]
            .sort(byKey)
            .flatMap(([chain, { policy, rules }]) => [
              `${side} ${name} :${chain} ${policy ?? '-'}`,
              ...rules.map((rule) => `${side} ${name} -A ${chain} ${printFakeRule(rule)}`),
            ]),
        ),
    );
    return [...sets, ...tables].map((line) => `${line}\n`).join('');
  }

  private dueFault(write: boolean): Fault | undefined {
    const counted = this.faults.filter(({ fault }) => write || fault.of !== 'write');
    for (const entry of counted) entry.left -= 1;
    const due = counted.find(({ left }) => left === 0);
    this.faults = this.faults.filter(({ left }) => left > 0);
    return due?.fault;
  }

  private execute(command: Command): Output {
    if (!this.mayAdminister()) return refused(command.program);
    if (command.program === 'ipset') return this.ipset(command);
    const [, tool, backend, verb] =
      /^(iptables|ip6tables)-(nft|legacy)-(save|restore)$/.exec(command.program) ?? [];
    if (tool === undefined || !this.options.backends.includes(backend as Backend)) {
      throw new KernelError(`running ${command.program}: no such program`, {
        code: 'missing-program',
        command,
      });
    }
    const side: Side = { family: tool === 'iptables' ? 4 : 6, backend: backend as Backend };
    if (verb === 'restore') return this.restore(side, command);
    const tables = this.tables.get(sideKey(side)) ?? new Map<string, FakeTable>();
    const stdout = [...tables].map(([name, table]) => printTable(name, table)).join('');
    return { stdout, stderr: '', exitCode: 0 };
  }

  private mayAdminister(): boolean {
    return ((this.options.capabilities >> 12n) & 1n) === 1n;
  }

  /** Each section is one transaction: all of it at COMMIT, or nothing. */
  private restore(side: Side, { program, input = '' }: Command): Output {
    const tables = this.tables.get(sideKey(side)) ?? new Map<string, FakeTable>();
    this.tables.set(sideKey(side), tables);
    const around = { side, setFamily: (name: string) => familyOfSet(this.sets.get(name)) };
    let open: { readonly name: string; readonly table: FakeTable } | undefined;
    const lines = input.split('\n');
    for (const [index, line] of lines.entries()) {
      try {
        if (line === '' || line.startsWith('#')) continue;
        if (line.startsWith('*')) open = openTable(tables, line.slice(1));
        else if (open === undefined) throw new ToolFailure('no command specified');
        else if (line === 'COMMIT') {
          tables.set(open.name, open.table);
          open = undefined;
          this.options.onStep();
        } else editTable(open.table, line, around);
      } catch (error) {
        if (!(error instanceof ToolFailure)) throw error;
        const text = side.backend === 'nft' ? `failed: ${error.message}` : 'failed';
        return { stdout: '', stderr: `${program}: line ${index + 1} ${text}\n`, exitCode: 1 };
      }
    }
    if (open === undefined) return { stdout: '', stderr: '', exitCode: 0 };
    return { stdout: '', stderr: `${program}: COMMIT expected at line ${lines.length}\n`, exitCode: 1 };
  }

  /** Line by line: at an error, what came before it stays. */
  private ipset({ args: [verb, flag], input = '' }: Command): Output {
    const now = this.options.now();
    expire(this.sets, now);
    if (verb === 'save') return { stdout: printSets(this.sets, now, flag), stderr: '', exitCode: 0 };
    const around = {
      exist: flag === '-exist',
      now,
      inUse: (name: string) => this.isInUse(name),
      types: this.options.setTypes,
    };
    for (const [index, line] of input.split('\n').entries()) {
      try {
        if (line === '') continue;
        editSets(this.sets, line, around);
        this.options.onStep();
      } catch (error) {
        if (!(error instanceof ToolFailure)) throw error;
        const stderr = `ipset v7.17: Error in line ${index + 1}: ${error.message}\n`;
        return { stdout: '', stderr, exitCode: 1 };
      }
    }
    return { stdout: '', stderr: '', exitCode: 0 };
  }

  private isInUse(set: string): boolean {
    return [...this.tables.values()].some((tables) =>
      [...tables.values()].some((table) =>
        [...table.values()].some(({ rules }) => rules.some((rule) => setsOf(rule).includes(set))),
      ),
    );
  }
}

/** ipset 7.17 and iptables-nft 1.8.9 say so without NET_ADMIN. */
function refused(program: string): Output {
  const stderr =
    program === 'ipset'
      ? 'ipset v7.17: Kernel error received: Operation not permitted\n'
      : `${program} v1.8.9 (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root)\n`;
  return { stdout: '', stderr, exitCode: 1 };
}

function openTable(
  tables: ReadonlyMap<string, FakeTable>,
  name: string,
): { readonly name: string; readonly table: FakeTable } {
  const found = tables.get(name);
  return { name, table: found === undefined ? newTable(name) : cloneTable(found) };
}

function sideKey({ family, backend }: Side): string {
  return `${family} ${backend}`;
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}
