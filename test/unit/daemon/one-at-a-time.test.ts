import { expect, it } from 'vitest';
import { OneAtATime } from '../../../src/reach/host/one-at-a-time.ts';
import { settle } from './fake-clock.ts';

it('begins within the call, never twice at once, and once more for all that is asked meanwhile', async () => {
  const ends: (() => void)[] = [];
  const work = new OneAtATime(() => new Promise<void>((resolve) => ends.push(resolve)));
  const first = work.ask();
  expect(ends).toHaveLength(1);
  let done = false;
  void Promise.all([work.ask(), work.ask()]).then(() => (done = true));
  await settle();
  expect(ends).toHaveLength(1);
  ends[0]?.();
  await settle();
  expect([ends.length, done]).toEqual([2, false]);
  ends[1]?.();
  await first;
  await work.idle();
  expect(ends).toHaveLength(2);
  void work.ask();
  expect(ends).toHaveLength(3);
});

it('a run that fails is told to who asked, and does not end it', async () => {
  let runs = 0;
  const work = new OneAtATime(async () => {
    runs += 1;
    if (runs === 1) throw new Error('no');
  });
  await expect(work.ask()).rejects.toThrow('no');
  await work.ask();
  expect(runs).toBe(2);
});
