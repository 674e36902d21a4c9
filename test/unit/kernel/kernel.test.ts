import { describe, expect, test } from 'vitest';
import { diff } from '../../../src/decide/diff/diff.ts';
import { foreignStates } from '../../../src/decide/diff/foreign.ts';
import type { TableChange } from '../../../src/decide/diff/model.ts';
import type { SetName } from '../../../src/decide/wall/model.ts';
import type { Command, Output, Run } from '../../../src/reach/kernel/command.ts';
import { createKernel, type Kernel, type KernelOptions } from '../../../src/reach/kernel/kernel.ts';
import { FakeKernel, type FakeOptions } from '../../contract/fake-kernel.ts';
import { createChain, createSets, gate, inTable, nothing, rule, sampleSets } from '../../contract/samples.ts';

function start(options: FakeOptions = {}): { readonly fake: FakeKernel; readonly kernel: Kernel } {
  const fake = new FakeKernel(options);
  return { fake, kernel: createKernel(fake.run, { readFile: fake.readFile }) };
}

/** A fake of which some programs answer otherwise: `answers` by program and first argument. */
function scripted(
  answers: Readonly<Record<string, Partial<Output>>>,
  options: FakeOptions & Partial<KernelOptions> = {},
): { readonly kernel: Kernel; readonly log: Command[] } {
  const fake = new FakeKernel(options);
  const log: Command[] = [];
  const run: Run = async (command) => {
    log.push(command);
    const answer =
      answers[[command.program, ...command.args.slice(0, 1)].join(' ')] ?? answers[command.program];
    return answer === undefined ? fake.run(command) : { stdout: '', stderr: '', exitCode: 1, ...answer };
  };
  return { kernel: createKernel(run, { readFile: fake.readFile, ...options }), log };
}

const gateOf = (family: 4 | 6, backend: 'nft' | 'legacy' = 'nft'): TableChange =>
  inTable({ family, backend }, createChain(gate, [rule('a')]));

describe('observe', () => {
  test('legacy programs are not run before there are legacy tables', async () => {
    const { fake, kernel } = start();
    expect(await kernel.observe()).toMatchObject({ backends: ['nft'] });
    const programs = ['iptables-nft-save', 'ip6tables-nft-save'];
    const once = [...programs, 'ipset'].map((program) => [program, 1] as const);
    expect(fake.processes).toEqual(new Map(once));
    await kernel.apply({ ...nothing, tables: [gateOf(4, 'legacy')] });
    fake.processes.clear();
    expect(await kernel.observe()).toMatchObject({
      backends: ['nft', 'legacy'],
      tables: [{ backend: 'legacy', table: 'mangle' }],
    });
    expect(fake.processes).toEqual(new Map([...once, ['iptables-legacy-save', 1]]));
  });

  test('without nft programs legacy is all there is, and nft is not tried again', async () => {
    const { fake, kernel } = start({ backends: ['legacy'] });
    expect(await kernel.observe()).toMatchObject({ backends: ['legacy'], tables: [] });
    await kernel.observe();
    expect(fake.processes.get('iptables-nft-save')).toBe(1);
  });

  const noSupport = {
    stderr:
      'iptables-nft-save v1.8.9 (nf_tables): Could not fetch rule set generation id: Invalid argument\n',
    exitCode: 1,
  };

  test('without nf_tables in the kernel legacy is all there is', async () => {
    const { kernel, log } = scripted({ 'iptables-nft-save': noSupport, 'ip6tables-nft-save': noSupport });
    expect(await kernel.observe()).toMatchObject({ backends: ['legacy'], families: [4, 6] });
    log.length = 0;
    await kernel.observe();
    expect(log.map(({ program }) => program)).toEqual(['ipset']);
  });

  test('nft that works for one family only is a failure: the other would stand open', async () => {
    const { kernel } = scripted({ 'ip6tables-nft-save': noSupport });
    await expect(kernel.observe()).rejects.toMatchObject({
      code: 'no-kernel-support',
      command: 'ip6tables-nft-save',
    });
  });

  test('a kernel without IPv6 has one family, and no program is run for the other', async () => {
    const { fake, kernel } = start({ ipv6: false });
    expect(await kernel.observe()).toMatchObject({ families: [4] });
    expect(fake.processes.has('ip6tables-nft-save')).toBe(false);
  });

  test('a mangle table that iptables cannot show is a failure, any other is passed over', async () => {
    const hidden = (table: string): Partial<Output> => ({
      stdout: `# Table \`${table}' is incompatible, use 'nft' tool.\n`,
      exitCode: 0,
    });
    const { kernel } = scripted({ 'ip6tables-nft-save': hidden('mangle') });
    await expect(kernel.observe()).rejects.toThrow(
      'saving the tables (IPv6, nft): iptables cannot show what the table mangle holds; somebody wrote to it with nft: see nft list table ip6 mangle',
    );
    expect(await scripted({ 'iptables-nft-save': hidden('nat') }).kernel.observe()).toMatchObject({
      tables: [],
    });
  });

  test('without NET_ADMIN the error says so', async () => {
    const { kernel } = start({ capabilities: 1n << 13n });
    await expect(kernel.observe()).rejects.toMatchObject({
      code: 'no-permission',
      message: expect.stringMatching(
        /^saving the (?:sets|tables \(IPv[46], nft\)): .*\(this process lacks NET_ADMIN\)$/,
      ),
    });
  });

  test('a /proc that may not be read is a missing permission', async () => {
    const readFile = async (path: string): Promise<string> => {
      if (path.includes('tables_names'))
        throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
      return '';
    };
    await expect(createKernel(new FakeKernel().run, { readFile }).observe()).rejects.toMatchObject({
      code: 'no-permission',
      message: 'looking for legacy tables: EACCES: permission denied',
    });
  });
});

