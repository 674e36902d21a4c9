import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ObservedLock } from '../../src/decide/diff/model.ts';
import type { Lock } from '../../src/decide/wall/model.ts';
import { type Run, runCommand } from '../../src/reach/kernel/command.ts';
import { LockDriver, type LockKeeping } from '../../src/reach/kernel/nft/lock-driver.ts';
import { addNamespace, canTestRealKernel, must, reapNamespaces, removeNamespace } from './namespace.ts';

// The lock on this kernel, with this nft. What the kernel or nft is too old for is said, and the weaker lock is held to its promises.

const lock: Lock = {
  mark: 0x1000,
  connmark: 0x80,
  side: 'inside',
  interfaces: ['br-0123456789ab', 'docker0', 'lo'],
  bridges: ['br-0123456789ab', 'docker0'],
  ports: [
    '0.0.0.0/0,tcp:443',
    '0.0.0.0/0,tcp:80',
    '0.0.0.0/0,udp:5000-5999',
    '192.0.2.1,sctp:7',
    '192.0.2.1,tcp:20000-20999',
    '2001:db8::1,udp:53',
    '::/0,tcp:80',
  ],
};
const other: Lock = {
  ...lock,
  mark: 4,
  connmark: 0x80,
  side: 'outside',
  interfaces: ['eth0'],
  bridges: [],
  ports: [],
};

