import { describe, expect, it } from 'vitest';
import { Refresh, type Refreshed } from '../../../src/daemon/refresh.ts';
import type { Observed, SetChange } from '../../../src/decide/diff/model.ts';
import type { Cidr } from '../../../src/decide/net/network.ts';
import { type Decided, decide } from '../../../src/decide/pass/decide.ts';
import { type LiveSource, type SourceKey, sourceKey } from '../../../src/decide/policy/config.ts';
import type { Answers } from '../../../src/decide/policy/model.ts';
import type { IpSet } from '../../../src/decide/wall/model.ts';
import { groupsOf, makeConfig, membersOf, peerList } from '../policy/inventories.ts';
import { settle } from './fake-clock.ts';

const home: LiveSource = { kind: 'name', name: 'home.example.org' };
const list: LiveSource = { kind: 'file', path: 'bans.txt', format: { kind: 'lines' }, mayShrink: false };
const config = makeConfig({
  trusted: { ...peerList(['198.51.100.10']), sources: [home] },
  groups: new Map([
    ...groupsOf({ plain: ['192.0.2.0/24'] }),
    ...[...groupsOf({ bans: [] })].map(([name]) => [name, { ...membersOf(), sources: [list] }] as const),
  ]),
  deny: peerList([], ['bans']),
});
const inForce = { config, lockedDown: false };
const nothing: Observed = { backends: ['nft'], families: [4, 6], tables: [], sets: [], foreign: [] };

function answered(answers: Readonly<Record<string, readonly string[]>>): Answers {
  return new Map(
    Object.entries(answers).map(([key, networks]) => [key as SourceKey, networks as readonly Cidr[]]),
  );
}

const key = { home: sourceKey(home), list: sourceKey(list) };

function decided(answers: Answers): Decided {
  const snapshot = { containers: [], networks: [], details: new Map() };
  return decide({ snapshot, host: { interfaces: [], listeners: [] }, observed: nothing, answers }, inForce);
}

function text(changes: readonly SetChange[]): readonly string[] {
  return changes.map((change) =>
    'member' in change
      ? `${change.kind === 'add-member' ? '+' : '-'} ${change.set} ${change.member}`
      : change.kind === 'replace-members'
        ? `= ${change.set.name} ${change.members.length}`
        : change.kind,
  );
}

class Bench {
  answers: Answers = new Map();
  config = config;
  readonly written: (readonly string[])[] = [];
  readonly sets: (readonly IpSet[])[] = [];
  readonly done: Refreshed[] = [];
  fails = false;
  hold: Promise<void> = Promise.resolve();
  readonly refresh = new Refresh({
    answers: () => this.answers,
    inForce: () => ({ ...inForce, config: this.config }),
    write: async (changes, sets) => {
      this.written.push(text(changes));
      this.sets.push(sets);
      await this.hold;
      if (this.fails) throw new Error('refused');
    },
    done: (result) => void this.done.push(result),
  });
}

describe('Refresh', () => {
  it('brings another answer into the sets it is in, closing before opening', async () => {
    const bench = new Bench();
    bench.answers = answered({ [key.home]: ['203.0.113.1'], [key.list]: ['10.0.0.1'] });
    bench.refresh.passed(decided(bench.answers));
    bench.answers = answered({ [key.home]: ['203.0.113.2', '2001:db8::2'], [key.list]: ['10.0.0.2'] });
    await bench.refresh.changed();
    expect(bench.written).toEqual([
      [
        '+ dockwall4-den-bans 10.0.0.2',
        '- dockwall4-trusted 203.0.113.1',
        '- dockwall4-src-bans 10.0.0.1',
        '+ dockwall4-trusted 203.0.113.2',
        '+ dockwall4-src-bans 10.0.0.2',
        '+ dockwall6-trusted 2001:db8::2',
        '- dockwall4-den-bans 10.0.0.1',
      ],
    ]);
    expect(bench.done).toMatchObject([{ closes: true }]);
    expect(bench.done[0]?.decision.policy.trusted.networks).toEqual([
      '198.51.100.10',
      '203.0.113.2',
      '2001:db8::2',
    ]);
    // what was written is what the next answer is compared with, and the next pass finds nothing to do
    await bench.refresh.changed();
    expect(bench.written).toHaveLength(1);
    const sets = decided(bench.answers).ruleset.sets.filter(({ name }) =>
      bench.sets[0]?.some((set) => set.name === name),
    );
    expect(bench.sets[0]?.map(({ name, members }) => [name, members])).toEqual(
      sets.map(({ name, members }) => [name, members]),
    );
  });

  it('what is only written in another way never leaves a set', async () => {
    const bench = new Bench();
    bench.answers = answered({ [key.home]: ['203.0.113.0/25'] });
    bench.refresh.passed(decided(bench.answers));
    bench.answers = answered({ [key.home]: ['203.0.113.0/24'] });
    await bench.refresh.changed();
    bench.answers = answered({ [key.home]: ['203.0.113.128/25'] });
    await bench.refresh.changed();
    expect(bench.written).toEqual([
      ['+ dockwall4-trusted 203.0.113.0/24', '- dockwall4-trusted 203.0.113.0/25'],
      ['+ dockwall4-trusted 203.0.113.128/25', '- dockwall4-trusted 203.0.113.0/24'],
    ]);
    expect(bench.done.map(({ closes }) => closes)).toEqual([true, true]);
  });

  it('a long list is swapped in, and one more entry is one more entry', async () => {
    const bench = new Bench();
    const long = Array.from({ length: 2000 }, (_, index) => `10.0.${index >> 7}.${(index & 127) * 2}`);
    bench.refresh.passed(decided(bench.answers));
    bench.answers = answered({ [key.home]: long });
    await bench.refresh.changed();
    bench.answers = answered({ [key.home]: [...long, '10.9.9.9'] });
    await bench.refresh.changed();
    expect(bench.written).toEqual([['= dockwall4-trusted 2001'], ['+ dockwall4-trusted 10.9.9.9']]);
    expect(bench.done.map(({ closes }) => closes)).toEqual([false, false]);
  });

  it('an answer that came while a pass was under way is written when it has ended', async () => {
    const bench = new Bench();
    const old = decided(answered({ [key.home]: ['203.0.113.1'] }));
    bench.answers = answered({});
    await bench.refresh.changed();
    expect(bench.written).toEqual([]);
    bench.refresh.passed(old);
    await settle();
    expect(bench.written).toEqual([['- dockwall4-trusted 203.0.113.1']]);
  });

  it('one at a time: an answer that comes meanwhile follows', async () => {
    const bench = new Bench();
    bench.refresh.passed(decided(bench.answers));
    const { promise, resolve } = Promise.withResolvers<void>();
    bench.hold = promise;
    bench.answers = answered({ [key.home]: ['203.0.113.1'] });
    const first = bench.refresh.changed();
    await settle();
    bench.answers = answered({ [key.home]: ['203.0.113.2'] });
    const second = bench.refresh.changed();
    await settle();
    expect(bench.written).toHaveLength(1);
    resolve();
    await Promise.all([first, second]);
    expect(bench.written[1]).toEqual(['- dockwall4-trusted 203.0.113.1', '+ dockwall4-trusted 203.0.113.2']);
  });

  it('leaves it to the pass where the configuration is another one, or writing fails', async () => {
    const bench = new Bench();
    bench.refresh.passed(decided(bench.answers));
    bench.answers = answered({ [key.home]: ['203.0.113.1'] });
    bench.config = makeConfig();
    await bench.refresh.changed();
    expect(bench.written).toEqual([]);
    bench.config = config;
    bench.fails = true;
    await bench.refresh.changed();
    expect(bench.done).toEqual([]);
  });
});