describe('apply', () => {
  const legacyRefusal =
    "iptables-restore v1.8.9 (legacy): iptables-restore: unable to initialize table 'mangle'\nError occurred at line: 1\n";

  test('the same words mean a missing module, or a missing capability where one is missing', async () => {
    const answers = { 'iptables-legacy-restore': { stderr: legacyRefusal, exitCode: 2 } };
    const plan = { ...nothing, tables: [gateOf(4, 'legacy')] };
    await expect(scripted(answers).kernel.apply(plan)).rejects.toMatchObject({ code: 'no-kernel-support' });
    await expect(scripted(answers, { capabilities: 1n << 12n }).kernel.apply(plan)).rejects.toMatchObject({
      code: 'no-permission',
      message:
        "restoring mangle (IPv4, legacy): line 1 (*mangle): unable to initialize table 'mangle' (this process lacks NET_RAW)",
    });
  });

  test('sets, then tables by side, then sets to destroy', async () => {
    const { kernel, log } = scripted({});
    await kernel.apply({
      sets: createSets(sampleSets(4)),
      tables: [gateOf(4), gateOf(6), gateOf(4, 'legacy'), { ...gateOf(4), table: 'filter' }],
      destroy: sampleSets(4).map(({ name }) => name),
    });
    expect(log.map(({ program, args }) => [program, ...args].join(' '))).toEqual([
      'ipset restore -exist',
      'iptables-nft-restore --noflush -w 5',
      'ip6tables-nft-restore --noflush -w 5',
      'iptables-legacy-restore --noflush -w 5',
      'ipset restore -exist',
    ]);
    expect(log[1]?.input).toMatch(/^\*mangle\n.*^COMMIT\n\*filter\n/ms);
  });

  test('sets that fail stop everything; a side that fails does not stop the next, but the destroying', async () => {
    const fail = { stderr: 'it: line 1 failed: no\n', exitCode: 1 };
    const plan = {
      sets: createSets(sampleSets(4)),
      tables: [gateOf(4), gateOf(6)],
      destroy: ['dockwall4-x'],
    };
    const first = scripted({ 'ipset restore': fail });
    await expect(first.kernel.apply(plan)).rejects.toThrow('restoring the sets');
    expect(first.log).toHaveLength(1);
    const second = scripted({ 'iptables-nft-restore': fail, 'ip6tables-nft-restore': fail });
    await expect(second.kernel.apply(plan)).rejects.toThrow(
      /restoring mangle \(IPv4, nft\): .*; and restoring mangle \(IPv6, nft\): /,
    );
    expect(second.log.map(({ program }) => program)).toEqual([
      'ipset',
      'iptables-nft-restore',
      'ip6tables-nft-restore',
    ]);
  });

  test('a set that is in use is tried for again, a few times', async () => {
    const slept: number[] = [];
    const sleep = async (ms: number): Promise<void> => {
      slept.push(ms);
    };
    const busy = {
      stderr: 'ipset v7.17: Error in line 1: Set cannot be destroyed: it is in use by a kernel component\n',
    };
    const { kernel, log } = scripted({ 'ipset restore': busy }, { sleep });
    await expect(kernel.apply({ ...nothing, destroy: ['dockwall4-x'] })).rejects.toMatchObject({
      code: 'rejected',
      message:
        'destroying unused sets: line 1 (destroy dockwall4-x): Set cannot be destroyed: it is in use by a kernel component',
    });
    expect([log.length, slept]).toEqual([5, [50, 50, 100, 200]]);
  });

  test('an abort stops it, with its reason', async () => {
    const abort = new AbortController();
    abort.abort(new Error('stopping'));
    const { kernel } = scripted({}, { signal: abort.signal });
    await expect(kernel.apply({ ...nothing, tables: [gateOf(4)] })).rejects.toThrow('stopping');
  });
});