describe.skipIf(!canTestRealKernel())('the lock on this kernel', () => {
  let netns: string;
  let nft: readonly [string, ...string[]];
  let run: Run;
  const drivers: LockDriver[] = [];
  const children: ChildProcess[] = [];

  beforeEach(() => {
    reapNamespaces();
    netns = addNamespace();
    const enter = ['nsenter', `--net=/run/netns/${netns}`] as const;
    nft = [...enter, 'nft', '-i'];
    run = async ({ program, args, ...rest }) =>
      runCommand({ ...rest, program: enter[0], args: [...enter.slice(1), program, ...args] });
  });
  afterEach(async () => {
    for (const driver of drivers.splice(0)) await driver.release();
    for (const child of children.splice(0)) child.kill('SIGKILL');
    removeNamespace(netns);
  });

  function driver(keeping: LockKeeping = { kind: 'keeps', onLost: () => {} }): LockDriver {
    const made = new LockDriver(run, { timeoutMs: 10_000 }, { ...keeping, nft });
    drivers.push(made);
    return made;
  }
  const here = (...args: readonly string[]): string =>
    must('nsenter', `--net=/run/netns/${netns}`, 'nft', ...args);
  const tried = (...args: readonly string[]): boolean => {
    try {
      here(...args);
      return true;
    } catch {
      return false;
    }
  };
  const stands = (seen: ObservedLock): Extract<ObservedLock, { kind: 'stands' }> => {
    if (seen.kind !== 'stands') throw new Error(`no lock stands: ${JSON.stringify(seen)}`);
    return seen;
  };
  /** Puts the lock up, and says which of the three this host has. */
  async function putUp(by: LockDriver): Promise<'persist' | 'owner' | 'plain'> {
    await by.observe();
    await by.write({ kind: 'write', lock });
    const { strength } = stands(await by.observe());
    if (strength !== 'persist')
      console.info(`the lock is "${strength}" here: older than Linux 6.9 or nft 1.1`);
    return strength;
  }

  test('what is written is seen again, and written over', async () => {
    const it = driver();
    expect(await it.observe()).toEqual({ kind: 'none' });
    await putUp(it);
    expect(stands(await it.observe()).lock).toEqual(lock);
    await it.write({ kind: 'write', lock: other });
    expect(stands(await it.observe()).lock).toEqual(other);
    await it.write({ kind: 'open' });
    expect(here('list', 'table', 'inet', 'dockwall-lock')).not.toContain('drop');
    await it.write({ kind: 'write', lock });
    expect(stands(await it.observe())).toMatchObject({ lock });
  });

  test("nobody else's flush takes it away while its process runs", async () => {
    const it = driver();
    const strength = await putUp(it);
    here('flush', 'ruleset');
    expect((await it.observe()).kind).toBe(strength === 'plain' ? 'none' : 'stands');
    if (strength === 'plain') return;
    expect(tried('delete', 'table', 'inet', 'dockwall-lock')).toBe(false);
    expect(tried('add', 'rule', 'inet', 'dockwall-lock', 'asked', 'accept')).toBe(false);
    expect(stands(await it.observe()).lock).toEqual(lock);
  });

  test('a killed owner is told of, and the lock is taken again', async () => {
    const onLost = vi.fn();
    const it = driver({ kind: 'keeps', onLost });
    const strength = await putUp(it);
    process.kill(it.pid ?? 0, 'SIGKILL');
    await vi.waitFor(() => expect(onLost).toHaveBeenCalledTimes(1), 10_000);
    const after = await it.observe();
    expect(after.kind).toBe(strength === 'owner' ? 'none' : 'stands');
    if (strength === 'persist') expect(after).toMatchObject({ lock, lost: true });
    await it.write({ kind: 'write', lock });
    expect(await it.observe()).toEqual({ kind: 'stands', lock, strength });
    here('flush', 'ruleset');
    expect((await it.observe()).kind).toBe(strength === 'plain' ? 'none' : 'stands');
  });

  test('of two, the second takes it when the first has ended, and says so while it has not', async () => {
    const [first, second] = [driver(), driver()];
    const strength = await putUp(first);
    if (strength === 'plain') return;
    await second.observe();
    await second.write({ kind: 'write', lock: other });
    expect(await second.observe()).toMatchObject({ lock, lost: true, held: true });
    await first.release();
    await second.observe();
    await second.write({ kind: 'write', lock: other });
    expect(await second.observe()).toEqual({ kind: 'stands', lock: other, strength });
  });

  test('what somebody else has put under its name is replaced; with a living owner it is left, and told', async () => {
    here('add', 'table', 'inet', 'dockwall-lock', ';', 'add', 'chain', 'inet', 'dockwall-lock', 'mine');
    const it = driver();
    expect(await it.observe()).toMatchObject({ kind: 'stands', lock: undefined });
    await it.write({ kind: 'write', lock, anew: true });
    expect(stands(await it.observe()).lock).toEqual(lock);
    await it.write({ kind: 'remove' });
    expect(await it.observe()).toEqual({ kind: 'none' });

    const [program, ...args] = nft;
    const stranger = spawn(program, args, { stdio: ['pipe', 'ignore', 'ignore'] });
    children.push(stranger);
    await once(stranger, 'spawn');
    stranger.stdin.write(
      'add table inet dockwall-lock { flags owner; }; add chain inet dockwall-lock mine\n',
    );
    await vi.waitFor(() => expect(here('list', 'tables')).toContain('dockwall-lock'), 10_000);
    const late = driver();
    await late.observe();
    await late.write({ kind: 'write', lock, anew: true });
    expect(await late.observe()).toMatchObject({ lock: undefined, held: true });
  });

  test('a verb that ends leaves one that stands, and takes away one without a living owner', async () => {
    const verb = driver({ kind: 'once' });
    await verb.observe();
    await verb.write({ kind: 'write', lock });
    expect(stands(await verb.observe()).lock).toEqual(lock);
    await driver({ kind: 'once' }).write({ kind: 'remove' });
    expect(await verb.observe()).toEqual({ kind: 'none' });
  });

  test('thousands of ports by themselves are written and read', async () => {
    const ports = Array.from({ length: 8192 }, (_, at) => `0.0.0.0/0,tcp:${at * 2 + 1}`).sort();
    const it = driver();
    await it.observe();
    await it.write({ kind: 'write', lock: { ...lock, ports } });
    expect(stands(await it.observe()).lock?.ports).toEqual(ports);
  });
});
