import { describe, expect, it } from 'vitest';
import {
  firmSeconds,
  guardIn,
  guardSeconds,
  listSeconds,
  promisedSeconds,
} from '../../../src/daemon/guard-sets.ts';
import type { ObservedSet } from '../../../src/decide/diff/model.ts';
import type { HostPortRun } from '../../../src/decide/inventory/host-port.ts';
import { settle } from './fake-clock.ts';
import { Bench, begin, details, many, nobody, root, ssh, standing, up } from './guard-bench.ts';

describe('Guard', () => {
  it('goes up with what listens, and is renewed long before its members expire', async () => {
    const { guard, writes, clock } = new Bench();
    await guard.start(nobody);
    expect(writes).toEqual([up]);
    await clock.advance(19_999);
    expect(writes.length).toBe(1);
    await clock.advance(501);
    expect(writes).toEqual([up, up]);
  });

  it('asks Docker about a new socket of root, and lets it be reached when it is the host’s own', async () => {
    const bench = await begin();
    bench.sockets = [ssh, root(9000, 2)];
    await bench.clock.advance(500);
    expect(bench.asked).toBe(0);
    await bench.clock.advance(500);
    expect(bench.asked).toBe(1);
    expect(bench.writes).toEqual([]);
    await bench.pass();
    expect(bench.writes).toEqual([['+ listening *,tcp:9000 176s']]);
  });

  it('never lets one be reached that a container turns out to publish', async () => {
    const bench = await begin();
    bench.sockets = [ssh, root(40_000, 2)];
    await bench.clock.advance(1000);
    await bench.pass(40_000);
    await bench.clock.advance(10_000);
    expect(bench.writes).toEqual([]);
    expect(bench.asked).toBe(1);
  });

  it('asks less and less often while Docker does not tell', async () => {
    const bench = await begin();
    bench.sockets = [ssh, root(9000, 2)];
    await bench.clock.advance(60_000);
    expect(bench.asked).toBeGreaterThan(5);
    expect(bench.asked).toBeLessThan(20);
  });

  it('reads the sockets only when their number has changed, and now and then', async () => {
    const bench = await begin();
    bench.reads = 0;
    await bench.clock.advance(60_000);
    expect(bench.reads).toBeGreaterThanOrEqual(3);
    expect(bench.reads).toBeLessThanOrEqual(4);
    bench.sockets = [root(25, 2)];
    await bench.clock.advance(16_000);
    expect(bench.asked).toBeGreaterThan(0);
  });

  it('takes a port off the list at the event after its socket has gone', async () => {
    const bench = await begin();
    bench.sockets = [];
    await bench.clock.advance(500);
    expect(bench.writes).toEqual([]);
    bench.guard.event();
    await settle();
    expect(bench.writes).toEqual([['- listening *,tcp:22']]);
  });

  it('closes the fixed ports of a new container when its inspect answers, and asks for a pass', async () => {
    const bench = await begin();
    bench.sockets = [ssh, { ...root(3000, 2), uid: 1000 }];
    await bench.clock.advance(500);
    expect(bench.writes).toEqual([['+ listening *,tcp:3000 176s']]);
    bench.answer = Promise.resolve(details('3000'));
    await bench.guard.onCreate('a');
    await settle();
    expect(bench.writes.slice(1)).toEqual([['+ published *,tcp:3000'], ['- listening *,tcp:3000']]);
    expect(bench.asked).toBe(1);
  });

  it('leaves more ports than are counted one by one to the pass that it asks for', async () => {
    const bench = await begin();
    bench.answer = Promise.resolve(many(20_000, 1024));
    await bench.guard.onCreate('a');
    expect(bench.writes.flat()).not.toEqual([]);
    const before = bench.writes.length;
    bench.answer = Promise.resolve(many(30_000, 1025));
    await bench.guard.onCreate('b');
    await settle();
    expect(bench.writes.length).toBe(before);
    expect(bench.asked).toBe(2);
  });

  it.each([
    ['on all addresses', { HostIp: '', HostPort: '22' }],
    ['on IPv4', { HostIp: '0.0.0.0', HostPort: '22' }],
    ['on one address', { HostIp: '192.0.2.1', HostPort: '22' }],
    ['on loopback', { HostIp: '127.0.0.1', HostPort: '22' }],
  ])('closes nothing at the create of one that asks for what the host holds %s', async (_, binding) => {
    const bench = await begin();
    bench.answer = Promise.resolve({ Id: 'c', HostConfig: { PortBindings: { '80/tcp': [binding] } } });
    await bench.guard.onCreate('a');
    bench.guard.event();
    await bench.clock.advance(10_000);
    expect(bench.writes).toEqual([]);
  });

  it('closes the family that the host does not hold', async () => {
    const bench = await begin();
    bench.answer = Promise.resolve({
      Id: 'c',
      HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '::', HostPort: '22' }] } },
    });
    const changes: string[] = [];
    bench.onApply = ({ sets }) =>
      changes.push(
        ...sets.map((change) => ('member' in change ? `${change.set} ${change.member}` : change.kind)),
      );
    await bench.guard.onCreate('a');
    expect(changes.sort()).toEqual([
      'dockwall6-published 8000::/1,tcp:22',
      'dockwall6-published ::/1,tcp:22',
    ]);
  });

  it('asks for a pass when what a container claims is not held any more', async () => {
    const bench = await begin();
    bench.answer = Promise.resolve(details('22'));
    await bench.guard.onCreate('a');
    await settle();
    bench.asked = 0;
    bench.sockets = [];
    await bench.clock.advance(500);
    expect(bench.writes).toEqual([['- listening *,tcp:22']]);
    expect(bench.asked).toBe(1);
  });

  it('is put back at the next look when somebody has emptied its sets', async () => {
    const bench = await begin();
    bench.stands = false;
    await bench.clock.advance(500);
    expect(bench.writes).toEqual([up]);
    bench.stands = undefined;
    await bench.clock.advance(5000);
    expect(bench.writes).toEqual([up]);
  });

  it('stands for the promised time after the last renewal that a slow host could have missed', async () => {
    const bench = await begin();
    const looks: number[] = [];
    bench.onApply = () => looks.push(bench.clock.now());
    // Reading takes so long that the longest rest is waited after each look.
    bench.readingTakes = 1000;
    for (let second = 0; second < 300; second++) {
      bench.sockets = [ssh, { ...root(50_000, 2), inode: second, protocol: 'udp' }];
      await bench.clock.advance(1000);
    }
    const longest = Math.max(...looks.map((at, index) => at - (looks[index - 1] ?? at)));
    expect(longest).toBeGreaterThan(20_000);
    expect(longest / 1000 + promisedSeconds).toBeLessThanOrEqual(guardSeconds);
    expect(listSeconds).toBeGreaterThan(guardSeconds + longest / 1000);
  });

  it('lets what stands against a declaration live longer, so that the next process tells it from the rest', async () => {
    const bench = await begin();
    const declared: HostPortRun = {
      family: 4,
      address: 'any',
      protocol: 'tcp',
      hostPort: 22,
      containerPort: 22,
    };
    bench.guard.passed({
      claims: { held: [], all: [declared] },
      against: [declared],
      judged: [],
      sets: standing(22),
    });
    await settle();
    expect(bench.writes).toEqual([[`+ listening *,tcp:22 ${firmSeconds}s`]]);
  });

  it('writes everything again when the kernel refused, and when somebody emptied its sets', async () => {
    const bench = await begin();
    bench.refuse = true;
    bench.sockets = [root(25, 2)];
    bench.guard.event();
    await settle();
    expect(bench.failures.map(String)).toEqual(['Error: refused']);
    bench.refuse = false;
    await bench.clock.advance(500);
    expect(bench.writes).toEqual([['- listening *,tcp:22', '+ guard * 88s']]);
    expect(bench.failures.at(-1)).toBeUndefined();
    bench.guard.passed({ claims: { held: [], all: [] }, against: [], judged: [], sets: [] });
    await settle();
    expect(bench.writes.at(-1)).toEqual(['+ guard * 88s']);
  });

  it('is taken down, also an earlier process’s, where the configuration says so, and comes back', async () => {
    const bench = new Bench();
    bench.enabled = false;
    await bench.guard.start(nobody);
    await bench.clock.advance(60_000);
    expect(bench.writes).toEqual([['- guard *']]);
    bench.enabled = true;
    await bench.clock.advance(500);
    expect(bench.writes.slice(1)).toEqual([up]);
    bench.enabled = false;
    await bench.clock.advance(500);
    expect(bench.writes.slice(2)).toEqual([['- guard *']]);
  });

  it('is taken down also where it may have gone up before the kernel refused the rest', async () => {
    const bench = await begin();
    bench.enabled = false;
    await bench.clock.advance(500);
    [bench.enabled, bench.refuse] = [true, true];
    await bench.clock.advance(500);
    bench.writes.splice(0);
    [bench.enabled, bench.refuse] = [false, false];
    await bench.clock.advance(500);
    expect(bench.writes).toEqual([['- guard *']]);
  });

  it('is written again where somebody emptied its sets while a renewal was under way', async () => {
    const bench = await begin();
    bench.onApply = () => {
      bench.onApply = () => {};
      bench.guard.passed({ claims: { held: [], all: [] }, against: [], judged: [], sets: standing() });
    };
    await bench.clock.advance(21_000);
    expect(bench.writes).toEqual([up, up]);
  });

  it('writes nothing after it was stopped', async () => {
    const bench = await begin();
    bench.guard.stop();
    bench.guard.event();
    await bench.clock.advance(60_000);
    expect(bench.writes).toEqual([]);
  });
});

