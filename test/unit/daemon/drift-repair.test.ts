import { beforeEach, describe, expect, it } from 'vitest';
import { DriftRepair } from '../../../src/daemon/drift-repair.ts';
import { diff } from '../../../src/decide/diff/diff.ts';
import type { Drift } from '../../../src/decide/diff/drift.ts';
import { foreignStates } from '../../../src/decide/diff/foreign.ts';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import type { Ruleset } from '../../../src/decide/wall/model.ts';
import { render } from '../../../src/decide/wall/render.ts';
import { createKernel, type Kernel } from '../../../src/reach/kernel/kernel.ts';
import { FakeKernel } from '../../contract/fake-kernel.ts';
import {
  makeConfig,
  makeContainer,
  makeInventory,
  membersOf,
  peerList,
  ports,
} from '../policy/inventories.ts';
import { settle } from './fake-clock.ts';

const dockers = `*nat
:DOCKER - [0:0]
-A PREROUTING -j DOCKER
COMMIT
*filter
:DOCKER - [0:0]
-A FORWARD -j DOCKER
COMMIT
`;

const config = makeConfig({ trusted: peerList(['203.0.113.4']) });
const web = makeContainer('web', { labels: { 'dockwall.public': '80' }, ports: ports('80:80') });
const ruleset: Ruleset = render(resolve(makeInventory([web]), config), 'asked');

let fake: FakeKernel;
let kernel: Kernel;
let reported: Drift[];
let raised: number;
let repair: DriftRepair;

beforeEach(async () => {
  fake = new FakeKernel({ backends: ['nft'] });
  await tables(dockers);
  kernel = createKernel(fake.run, { readFile: fake.readFile });
  await kernel.apply(diff(ruleset, await kernel.observe()));
  reported = [];
  raised = 0;
  repair = new DriftRepair({
    kernel,
    raise: async () => (raised += 1),
    report: (drifts) => void reported.push(...drifts),
    saw: () => {},
    writes: () => {},
  });
  await passed();
});

/** The pass that this state is of has ended. */
async function passed(left = ruleset, by = repair): Promise<void> {
  const observed = await kernel.observe();
  by.passed({ ruleset: left, observed, foreign: foreignStates(left, observed) });
}

/** Somebody else's iptables-restore, IPv4. */
async function tables(input: string, program = 'iptables-nft-restore'): Promise<void> {
  const { stderr } = await fake.run({ program, args: ['--noflush'], input, timeoutMs: 1000 });
  expect(stderr).toBe('');
}

/** Somebody else's ipset. */
async function sets(input: string): Promise<void> {
  await fake.run({ program: 'ipset', args: ['restore', '-exist'], input, timeoutMs: 1000 });
}

/** What was told so far, as when no pass has ended that could know better. */
function words(by = repair): readonly string[] {
  by.failed();
  return reported.map(({ kind, what }) => `${kind}: ${what}`);
}

