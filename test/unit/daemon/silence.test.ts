import { describe, expect, it } from 'vitest';
import { StreamWatchdog } from '../../../src/daemon/stream-watchdog.ts';
import type { Snapshot } from '../../../src/decide/inventory/docker-json.ts';
import { FakeClock } from './fake-clock.ts';

/** `a` runs, `-b` does not, `net:c` is a network. */
function snapshot(...names: readonly string[]): Snapshot {
  const containers = names.filter((name) => !name.startsWith('net:'));
  const networks = names.filter((name) => name.startsWith('net:'));
  return {
    containers: containers.map((name) => ({
      Id: name.replace('-', ''),
      State: name.startsWith('-') ? 'exited' : 'running',
    })),
    networks: networks.map((Id) => ({ Id, Name: Id, Driver: 'bridge' })),
    details: new Map(),
  };
}

describe('Silence', () => {
  const minute = 60_000;

  /** Opens a stream, sees `before`, waits a minute, plays, and sees `after`; how often the stream was found dead in a minute. */
  async function found(
    before: Snapshot,
    after: Snapshot,
    around: (streamWatchdog: StreamWatchdog, clock: FakeClock, look: () => void) => Promise<void> | void,
  ): Promise<number> {
    const clock = new FakeClock();
    let times = 0;
    const streamWatchdog = new StreamWatchdog(clock, () => (times += 1));
    streamWatchdog.heard();
    await clock.advance(minute);
    streamWatchdog.listed(before);
    await clock.advance(minute);
    await around(streamWatchdog, clock, () => streamWatchdog.listed(after));
    await clock.advance(minute);
    return times;
  }

  const untold = (_silence: StreamWatchdog, _clock: FakeClock, look: () => void): void => look();

  it.each([
    ['a container that came', snapshot('a'), snapshot('a', 'b')],
    ['a container that went', snapshot('a', 'b'), snapshot('a')],
    ['a container that ended', snapshot('a'), snapshot('-a')],
    ['a network that came', snapshot('a'), snapshot('a', 'net:n')],
  ])('%s and no event: the stream is dead', async (_, before, after) => {
    expect(await found(before, after, untold)).toBe(1);
  });

  it('nothing changed: silence is right', async () => {
    expect(await found(snapshot('a', 'b'), snapshot('b', 'a'), untold)).toBe(0);
  });

  it('an event told it, before the list or just after it', async () => {
    const [before, after] = [snapshot('a'), snapshot('a', 'b')];
    const told = async (
      streamWatchdog: StreamWatchdog,
      clock: FakeClock,
      look: () => void,
    ): Promise<void> => {
      streamWatchdog.heard();
      await clock.advance(500);
      look();
    };
    const late = async (
      streamWatchdog: StreamWatchdog,
      clock: FakeClock,
      look: () => void,
    ): Promise<void> => {
      look();
      await clock.advance(1000);
      streamWatchdog.heard();
    };
    expect(await found(before, after, told)).toBe(0);
    expect(await found(before, after, late)).toBe(0);
  });

  it('the list showed late what an event had told before the last look', async () => {
    const clock = new FakeClock();
    let times = 0;
    const streamWatchdog = new StreamWatchdog(clock, () => (times += 1));
    streamWatchdog.heard();
    streamWatchdog.listed(snapshot('a'));
    await clock.advance(30_000);
    streamWatchdog.listed(snapshot('-a'));
    await clock.advance(minute);
    expect(times).toBe(0);
  });

  it('once for each stream, and not when stopped', async () => {
    const clock = new FakeClock();
    let times = 0;
    const streamWatchdog = new StreamWatchdog(clock, () => (times += 1));
    streamWatchdog.heard();
    for (let i = 0; i < 10; i += 1) {
      await clock.advance(100);
      streamWatchdog.listed(snapshot('a', `b${i}`));
    }
    await clock.advance(minute);
    expect(times).toBe(0);
    streamWatchdog.listed(snapshot('c'));
    streamWatchdog.listed(snapshot('d'));
    await clock.advance(minute);
    expect(times).toBe(1);
    streamWatchdog.listed(snapshot('e'));
    streamWatchdog.stop();
    await clock.advance(minute);
    expect(times).toBe(1);
  });
});
