import type { Clock } from './clock.ts';

export interface TriggerOptions {
  /** Least time between the starts of two passes, ms. The first after a quiet time starts at once. */
  readonly minInterval: number;
  /**
   * So many passes may follow each other at {@link minInterval}: enough for a stack that comes up. In a storm that goes on
   * (a container that crashes for ever) there is one each `sustainedInterval`; a quiet time gives back one for each.
   */
  readonly burst: number;
  readonly sustainedInterval: number;
  /** Waits after the first, second, ... failed pass in a row, ms; the last one repeats. */
  readonly retryDelays: readonly number[];
  readonly clock: Clock;
}

/** What is wanted: all of a pass, or only a look whether what the last one left still stands. */
export type Wanted = 'pass' | 'check';

/**
 * One pass at a time. Invariants:
 * - `pass` never runs twice at once;
 * - whatever was true when {@link pull} was called is seen by a pass that starts at or after that moment;
 * - any number of pulls while a pass runs cost one more pass;
 * - a failed pass is run again after a wait, at the latest;
 * - a check is asked for where nothing but {@link check} was called.
 */
export class Trigger {
  private readonly pass: (wanted: Wanted) => Promise<void>;
  private readonly options: TriggerOptions;
  private running = false;
  private wanted: Wanted | undefined;
  private stopped = false;
  private failures = 0;
  private lastStart = Number.NEGATIVE_INFINITY;
  /** Passes that may start before there is one each `sustainedInterval`, as of the last start. */
  private credit: number;
  private cancelTimer: (() => void) | undefined;
  private idle: (() => void)[] = [];

  /** @param pass one pass; a rejection counts as a failure and is otherwise the caller's to report. */
  constructor(pass: (wanted: Wanted) => Promise<void>, options: TriggerOptions) {
    this.pass = pass;
    this.options = options;
    this.credit = options.burst;
  }

  /** Asks for a pass, soon. */
  pull(): void {
    this.want('pass');
  }

  /** Asks for a look, soon. */
  check(): void {
    this.want(this.wanted ?? 'check');
  }

  /** No further pass starts; resolves when the running one is done. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.cancelTimer?.();
    if (!this.running) return;
    await new Promise<void>((resolve) => this.idle.push(resolve));
  }

  private want(wanted: Wanted): void {
    if (this.stopped) return;
    this.wanted = wanted;
    if (!this.running) this.schedule(0);
  }

  private schedule(delay: number): void {
    const sinceLast = this.options.clock.now() - this.lastStart;
    const wait = Math.max(delay, this.interval() - sinceLast, 0);
    this.cancelTimer?.();
    if (wait === 0) {
      this.cancelTimer = undefined;
      void this.run();
      return;
    }
    this.cancelTimer = this.options.clock.after(wait, () => void this.run());
  }

  private async run(): Promise<void> {
    if (this.stopped || this.running) return;
    this.running = true;
    // A check cannot stand for the pass that failed before it.
    const wanted = this.failures > 0 ? 'pass' : (this.wanted ?? 'pass');
    this.wanted = undefined;
    this.spend(wanted === 'pass' ? 1 : 0);
    let failed = false;
    try {
      await this.pass(wanted);
      this.failures = 0;
    } catch {
      failed = true;
      this.failures += 1;
    }
    this.running = false;
    for (const resolve of this.idle.splice(0)) resolve();
    if (this.stopped) return;
    // A pull during a failing pass does not shorten the wait: an event storm must not become a retry storm.
    if (failed) this.schedule(this.retryDelay());
    else if (this.wanted !== undefined) this.schedule(0);
  }

  /** From the last start to the next. A check is cheap, and not the storm's doing. */
  private interval(): number {
    const { minInterval, sustainedInterval } = this.options;
    if (this.wanted === 'check') return minInterval;
    return Math.max(minInterval, (1 - this.credit) * sustainedInterval);
  }

  private spend(passes: number): void {
    const { burst, sustainedInterval, clock } = this.options;
    const now = clock.now();
    this.credit = Math.min(burst, this.credit + (now - this.lastStart) / sustainedInterval) - passes;
    this.lastStart = now;
  }

  private retryDelay(): number {
    const { retryDelays } = this.options;
    return retryDelays[Math.min(this.failures, retryDelays.length) - 1] ?? 0;
  }
}