describe('a kernel without sets of sets', () => {
  const list = {
    name: 'dockwall4-deny-ext' as SetName,
    family: 4,
    type: 'list:set',
    expiring: false,
    effect: 'closes',
  } as const;

  test('gets an empty set in the place of each, and is said to be one', async () => {
    const { fake, kernel } = start({ setTypes: ['hash:net', 'hash:net,port', 'hash:ip'] });
    await fake.run({ program: 'ipset', args: ['restore'], input: 'create bans hash:ip\n', timeoutMs: 1 });
    expect(await kernel.observe()).toMatchObject({ foreign: [{ name: 'bans' }] });
    const net = { ...list, name: 'dockwall4-deny' as SetName, type: 'hash:net' } as const;
    const sets = [
      { kind: 'create-set', set: list },
      { kind: 'add-member', set: list.name, member: 'bans' },
      { kind: 'create-set', set: net },
      { kind: 'add-member', set: net.name, member: '192.0.2.1' },
    ] as const;
    await kernel.apply({ ...nothing, sets });
    const { foreign, sets: seen } = await kernel.observe();
    expect(foreign).toBe('unsupported');
    expect(seen.map(({ name, type, members }) => [name, type, ...members.keys()])).toEqual([
      ['dockwall4-deny-ext', 'hash:net'],
      ['dockwall4-deny', 'hash:net', '192.0.2.1'],
    ]);
    const desired = [
      { ...list, members: ['bans'] },
      { ...net, members: ['192.0.2.1'] },
    ];
    const ruleset = { sets: desired, gate: [], front: 'keep', lock: 'keep', boot: 'keep' } as const;
    expect(diff(ruleset, await kernel.observe())).toEqual(nothing);
    expect(foreignStates(ruleset, { foreign })).toEqual([
      { name: 'bans', closes: true, state: { kind: 'unsupported' } },
    ]);
  });

  test('another type that is missing is an error as before', async () => {
    const { kernel } = start({ setTypes: ['list:set'] });
    const sets = [
      { kind: 'create-set', set: list },
      { kind: 'create-set', set: { ...list, name: 'dockwall4-deny' as SetName, type: 'hash:net' } },
    ] as const;
    await expect(kernel.apply({ ...nothing, sets })).rejects.toMatchObject({ code: 'no-kernel-support' });
    expect(await kernel.observe()).toMatchObject({ foreign: [] });
  });
});
