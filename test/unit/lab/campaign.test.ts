import { describe, expect, it } from 'vitest';
import { judge, type Played, scenarioOf } from '../../lab/campaign/outcome.ts';
import { countReports, type LabRecord, parseRecords, type WatchRecord } from '../../lab/campaign/record.ts';
import type { TestRecord } from '../../lab/campaign/reporter.ts';
import { median, page, verdict } from '../../lab/campaign/table.ts';

const s8 = 'S8: the engine restarts';

function watch(change: Partial<WatchRecord> = {}): WatchRecord {
  const attempts = { tcp4: 1000, tcp6: 900, udp4: 0, udp6: 0 };
  const test = `what comes and goes, Docker 28.5 nft > ${s8}`;
  return { kind: 'watch', test, setup: '28.5 nft', attempts, handshakes: 0, answered: 0, ...change };
}

function tested(test: string, state: TestRecord['state'] = 'passed'): TestRecord {
  return { file: 'lifecycle.test.ts', test, state, ms: 1, errors: state === 'failed' ? ['told why'] : [] };
}

function played(change: Partial<Played> = {}): Played {
  return { setup: '28.5 nft', tests: [tested(s8)], records: [watch()], ...change };
}

const preface = {
  date: '2026-11-23',
  commit: 'abc',
  machine: '2 cores',
  duration: '5 minutes',
  command: 'npm run',
};

describe('judge', () => {
  it('is content when nothing got in and everything was played', () => {
    const outcome = judge([played()], ['S8']);
    expect(outcome.wrong).toEqual([]);
    expect(outcome.counts).toEqual({ passed: 1, failed: 0, skipped: 0 });
    expect(outcome.titles).toEqual(new Map([['S8', ['the engine restarts']]]));
  });

  it.each([
    [
      'one handshake',
      { records: [watch(), watch({ handshakes: 1 })] },
      'S8 on 28.5 nft: 1 forbidden handshakes completed',
    ],
    ['one datagram', { records: [watch({ answered: 1 })] }, 'S8 on 28.5 nft: 1 forbidden datagrams answered'],
    ['a failed scenario', { tests: [tested(s8, 'failed')] }, `${s8} on 28.5 nft: told why`],
    [
      'a failed hook',
      { tests: [tested(s8), { file: 'a.test.ts', state: 'failed', ms: 0, errors: ['no lab'] }] },
      'a.test.ts on 28.5 nft: no lab',
    ],
    ['a run that broke off', { broken: 'vitest ended with 137' }, '28.5 nft: vitest ended with 137'],
    [
      'a scenario that was played nowhere',
      { tests: [tested('S7: stops and starts')] },
      'S8 was played nowhere',
    ],
    ['a scenario that was skipped everywhere', { tests: [tested(s8, 'skipped')] }, 'S8 was played nowhere'],
  ] as const)('is not, for %s', (_, change, sentence) => {
    expect(judge([played(change)], ['S8']).wrong).toEqual([sentence]);
  });

  it('misses a scenario on one engine only, unless it was skipped there or chooses its engines itself', () => {
    const other = played({ setup: '20.10 legacy', tests: [tested('S1: networks')], records: [] });
    const wrong = judge([played(), other], ['S8']).wrong;
    expect(wrong).toEqual(['S8 was not played on 20.10 legacy']);
    const skipped = { ...other, tests: [tested(s8, 'skipped')] };
    expect(judge([played(), skipped], ['S8']).wrong).toEqual([]);
    expect(judge([other, played({ setup: 'any' })], ['S8']).wrong).toEqual([]);
  });

  it('adds up what one scenario met on one engine, and keeps its worst outage', () => {
    const repaired: LabRecord = {
      kind: 'measure',
      test: watch().test,
      setup: '28.5 nft',
      name: 'repaired after',
      ms: 40,
    };
    const records = [
      watch({ outage: 20 }),
      watch({ outage: 90 }),
      watch(),
      repaired,
      { ...repaired, ms: 60 },
    ];
    const [row, ...more] = judge([played({ records })], []).rows;
    expect(more).toEqual([]);
    expect(row).toMatchObject({ scenario: 'S8', attempts: { tcp4: 3000, tcp6: 2700 }, outage: 90 });
    expect(row?.measures).toEqual(new Map([['repaired after', [40, 60]]]));
  });
});

