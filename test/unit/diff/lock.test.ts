import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffLock, lockStands } from '../../../src/decide/diff/lock.ts';
import type { LockChange, Observed, ObservedLock } from '../../../src/decide/diff/model.ts';
import { joinMembers, MemberIndex } from '../../../src/decide/net/port-members.ts';
import type { Lock } from '../../../src/decide/wall/model.ts';

const seen = (lock: ObservedLock | undefined): Observed => ({
  backends: ['nft'],
  families: [4, 6],
  tables: [],
  sets: [],
  foreign: [],
  ...(lock === undefined ? {} : { lock }),
});
const stands = (lock: Lock | undefined, more: { lost?: true; held?: true } = {}): Observed =>
  seen({ kind: 'stands', lock, strength: 'persist', ...more });

const web: Lock = {
  mark: 0x1000,
  connmark: 0x80,
  side: 'inside',
  interfaces: ['docker0', 'lo'],
  bridges: ['docker0'],
  ports: ['0.0.0.0/0,tcp:80', '::/0,tcp:80'],
};
const write = (lock: Lock): LockChange => ({ kind: 'write', lock });

describe('the lock', () => {
  it('comes last where there is none, and goes first where it is taken away', () => {
    expect(diffLock(web, seen({ kind: 'none' }))).toEqual({ after: write(web) });
    expect(diffLock('remove', stands(web))).toEqual({ before: { kind: 'remove' } });
    expect(diffLock('remove', seen({ kind: 'none' }))).toBeUndefined();
  });

  it('is left alone where it is as it should be, before Docker has been asked, and where nobody has looked', () => {
    expect(diffLock(web, stands(web))).toBeUndefined();
    expect(diffLock('keep', stands({ ...web, ports: [] }))).toBeUndefined();
    expect(diffLock(web, seen(undefined))).toBeUndefined();
    expect(diffLock(web, seen({ kind: 'unsupported', why: 'no nft' }))).toBeUndefined();
  });

  it('is written anew where something else stands under its name, and where it is not ours', () => {
    expect(diffLock(web, stands(undefined))).toEqual({ after: { kind: 'write', lock: web, anew: true } });
    expect(diffLock(web, stands(web, { lost: true }))).toEqual({ after: write(web) });
  });

  it('lets go of a port before the gate does, and takes one after it', () => {
    const mail = { ...web, ports: ['0.0.0.0/0,tcp:25', '::/0,tcp:80'] };
    const both = { ...web, ports: ['::/0,tcp:80'] };
    expect(diffLock(mail, stands(web))).toEqual({ before: write(both), after: write(mail) });
  });

  it('knows a new bridge as inside before the gate does, and closes the way to it after', () => {
    const more = { ...web, interfaces: ['br-1', 'docker0', 'lo'], bridges: ['br-1', 'docker0'] };
    expect(diffLock(more, stands(web))).toEqual({
      before: write({ ...web, interfaces: more.interfaces }),
      after: write(more),
    });
  });

  it('drops nothing while the mark changes', () => {
    const other = { ...web, mark: 0x2000 };
    expect(diffLock(other, stands(web))).toEqual({ before: { kind: 'open' }, after: write(other) });
  });

  it('stands where it is as wanted, or where nobody wants to change it', () => {
    expect(lockStands(web, stands(web))).toBe(true);
    expect(lockStands('keep', stands(web))).toBe(true);
    expect(lockStands({ ...web, bridges: [] }, stands(web))).toBe(false);
    expect(lockStands(web, stands(undefined))).toBe(false);
    expect(lockStands(web, seen({ kind: 'none' }))).toBe(false);
  });
});

const names = ['lo', 'docker0', 'br-1', 'eth0'];
const subset = (all: readonly string[]): fc.Arbitrary<string[]> =>
  fc.subarray([...all]).map((some) => some.sort());
const locks: fc.Arbitrary<Lock> = fc.record({
  mark: fc.constantFrom(1, 2),
  connmark: fc.constant(0x80),
  side: fc.constantFrom('inside', 'outside'),
  interfaces: subset(names),
  bridges: subset(['docker0', 'br-1']),
  ports: fc
    .array(fc.record({ from: fc.integer({ min: 1, max: 60 }), length: fc.integer({ min: 0, max: 40 }) }), {
      maxLength: 3,
    })
    .map((ranges) => joinMembers(ranges.map(({ from, length }) => `0.0.0.0/0,tcp:${from}-${from + length}`))),
});

interface Probe {
  readonly from: string;
  readonly mark: number;
  readonly port?: number;
  readonly to?: string | undefined;
}

function drops({ mark, side, interfaces, bridges, ports }: Lock, probe: Probe): boolean {
  if ((probe.mark & mark) !== 0) return false;
  if (interfaces.includes(probe.from) === (side === 'inside')) return false;
  return probe.to === undefined
    ? new MemberIndex(ports).has(`0.0.0.0/0,tcp:${probe.port}`)
    : bridges.includes(probe.to);
}

it('between two locks drops nothing that one of them would let by, whatever the mark', () => {
  const probes = fc.record({
    from: fc.constantFrom(...names),
    mark: fc.constantFrom(0, 1, 2, 3),
    port: fc.integer({ min: 1, max: 100 }),
    to: fc.option(fc.constantFrom('docker0', 'br-1'), { nil: undefined }),
  });
  fc.assert(
    fc.property(locks, locks, fc.array(probes, { minLength: 30 }), (old, wanted, all) => {
      const { before, after } = diffLock(wanted, stands(old)) ?? {};
      const between = before?.kind === 'write' ? before.lock : before === undefined ? old : undefined;
      const last = after?.kind === 'write' ? after.lock : between;
      expect(last).toEqual(wanted);
      if (between === undefined) return;
      for (const probe of all)
        if (drops(between, probe)) expect([drops(old, probe), drops(wanted, probe)]).toEqual([true, true]);
    }),
  );
});
