import type { DockerClient, EventWatcher } from '../reach/docker/client.ts';
import type { Clock } from '../reach/host/clock.ts';

export interface WatchParts {
  readonly client: DockerClient;
  readonly clock: Clock;
  readonly watcher: EventWatcher;
  /**
   * The stream has ended or could not be opened; `error` is undefined for a plain end (engine stopped). `lost` is false for one that was
   * open: that is opened again at once, and a proxy that cuts quiet streams (haproxy, after 10 minutes) ends one again and again.
   */
  readonly onDown: (error: unknown, lost: boolean) => void;
}

/** Waits before opening the stream again, ms; the last one repeats. */
const reopenDelays = [50, 100, 250, 500, 1000, 2000];

/**
 * Keeps Docker's event stream open. A stream that ends is opened again after a wait that grows while Docker does
 * not answer; one that is open and says nothing is for somebody else to notice (see silence.ts).
 */
export class DockerWatch {
  private readonly parts: WatchParts;
  private stream = new AbortController();
  private why: Error | undefined;

  constructor(parts: WatchParts) {
    this.parts = parts;
  }

  /** Ends the stream as if Docker had, for this reason. */
  reopen(why: Error): void {
    this.why = why;
    this.stream.abort(why);
  }

  /** Resolves when `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    let attempts = 0;
    let opened = false;
    const onOpen = (): void => {
      attempts = 0;
      opened = true;
      this.parts.watcher.onOpen();
    };
    while (!signal.aborted) {
      opened = false;
      const error = await this.follow(onOpen, signal);
      if (signal.aborted) return;
      this.parts.onDown(error, !opened || this.why !== undefined);
      attempts += 1;
      await this.pause(reopenDelays[Math.min(attempts, reopenDelays.length) - 1] ?? 0, signal);
    }
  }

  /** One stream from its opening to its end; gives what it broke with. */
  private async follow(onOpen: () => void, signal: AbortSignal): Promise<unknown> {
    this.stream = new AbortController();
    this.why = undefined;
    try {
      const either = AbortSignal.any([signal, this.stream.signal]);
      await this.parts.client.watch({ ...this.parts.watcher, onOpen }, either);
      return this.why;
    } catch (error) {
      return this.why ?? error;
    }
  }

  private pause(delay: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.parts.clock.after(delay, resolve);
      const stop = (): void => {
        cancel();
        resolve();
      };
      signal.addEventListener('abort', stop, { once: true });
    });
  }
}