describe('guardIn', () => {
  it('finds the ports of a guard that still stands', () => {
    const { standing: stands, known } = guardIn(standing(22, 443), [4, 6]);
    expect(stands).toBe(true);
    expect([...known]).toEqual(['4 any tcp:22', '4 any tcp:443', '6 any tcp:22', '6 any tcp:443']);
  });

  it('tells what stood against a declaration by its longer life, also when the guard has just run out', () => {
    const sets = (guard: number, ...list: readonly [string, number][]): readonly ObservedSet[] => [
      {
        name: 'dockwall4-guard',
        family: 4,
        type: 'hash:net',
        expiring: true,
        members: new Map<string, number>(guard > 0 ? [['0.0.0.0/1', guard]] : []),
      },
      {
        name: 'dockwall4-listening',
        family: 4,
        type: 'hash:net,port',
        expiring: true,
        members: new Map(list),
      },
    ];
    for (const age of [0, 20, 60, guardSeconds]) {
      const found = guardIn(
        sets(
          guardSeconds - age,
          ['0.0.0.0/1,tcp:22', firmSeconds - age],
          ['192.0.2.1,tcp:25', listSeconds - age],
          // came just before the next renewal
          ['0.0.0.0/1,udp:53', listSeconds - age + 20],
          ['0.0.0.0/1,sctp:36412', listSeconds - age],
        ),
        [4],
      );
      expect([...found.known]).toEqual([
        '4 any tcp:22',
        '4 192.0.2.1 tcp:25',
        '4 any udp:53',
        '4 any sctp:36412',
      ]);
      expect([age, ...found.firm]).toEqual([age, '4 any tcp:22']);
    }
  });

  it('finds that none stands, or not in every family', () => {
    expect(guardIn([], [4]).standing).toBe(false);
    const one = standing(22).filter(({ family }) => family === 4);
    expect(guardIn(one, [4, 6]).standing).toBe(false);
  });
});
