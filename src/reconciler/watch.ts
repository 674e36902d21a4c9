import type { DockerClient, EventWatcher } from '../docker/client.ts';
import type { Clock } from './clock.ts';

export interface WatchParts {
  readonly client: DockerClient;
  readonly clock: Clock;
  readonly watcher: EventWatcher;
  /** The stream has ended or could not be opened; `error` is undefined for a plain end (engine stopped). */
  readonly onDown: (error: unknown) => void;
}

/** Waits before opening the stream again, ms; the last one repeats. */
const reopenDelays = [50, 100, 250, 500, 1000, 2000];

/**
 * Keeps Docker's event stream open until `signal` aborts. Resolves then. A stream that ends is opened again after a
 * wait that grows while Docker does not answer.
 */
export async function watchDocker(parts: WatchParts, signal: AbortSignal): Promise<void> {
  let attempts = 0;
  const onOpen = (): void => {
    attempts = 0;
    parts.watcher.onOpen();
  };
  while (!signal.aborted) {
    try {
      await parts.client.watch({ ...parts.watcher, onOpen }, signal);
      if (signal.aborted) return;
      parts.onDown(undefined);
    } catch (error) {
      if (signal.aborted) return;
      parts.onDown(error);
    }
    attempts += 1;
    const delay = reopenDelays[Math.min(attempts, reopenDelays.length) - 1] ?? 0;
    await new Promise<void>((resolve) => {
      const cancel = parts.clock.after(delay, resolve);
      signal.addEventListener(
        'abort',
        () => {
          cancel();
          resolve();
        },
        { once: true },
      );
    });
  }
}