describe('DriftRepair', () => {
  it('writes nothing and says nothing where all is as it was left', async () => {
    const { writes } = fake;
    expect(await repair.repair('check')).toBe(false);
    expect([fake.writes, reported]).toEqual([writes, []]);
  });

  const gate = '-F PREROUTING\n-F INPUT\n-F FORWARD\n-F DOCKWALL-GATE\n';
  it.each<[string, string, string[]]>([
    [
      'a flushed gate',
      `*mangle\n${gate}COMMIT\n`,
      [
        [
          'rule: chain DOCKWALL-GATE (mangle, IPv4, nft): + return from interface lo (from lo: inside)',
          '+ clear the mark (nobody brings the mark along)',
          '+ return replies (answers to what containers and the host asked for)',
          '+ return ICMP related packets (ICMP errors of known connections)',
          '+ drop to 127.0.0.0/8 (loopback, crafted by a neighbour)',
          '10 more',
        ].join('; '),
        'jump: chain PREROUTING (mangle, IPv4, nft): + at the top: go to DOCKWALL-GATE (the gate)',
        ...['INPUT', 'FORWARD'].map(
          (chain) =>
            `jump: chain ${chain} (mangle, IPv4, nft): + at the top: go to DOCKWALL-${chain} (the gate)`,
        ),
      ],
    ],
    [
      'a rule above our jump',
      '*mangle\n-I PREROUTING 1 -p tcp -j ACCEPT\nCOMMIT\n',
      [
        'jump: chain PREROUTING (mangle, IPv4, nft): - the gate; + at the top: go to DOCKWALL-GATE (the gate)',
      ],
    ],
    [
      'a rule in a chain of ours',
      '*mangle\n-I DOCKWALL-GATE 1 -j RETURN\nCOMMIT\n',
      ['rule: chain DOCKWALL-GATE (mangle, IPv4, nft): - -j RETURN'],
    ],
    [
      'a chain that is gone',
      '*mangle\n-D PREROUTING 1\n-F DOCKWALL-GATE\n-X DOCKWALL-GATE\nCOMMIT\n',
      [
        'chain: chain DOCKWALL-GATE (mangle, IPv4, nft): + a new chain',
        'jump: chain PREROUTING (mangle, IPv4, nft): + at the top: go to DOCKWALL-GATE (the gate)',
      ],
    ],
  ])('%s is put back, and told in words', async (_, damage, found) => {
    const before = fake.dump();
    await tables(damage);
    expect(fake.dump()).not.toBe(before);
    expect(await repair.repair('check')).toBe(true);
    expect(words().toSorted()).toEqual(found.toSorted());
    expect(fake.dump().replace('4 nft mangle -A PREROUTING -p tcp -j ACCEPT\n', '')).toBe(before);
    expect(await repair.repair('check')).toBe(false);
  });

  it('an external set that has come is taken up at once, and nobody is blamed for it', async () => {
    const members = { ...membersOf(), ipsets: ['crowdsec'] };
    const config = makeConfig({ deny: { ...members, groups: [] } });
    const looking = render(resolve(makeInventory([]), config), 'asked');
    await kernel.apply(diff(looking, await kernel.observe()));
    await passed(looking);
    expect(repair.foreignNames()).toEqual(new Set(['crowdsec']));
    expect(await repair.repair('check')).toBe(false);
    await sets('create crowdsec hash:net family inet\nadd crowdsec 203.0.113.66\n');
    expect(await repair.repair('check')).toBe(true);
    expect(fake.members('dockwall4-deny-ext')).toEqual(['crowdsec']);
    expect(words()).toEqual([]);
    // but who takes it out again
    await sets('del dockwall4-deny-ext crowdsec\n');
    expect(await repair.repair('check')).toBe(true);
    expect(words()).toEqual(['member: set dockwall4-deny-ext: + crowdsec']);
  });

  it('members and sets that are gone come back', async () => {
    const before = fake.dump();
    await sets('del dockwall4-published 0.0.0.0/1,tcp:80\ndel dockwall4-trusted 203.0.113.4\n');
    expect(await repair.repair('check')).toBe(true);
    expect(words()).toEqual([
      'member: set dockwall4-published: + *,tcp:80',
      'member: set dockwall4-trusted: + 203.0.113.4',
    ]);
    expect(fake.dump()).toBe(before);
  });

  it('what closes more than was left is nobody else’s doing: the guard adds between passes', async () => {
    await sets('add dockwall4-published 0.0.0.0/1,tcp:9000\nadd dockwall4-starting 0.0.0.0/1 timeout 10\n');
    await sets('add dockwall4-trusted 198.51.100.1 timeout 60\n');
    const { writes } = fake;
    expect(await repair.repair('pass')).toBe(false);
    expect([fake.writes, words()]).toEqual([writes, []]);
  });

  it('a member that lets in is left to the pass, which asks Docker', async () => {
    await sets('add dockwall4-public 0.0.0.0/1,tcp:9000\n');
    const { writes } = fake;
    expect(await repair.repair('check')).toBe(true);
    expect([fake.writes, words()]).toEqual([writes, []]);
    expect(await repair.repair('pass')).toBe(true);
    expect(words()).toEqual(['member: set dockwall4-public: - *,tcp:9000']);
  });

  it('a starting engine, whose chains are there before its jump is, is nobody who damages: quiet', async () => {
    await tables('*nat\n-D PREROUTING -j DOCKER\nCOMMIT\n');
    expect(await repair.repair('pass')).toBe(true);
    repair.failed();
    expect(reported.length).toBeGreaterThan(0);
    expect(reported.filter(({ kind, quiet }) => kind !== 'front' || quiet !== true)).toEqual([]);
    const { tables: seen } = await kernel.observe();
    expect(seen.some(({ chains }) => chains.has('DOCKWALL-SERVICES'))).toBe(true);
  });

  it('a front that Docker has moved is left to the pass, and quiet', async () => {
    await tables('*filter\n-I DOCKER 1 -p tcp -j ACCEPT\nCOMMIT\n');
    const { writes } = fake;
    expect(await repair.repair('pass')).toBe(true);
    expect(fake.writes).toBe(writes);
    await passed();
    expect(reported).toEqual([
      {
        kind: 'front',
        what: 'chain DOCKER (filter, IPv4, nft): - the front; + at the top: go to DOCKWALL-SERVICES (the front)',
        hook: { family: 4, chain: 'DOCKER' },
        quiet: true,
      },
    ]);
  });

  describe('what a pass finds right in the end', () => {
    const closed = render(resolve(makeInventory([]), config), 'asked');

    /** Another dockwall hears first that `to` is to be; ours looks, and hears of it in the pass that follows. */
    async function takenOver(from: Ruleset, to: Ruleset): Promise<void> {
      await kernel.apply(diff(from, await kernel.observe()));
      await passed(from);
      await kernel.apply(diff(to, await kernel.observe()));
    }

    it.each([
      ['something less', ruleset, closed],
      ['something more', closed, ruleset],
    ])('is nobody’s damage: %s', async (_, from, to) => {
      await takenOver(from, to);
      expect(await repair.repair('pass')).toBe(true);
      await passed(to);
      expect(reported).toEqual([]);
    });

    it('and the rest is: a rule and a member, told when the pass has ended', async () => {
      await takenOver(ruleset, closed);
      await tables('*mangle\n-I DOCKWALL-GATE 1 -j RETURN\nCOMMIT\n');
      await sets('del dockwall4-trusted 203.0.113.4\n');
      expect(await repair.repair('check')).toBe(true);
      expect(reported).toEqual([]);
      await passed(closed);
      expect(words()).toEqual([
        'rule: chain DOCKWALL-GATE (mangle, IPv4, nft): - -j RETURN',
        'member: set dockwall4-trusted: + 203.0.113.4',
      ]);
    });
  });

  it('the pass that follows looks no second time, and what it leaves half-done is not put back', async () => {
    const looks = (): number => fake.processes.get('iptables-nft-save') ?? 0;
    const before = looks();
    await repair.repair('pass');
    await repair.kernel.observe();
    expect(looks()).toBe(before + 1);
    await repair.kernel.observe();
    expect(looks()).toBe(before + 2);

    fake.inject({ nth: 1, of: 'write', how: 'fail' });
    const none: Ruleset = { sets: [], gate: [], front: [], lock: 'keep', boot: 'remove' };
    await expect(repair.kernel.apply(diff(none, await kernel.observe()))).rejects.toThrow(
      'an injected failure',
    );
    const { writes } = fake;
    await repair.repair('check');
    // IPv6 was written, IPv4 was not: nobody knows what was left, and the gate is raised as at a start
    expect([fake.writes, raised, words()]).toEqual([writes, 1, ['jump: the gate was missing']]);
  });

  it('puts a gate up from nothing where no pass has left anything to go by', async () => {
    const fresh = new DriftRepair({
      kernel,
      raise: async () => (raised += 1),
      report: (drifts) => void reported.push(...drifts),
      saw: () => {},
      writes: () => {},
    });
    expect(await fresh.repair('check')).toBe(true);
    expect(raised).toBe(0);
    await tables('*mangle\n-F PREROUTING\nCOMMIT\n', 'ip6tables-nft-restore');
    await fresh.repair('check');
    expect([raised, words(fresh)]).toEqual([1, ['jump: the gate was missing']]);
  });

  describe('our own changes between passes', () => {
    const left = (sets: Ruleset['sets']): Ruleset['sets'] =>
      sets.map((set) => (set.name === 'dockwall4-trusted' ? { ...set, members: [] } : set));
    const write = async (): Promise<void> => sets('del dockwall4-trusted 203.0.113.4\n');

    it('are nobody else’s, whenever a look falls into them', async () => {
      let release = (): void => {};
      let looks = 0;
      const observing: Kernel = {
        ...kernel,
        observe: async () => {
          const observed = await kernel.observe();
          looks += 1;
          if (looks === 1) await new Promise<void>((resolve) => (release = resolve));
          return observed;
        },
      };
      const busy = new DriftRepair({
        kernel: observing,
        raise: async () => (raised += 1),
        report: (drifts) => void reported.push(...drifts),
        saw: () => {},
        writes: () => {},
      });
      await passed(ruleset, busy);
      // The look has seen what was there before, and is not done when the change is.
      const checking = busy.repair('pass');
      await settle();
      await busy.write('changes', left, write);
      release();
      expect(await checking).toBe(false);
      expect([looks, words(busy)]).toEqual([2, []]);
    });

    it('are waited for by a look', async () => {
      let release = (): void => {};
      const writing = repair.write('changes', left, async () => {
        await new Promise<void>((resolve) => (release = resolve));
        await write();
      });
      const checking = repair.repair('pass');
      await settle();
      release();
      await writing;
      expect(await checking).toBe(false);
      expect(words()).toEqual([]);
    });

    it('that take away hold against a pass that was under way', async () => {
      await repair.repair('pass');
      await repair.kernel.observe();
      await repair.write('takes away', left, write);
      // it went by a look that still had the member
      await passed();
      const { writes } = fake;
      expect(await repair.repair('check')).toBe(false);
      expect([fake.writes, words()]).toEqual([writes, []]);
    });

    it('that fail leave nothing to go by', async () => {
      await expect(repair.write('changes', left, () => Promise.reject(new Error('no')))).rejects.toThrow(
        'no',
      );
      expect(await repair.repair('check')).toBe(true);
      expect([raised, words()]).toEqual([0, []]);
    });
  });
});
