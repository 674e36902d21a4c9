import { describe, expect, it } from 'vitest';
import { ObservingReport } from '../../../src/daemon/observing-report.ts';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import { refuses } from '../../../src/decide/policy/sessions.ts';
import { observingNote } from '../../../src/decide/report/observing-note.ts';
import { renderGate } from '../../../src/decide/wall/gate.ts';
import { marked, sourceIn } from '../../../src/decide/wall/matches.ts';
import { setName } from '../../../src/decide/wall/names.ts';
import { observingFor, observingMembers } from '../../../src/decide/wall/observing.ts';
import { makeConfig, makeContainer, makeInventory, peerList, ports } from '../policy/inventories.ts';

const policy = resolve(
  makeInventory([makeContainer('wiki', { ports: ports('8080:80') })]),
  makeConfig({ deny: peerList(['198.51.100.66']) }),
);
const set = (seconds: number) => ({
  name: 'dockwall4-observing',
  family: 4 as const,
  members: new Map([['0.0.0.0/1', seconds]]),
});

describe('observing', () => {
  it('lasts as long as the kernel says; a permanent member is drift', () => {
    expect(observingFor([set(60)])).toBe(60);
    expect(observingFor([set(0)])).toBe(0);
    expect(observingNote([], 0)).toBeUndefined();
    expect(observingNote([set(3600)], 0)).toContain('OBSERVING until 1970-01-01 01:00 UTC');
    expect(observingMembers([set(0)]).map(({ member }) => member)).toEqual(['0.0.0.0/1', '128.0.0.0/1']);
  });

  it('lets in what would be turned away, and never what is denied', () => {
    const { chains } = renderGate(policy, 4);
    const judge = chains.find(({ name }) => name === 'DOCKWALL-GATE')?.rules ?? [];
    const towards = (chain: string) =>
      judge.filter(({ target }) => target.kind === 'goto' && target.chain === chain).map(({ note }) => note);
    const blocked = towards('DOCKWALL-BLOCKED');
    expect(blocked.slice(0, -1).every((note) => note.includes('denied'))).toBe(true);
    const looks = judge.findIndex(({ target }) => target.kind === 'set-mark');
    expect(judge[looks + 1]?.note).toBe(blocked.at(-1));
    const ends = chains.find(({ name }) => name === 'DOCKWALL-BLOCKED')?.rules.slice(-2) ?? [];
    expect(ends.map(({ matches, target }) => [matches, 'chain' in target && target.chain])).toEqual([
      [[marked(policy.mark), sourceIn(setName(4, 'observing'))], 'DOCKWALL-PASS'],
      [[], 'DOCKWALL-REFUSE'],
    ]);
  });

  it('cuts running sessions of the denied only', () => {
    const session = (source: string) =>
      ({ protocol: 'tcp', source, destination: '192.0.2.1', port: 8080 }) as const;
    const refused = (observing: boolean) =>
      ['203.0.113.5', '198.51.100.66'].map((one) =>
        refuses(policy, new Set(['192.0.2.1']), observing)(session(one)),
      );
    expect(refused(false)).toEqual([true, true]);
    expect(refused(true)).toEqual([false, true]);
  });

  it('is logged when it begins and when it is over, and health names the end', () => {
    const lines: string[] = [];
    const log = (_: object, text: string) => void lines.push(text);
    const report = new ObservingReport({ debug: log, info: log, warn: log, error: log });
    report.saw([set(60)] as never, 0);
    report.saw([set(59)] as never, 1000);
    expect(report.health(1000)).toEqual({ observing: '1970-01-01T00:01:00.000Z' });
    expect(report.health(60_000)).toEqual({});
    report.saw([set(0)] as never, 61_000);
    expect(lines.map((line) => line.slice(0, 9))).toEqual(['OBSERVING', 'the time ']);
  });
});
