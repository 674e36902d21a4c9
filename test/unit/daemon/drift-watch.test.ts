import { describe, expect, it } from 'vitest';
import { DriftWatch } from '../../../src/daemon/drift-watch.ts';
import type { Observed } from '../../../src/decide/diff/model.ts';
import type { FingerprintScope } from '../../../src/reach/kernel/fingerprint.ts';
import type { MonitorParts } from '../../../src/reach/kernel/monitor.ts';
import { FakeClock } from './fake-clock.ts';

function observed(...backends: readonly ('nft' | 'legacy')[]): Observed {
  return { backends, families: [4, 6], tables: [], sets: [], foreign: [] };
}

function bench(interval = 3000) {
  const clock = new FakeClock();
  const told: string[] = [];
  const monitors: MonitorParts[] = [];
  const scopes: FingerprintScope[] = [];
  const state = { fingerprint: 'a', interval, stopped: 0 };
  const log = (level: string) => (_: object, message: string) => void told.push(`${level} ${message}`);
  const watch = new DriftWatch({
    clock,
    log: { debug: () => {}, info: log('info'), warn: log('warn'), error: log('error') },
    fingerprint: {
      take: async (scope) => {
        scopes.push(scope);
        if (state.fingerprint === '') throw new Error('no such program');
        return state.fingerprint;
      },
    },
    startMonitor: (parts) => {
      monitors.push(parts);
      return { stop: () => void (state.stopped += 1) };
    },
    interval: () => state.interval,
    check: () => told.push(`check ${clock.now()}`),
    pull: () => told.push(`pull ${clock.now()}`),
  });
  return { clock, told, monitors, scopes, state, watch };
}

describe('the monitor', () => {
  it('a change to the gate is looked at at once, and again when the flush is over', async () => {
    const { clock, told, monitors, watch } = bench(0);
    watch.saw(observed('nft'));
    await clock.advance(2000);
    expect(told.splice(0)).toEqual(['check 1000']);
    for (let i = 0; i < 1000; i += 1) monitors[0]?.onChange('gate');
    expect(told).toEqual(['check 2000']);
    await clock.advance(1000);
    expect(told).toEqual(['check 2000', 'check 2050']);
  });

  it('changes to the front are one look', async () => {
    const { clock, told, monitors, watch } = bench(0);
    watch.saw(observed('nft'));
    await clock.advance(2000);
    told.length = 0;
    for (let i = 0; i < 100; i += 1) {
      monitors[0]?.onChange('front');
      await clock.advance(1);
    }
    await clock.advance(1000);
    expect(told).toEqual(['check 2200']);
  });

  it('somebody who moves the gate without end does not keep us busy without end', async () => {
    const { clock, told, monitors, watch } = bench(0);
    watch.saw(observed('nft'));
    await clock.advance(2000);
    told.length = 0;
    for (let i = 0; i < 6000; i += 1) {
      monitors[0]?.onChange('gate');
      await clock.advance(10);
    }
    expect(told.length).toBeGreaterThan(60);
    expect(told.length).toBeLessThan(150);
  });

  it('is started again with growing waits, and its end is told once', async () => {
    const { clock, told, monitors, scopes, watch } = bench();
    watch.saw(observed('nft'));
    for (let i = 0; i < 3; i += 1) {
      monitors.at(-1)?.onEnd({ missing: false, why: 'killed' });
      await clock.advance(8000);
    }
    expect(monitors.length).toBe(4);
    expect(told.filter((line) => line.startsWith('warn'))).toEqual([
      'warn nft monitor ended; changes by others are found by the check every 3 s',
    ]);
    // while none listens, the rules of nft are looked at as well
    expect(scopes.some(({ backends }) => backends.includes('nft'))).toBe(true);
    await clock.advance(60_000);
    expect(scopes.at(-1)?.backends).toEqual([]);
    expect(told).toContain('info nft monitor runs again');
  });

  it('that there is no nft is told once, and not tried again', async () => {
    const { clock, told, monitors, watch } = bench(0);
    watch.saw(observed('nft'));
    monitors[0]?.onEnd({ missing: true, why: 'spawn nft ENOENT' });
    await clock.advance(100_000);
    expect(monitors.length).toBe(1);
    expect(told).toEqual(['warn nft monitor ended; changes by others are found by the schedule']);
  });

  it('is not wanted where nft is not there', async () => {
    const { clock, monitors, scopes, watch } = bench();
    watch.saw(observed('legacy'));
    await clock.advance(4000);
    expect(monitors).toEqual([]);
    expect(scopes[0]).toEqual({ families: [4, 6], backends: ['legacy'] });
  });
});

describe('the cheap look', () => {
  it('asks for a pass where something is not what it was', async () => {
    const { clock, told, state, watch } = bench();
    watch.saw(observed('legacy'));
    await clock.advance(10_000);
    // the first has nothing to compare with
    expect(told.splice(0)).toEqual(['pull 3000']);
    state.fingerprint = 'b';
    await clock.advance(10_000);
    expect(told).toEqual(['pull 12000']);
  });

  it('the same damage again is a change again, for we wrote in between', async () => {
    const { clock, told, state, watch } = bench();
    watch.saw(observed('legacy'));
    await clock.advance(4000);
    state.fingerprint = 'damaged';
    await clock.advance(3000);
    watch.wrote();
    told.length = 0;
    await clock.advance(3000);
    expect(told).toEqual(['pull 9000']);
  });

  it('a look that fails asks once', async () => {
    const { clock, told, state, watch } = bench();
    state.fingerprint = '';
    watch.saw(observed('legacy'));
    await clock.advance(20_000);
    expect(told).toEqual(['pull 3000']);
  });

  it('can be switched off and on, and stops', async () => {
    const { clock, scopes, state, monitors, watch } = bench(0);
    watch.saw(observed('nft'));
    await clock.advance(30_000);
    expect(scopes).toEqual([]);
    state.interval = 1000;
    await clock.advance(10_000);
    expect(scopes.length).toBeGreaterThan(3);
    watch.stop();
    const { length } = scopes;
    monitors[0]?.onChange('gate');
    await clock.advance(10_000);
    expect([scopes.length, state.stopped]).toEqual([length, 1]);
  });
});
