import { describe, expect, it } from 'vitest';
import { DockerWatch } from '../../../src/daemon/watch.ts';
import { type DockerClient, DockerError, type EventWatcher } from '../../../src/reach/docker/client.ts';
import { FakeClock, settle } from './fake-clock.ts';

/** A Docker of which only the event stream is used; each opening waits for the test to end it. */
function streams(): {
  client: DockerClient;
  opened: number[];
  clock: FakeClock;
  end: (error?: Error) => Promise<void>;
  watcher: () => EventWatcher | undefined;
} {
  const clock = new FakeClock();
  const opened: number[] = [];
  let finish: ((error?: Error) => void) | undefined;
  let watcher: EventWatcher | undefined;
  const watch: DockerClient['watch'] = (given, signal) => {
    opened.push(clock.now());
    watcher = given;
    return new Promise((resolve, reject) => {
      finish = (error) => (error === undefined ? resolve() : reject(error));
      signal.addEventListener('abort', () => resolve());
    });
  };
  return {
    clock,
    opened,
    client: { watch } as DockerClient,
    watcher: () => watcher,
    end: async (error) => {
      finish?.(error);
      await settle();
    },
  };
}

describe('DockerWatch', () => {
  it('opens the stream again, with growing waits until it opens, and stops when told', async () => {
    const bench = streams();
    const told: string[] = [];
    const stopping = new AbortController();
    const watch = new DockerWatch({
      client: bench.client,
      clock: bench.clock,
      watcher: { onOpen: () => told.push('open'), onEvent: ({ action }) => told.push(action) },
      onDown: (error, lost) =>
        told.push(`${error === undefined ? 'ended' : 'broken'}${lost ? ', lost' : ''}`),
    });
    const watching = watch.run(stopping.signal);
    bench.watcher()?.onOpen();
    bench.watcher()?.onEvent({ type: 'container', action: 'start', id: 'a' });
    await bench.end();
    await bench.clock.advance(50);
    await bench.end(new DockerError('unreachable', 'no', {}));
    await bench.clock.advance(100);
    await bench.end(new DockerError('unreachable', 'no', {}));
    await bench.clock.advance(250);
    expect(bench.opened).toEqual([0, 50, 150, 400]);
    bench.watcher()?.onOpen();
    await bench.end();
    await bench.clock.advance(50);
    expect(bench.opened.at(-1)).toBe(450);
    stopping.abort();
    await watching;
    expect(told).toEqual(['open', 'start', 'ended', 'broken, lost', 'broken, lost', 'open', 'ended']);
  });

  it('opens a stream again that somebody has found dead, and says why', async () => {
    const bench = streams();
    const told: unknown[] = [];
    const stopping = new AbortController();
    const watch = new DockerWatch({
      client: bench.client,
      clock: bench.clock,
      watcher: { onOpen: () => told.push('open'), onEvent: () => {} },
      onDown: (error, lost) => told.push(error, lost),
    });
    const watching = watch.run(stopping.signal);
    bench.watcher()?.onOpen();
    const silent = new Error('silent');
    watch.reopen(silent);
    await settle();
    await bench.clock.advance(50);
    bench.watcher()?.onOpen();
    await bench.end();
    expect(told).toEqual(['open', silent, true, 'open', undefined, false]);
    expect(bench.opened).toEqual([0, 50]);
    stopping.abort();
    await watching;
  });
});
