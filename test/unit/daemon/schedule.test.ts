import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startSchedule } from '../../../src/daemon/schedule.ts';
import { createLog } from '../../../src/reach/log/log.ts';

beforeEach(() => {
  vi.useFakeTimers({
    now: new Date('2026-03-01T12:00:00.500Z'),
    toFake: ['Date', 'setTimeout', 'clearTimeout'],
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it('says in one line of ours that it was late, makes up for it with one call, and writes nothing else', async () => {
  const foreign: unknown[] = [];
  for (const how of ['log', 'info', 'warn', 'error', 'debug'] as const)
    vi.spyOn(console, how).mockImplementation((...said) => void foreign.push(said));
  vi.spyOn(process.stdout, 'write').mockImplementation((said) => foreign.push(said) > 0);
  const lines: string[] = [];
  const log = createLog({ logLevel: 'debug', logFormat: 'json' }, {}, { write: (text) => lines.push(text) });
  let runs = 0;
  const task = startSchedule('*/10 * * * * *', () => (runs += 1), log);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(runs).toBe(1);
  // as after half a minute in which nothing could run
  vi.setSystemTime(new Date('2026-03-01T12:00:45Z'));
  await vi.advanceTimersByTimeAsync(10_000);
  vi.useRealTimers();
  await sleep(0);
  await task.destroy();
  expect(foreign).toEqual([]);
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
    { level: 40, msg: 'the schedule is late: this process was busy, or the machine slept' },
  ]);
  expect(runs).toBe(2);
});
