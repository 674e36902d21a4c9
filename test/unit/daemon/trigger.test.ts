import { describe, expect, it } from 'vitest';
import { Trigger, type Wanted } from '../../../src/daemon/trigger.ts';
import { FakeClock, settle } from './fake-clock.ts';

interface Bench {
  readonly clock: FakeClock;
  readonly trigger: Trigger;
  readonly starts: number[];
  readonly kinds: Wanted[];
  readonly finish: (outcome?: Error) => Promise<void>;
  running(): number;
}

function bench(limits = { burst: 1000, sustainedInterval: 0 }): Bench {
  const clock = new FakeClock();
  const starts: number[] = [];
  const open: ((outcome?: Error) => void)[] = [];
  const kinds: Wanted[] = [];
  const pass = (wanted: Wanted): Promise<void> => {
    starts.push(clock.now());
    kinds.push(wanted);
    return new Promise((resolve, reject) => {
      open.push((outcome) => (outcome === undefined ? resolve() : reject(outcome)));
    });
  };
  const trigger = new Trigger(pass, { minInterval: 100, ...limits, retryDelays: [200, 400], clock });
  return {
    clock,
    trigger,
    starts,
    kinds,
    running: () => open.length,
    finish: async (outcome) => {
      open.shift()?.(outcome);
      await settle();
    },
  };
}

describe('Trigger', () => {
  it('starts the first pass at once', () => {
    const { trigger, starts } = bench();
    trigger.pull();
    expect(starts).toEqual([0]);
  });

  it('never runs two passes at once; many pulls meanwhile are one more pass', async () => {
    const { clock, trigger, starts, finish, running } = bench();
    trigger.pull();
    for (let i = 0; i < 1000; i += 1) trigger.pull();
    await clock.advance(500);
    expect(running()).toBe(1);
    await finish();
    await clock.advance(0);
    expect(starts).toEqual([0, 500]);
    await finish();
    await clock.advance(1000);
    expect(starts).toEqual([0, 500]);
  });

  it('checks at once, also while a pass is not due yet, and never instead of one', async () => {
    const { clock, trigger, starts, kinds, finish } = bench();
    trigger.pull();
    await finish();
    trigger.pull();
    trigger.check();
    expect(kinds).toEqual(['pass', 'check']);
    await finish();
    await clock.advance(100);
    expect(kinds).toEqual(['pass', 'check', 'pass']);
    await finish(new Error('no'));
    // a check neither shortens the wait of a failed pass nor takes its place
    trigger.check();
    await finish();
    expect(kinds.slice(3)).toEqual(['check']);
    await clock.advance(200);
    expect(kinds.slice(3)).toEqual(['check', 'pass']);
    expect(starts.at(-1)).toBe(300);
    trigger.check();
    await finish();
    expect(kinds.slice(5)).toEqual(['check']);
  });

  it('keeps the least interval between starts', async () => {
    const { clock, trigger, starts, finish } = bench();
    trigger.pull();
    await finish();
    await clock.advance(10);
    trigger.pull();
    trigger.pull();
    await clock.advance(500);
    expect(starts).toEqual([0, 100]);
  });

  it('tries a failed pass again with growing waits, and starts over after a success', async () => {
    const { clock, trigger, starts, finish } = bench();
    trigger.pull();
    await finish(new Error('1'));
    await clock.advance(200);
    await finish(new Error('2'));
    await clock.advance(400);
    await finish(new Error('3'));
    await clock.advance(400);
    await finish();
    await clock.advance(5000);
    expect(starts).toEqual([0, 200, 600, 1000]);
    trigger.pull();
    await finish(new Error('again'));
    await clock.advance(200);
    expect(starts).toEqual([0, 200, 600, 1000, 6000, 6200]);
  });

  it('stops: waits for the running pass, starts no other', async () => {
    const { clock, trigger, starts, finish } = bench();
    trigger.pull();
    trigger.pull();
    let stopped = false;
    void trigger.stop().then(() => {
      stopped = true;
    });
    await settle();
    expect(stopped).toBe(false);
    await finish();
    expect(stopped).toBe(true);
    trigger.pull();
    await clock.advance(5000);
    expect(starts).toEqual([0]);
  });

  it('slows down in a storm that goes on, answers the first pull after a quiet time at once, and never forgets one', async () => {
    const { clock, trigger, starts, finish } = bench({ burst: 5, sustainedInterval: 1000 });
    const storm = async (seconds: number): Promise<void> => {
      for (let i = 0; i < seconds * 100; i += 1) {
        trigger.pull();
        await clock.advance(10);
        await finish();
      }
    };
    await storm(20);
    expect(starts.slice(0, 5)).toEqual([0, 100, 200, 300, 400]);
    // one a second from then on, and one for each second of the beginning
    expect(starts.length).toBeLessThanOrEqual(5 + 20);
    expect(starts.length).toBeGreaterThanOrEqual(20);
    const gaps = starts.slice(6).map((at, index) => at - (starts[index + 5] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(1010);
    const pulled = clock.now();
    trigger.pull();
    await clock.advance(1000);
    await finish();
    // what was pulled last is seen
    expect(starts.at(-1)).toBeGreaterThanOrEqual(pulled);
    await clock.advance(10_000);
    trigger.pull();
    expect(starts.at(-1)).toBe(clock.now());
    await finish();
    for (let i = 0; i < 4; i += 1) {
      trigger.pull();
      await clock.advance(100);
      await finish();
    }
    expect(starts.slice(-5).map((at) => at - (starts.at(-5) ?? 0))).toEqual([0, 100, 200, 300, 400]);
  });

  it('does what is urgent in a storm as well', async () => {
    const { clock, trigger, starts, finish } = bench({ burst: 2, sustainedInterval: 1000 });
    const pulls = async (how: 'soon' | 'urgent', ms: number): Promise<void> => {
      trigger.pull(how);
      await clock.advance(ms);
      await finish();
    };
    for (let i = 0; i < 4; i += 1) await pulls('soon', 100);
    expect(starts).toEqual([0, 100]);
    await pulls('urgent', 0);
    await pulls('urgent', 100);
    expect(starts).toEqual([0, 100, 400, 500]);
    // and then it is as before
    await pulls('soon', 900);
    expect(starts).toHaveLength(4);
    await pulls('soon', 100);
    expect(starts).toEqual([0, 100, 400, 500, 1500]);
  });
});