describe('scenarioOf', () => {
  it.each([
    [s8, 'S8'],
    ['S13, S14: what never passes', 'S13, S14'],
    ['start: a public port', 'start'],
    ['keeps the front at the top: always', 'more'],
  ])('%s is %s', (test, scenario) => expect(scenarioOf(test)).toBe(scenario));
});

describe('page', () => {
  it('has a line for each scenario and each engine, S2 before S10, and the sentence on top', () => {
    const tests = ['S10: new', 'S2: two', 'control: probes'].map((test) => tested(test));
    const records = tests.flatMap(({ test }) =>
      ['28.5 nft', '20.10 legacy'].map((setup) => watch({ test: `x > ${test}`, setup, outage: 7 })),
    );
    const outcome = judge([played({ tests, records })], []);
    const text = page(outcome, preface);
    expect(verdict(outcome)).toBe(
      '11,400 forbidden attempts: 0 handshakes completed, 0 datagrams answered. Scenarios: 3 passed, 0 failed, 0 skipped.',
    );
    expect(text).toContain(`**${verdict(outcome)}**`);
    const lines = text.split('\n').filter((line) => /^\| (S|control)/.test(line));
    expect(lines).toEqual([
      '| S2 | two | 3,800 | 0 | 0 | 7 ms |',
      '| S10 | new | 3,800 | 0 | 0 | 7 ms |',
      '| control | probes | 3,800 | 0 | 0 | 7 ms |',
      '| S2 | 20.10 legacy | 1,000 | 900 | 0 | 0 | 0 | 0 | 7 ms |  |',
      '| S2 | 28.5 nft | 1,000 | 900 | 0 | 0 | 0 | 0 | 7 ms |  |',
      '| S10 | 20.10 legacy | 1,000 | 900 | 0 | 0 | 0 | 0 | 7 ms |  |',
      '| S10 | 28.5 nft | 1,000 | 900 | 0 | 0 | 0 | 0 | 7 ms |  |',
      '| control | 20.10 legacy | 1,000 | 900 | 0 | 0 | 0 | 0 | 7 ms |  |',
      '| control | 28.5 nft | 1,000 | 900 | 0 | 0 | 0 | 0 | 7 ms |  |',
    ]);
    expect(text).not.toContain('## Where something outside');
  });

  it('states medians of the time open, by backend', () => {
    const measure = (setup: string, ms: number): LabRecord => ({
      kind: 'measure',
      test: 'x > S9: flushed',
      setup,
      name: 'open for',
      ms,
    });
    const records = [
      measure('28.5 nft', 10),
      measure('28.5 nft', 40),
      measure('26.1 nft', 30),
      measure('20.10 legacy', 2000),
    ];
    const text = page(judge([played({ tests: [tested('S9: flushed')], records })], []), preface);
    expect(text).toContain('| **median** | nft | **30 ms (10 to 40, 3 times)** |');
    expect(text).toContain('| **median** | legacy | **2,000 ms** |');
  });

  it('says what is wrong', () => {
    const text = page(judge([played({ records: [watch({ handshakes: 3 })] })], []), preface);
    expect(text).toContain('- wrong: S8 on 28.5 nft: 3 forbidden handshakes completed');
  });
});

describe('records', () => {
  it('count attempts by protocol and family; a flow of UDP is UDP', () => {
    const target = (proto: 'tcp' | 'udp' | 'udp-flow', ip: string, opened: readonly number[]) => ({
      target: { proto, ip, port: 80 },
      attempts: 5,
      opened,
      refused: 0,
      unreachable: 0,
      timedOut: 0,
    });
    const targets = [
      target('tcp', '192.0.2.1', [1, 2]),
      target('udp-flow', '2001:db8::1', [3]),
      target('udp', '192.0.2.1', []),
    ];
    expect(countReports([{ began: 0, duration: 1, longestStall: 0, targets }])).toEqual({
      attempts: { tcp4: 5, tcp6: 0, udp4: 5, udp6: 5 },
      handshakes: 2,
      answered: 1,
    });
  });

  it('leave out a line that was cut off', () => {
    expect(parseRecords(`${JSON.stringify(watch())}\n{"kind":"wat`)).toEqual([watch()]);
  });
});

describe('median', () => {
  it.each([
    [[], undefined],
    [[3], 3],
    [[9, 1, 5], 5],
  ])('of %j is %j', (values, middle) => expect(median(values)).toBe(middle));
});