describe('Refresh of names in labels', () => {
  const labels = { 'dockwall.allow': 'home.example.org', 'dockwall.deny': 'bad.example.org' };
  const ports = [80, 81].map((port) => ({
    IP: '0.0.0.0',
    PrivatePort: port,
    PublicPort: port,
    Type: 'tcp' as const,
  }));
  const snapshot = {
    containers: [{ Id: 'c1', Names: ['/web'], Labels: labels, State: 'running', Ports: ports }],
    networks: [],
    details: new Map(),
  };
  const host = { interfaces: [], listeners: [] };
  const decidedWith = (answers: Answers): Decided =>
    decide({ snapshot, host, observed: nothing, answers }, inForce);
  const meaning = (home: readonly string[], bad: readonly string[] = []): Answers =>
    answered({ 'home.example.org': home, 'bad.example.org': bad });

  it('brings another answer into the pairs at once, closing before opening, and the next pass has nothing to do', async () => {
    const bench = new Bench();
    bench.answers = meaning(['203.0.113.1'], ['192.0.2.1']);
    bench.refresh.passed(decidedWith(bench.answers));
    bench.answers = meaning(['203.0.113.3', '2001:db8::2'], ['192.0.2.2']);
    await bench.refresh.changed();
    expect(bench.written).toEqual([
      [
        '+ dockwall4-deny-pairs 192.0.2.2,tcp:80',
        '+ dockwall4-deny-pairs 192.0.2.2,tcp:81',
        '- dockwall4-trusted 203.0.113.1',
        '- dockwall4-allow-pairs 203.0.113.1,tcp:80',
        '- dockwall4-allow-pairs 203.0.113.1,tcp:81',
        '+ dockwall4-trusted 203.0.113.3',
        '+ dockwall6-trusted 2001:db8::2',
        '+ dockwall4-allow-pairs 203.0.113.3,tcp:80',
        '+ dockwall4-allow-pairs 203.0.113.3,tcp:81',
        '- dockwall4-deny-pairs 192.0.2.1,tcp:80',
        '- dockwall4-deny-pairs 192.0.2.1,tcp:81',
      ],
    ]);
    expect(bench.done).toMatchObject([{ closes: true }]);
    expect(bench.done[0]?.decision.ruleset).toEqual(decidedWith(bench.answers).ruleset);
  });

  it('what is only written in another way never leaves a pair', async () => {
    const bench = new Bench();
    bench.config = makeConfig();
    const alone = (answers: Answers): Decided =>
      decide({ snapshot, host, observed: nothing, answers }, { config: bench.config, lockedDown: false });
    bench.answers = meaning(['203.0.113.2']);
    bench.refresh.passed(alone(bench.answers));
    bench.answers = meaning(['203.0.113.2/31']);
    await bench.refresh.changed();
    expect(bench.written.flat()).toEqual([
      '+ dockwall4-allow-pairs 203.0.113.2/31,tcp:80',
      '+ dockwall4-allow-pairs 203.0.113.2/31,tcp:81',
      '- dockwall4-allow-pairs 203.0.113.2,tcp:80',
      '- dockwall4-allow-pairs 203.0.113.2,tcp:81',
    ]);
  });

  it('an answer with too many addresses lets nobody in', async () => {
    const bench = new Bench();
    bench.answers = meaning(['203.0.113.1']);
    bench.refresh.passed(decidedWith(bench.answers));
    bench.answers = meaning(Array.from({ length: 65 }, (_, index) => `10.0.${index}.1`));
    await bench.refresh.changed();
    expect(bench.written.flat().filter((line) => line.includes('pairs'))).toEqual([
      '- dockwall4-allow-pairs 203.0.113.1,tcp:80',
      '- dockwall4-allow-pairs 203.0.113.1,tcp:81',
    ]);
  });
});
