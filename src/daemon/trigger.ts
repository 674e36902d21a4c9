import type { Clock } from '../reach/host/clock.ts';

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

/** All of a pass, or only a look whether what the last one left still stands. */
export type Wanted = 'pass' | 'check';

/**
 * One pass or check at a time. Invariants:
 * - `run` never runs twice at once;
 * - whatever was true when {@link pull} was called is seen by a pass that starts at or after that moment, and the same of
 *   {@link check} and a check or pass;
 * - any number of pulls while a pass runs cost one more pass;
 * - a failed pass is run again after a wait, at the latest; a check waits for nothing but what is running.
 */
export class Trigger {
  private readonly runs: (wanted: Wanted) => Promise<void>;
  private readonly options: TriggerOptions;
  private running = false;
  private wantsPass = false;
  private wantsCheck = false;
  private urgent = false;
  private stopped = false;
  private failures = 0;
  private lastPass = Number.NEGATIVE_INFINITY;
  /** Passes that may start before there is one each `sustainedInterval`, as of the last start. */
  private credit: number;
  private retryAt = Number.NEGATIVE_INFINITY;
  private cancelTimer: (() => void) | undefined;
  private idle: (() => void)[] = [];

  /** @param runs one pass or check; a rejection counts as a failure and is otherwise the caller's to report. */
  constructor(runs: (wanted: Wanted) => Promise<void>, options: TriggerOptions) {
    this.runs = runs;
    this.options = options;
    this.credit = options.burst;
  }

  /** Asks for a pass, soon; `urgent`: also where so many were asked for that there is one each `sustainedInterval`. */
  pull(how: 'soon' | 'urgent' = 'soon'): void {
    this.wantsPass = true;
    this.urgent ||= how === 'urgent';
    if (!this.running) this.retryAt = Number.NEGATIVE_INFINITY;
    this.next();
  }

  /** Asks for a look, now; a caller has to see to it that it is not asked for all the time. */
  check(): void {
    this.wantsCheck = true;
    this.next();
  }

  /** No further pass starts; resolves when the running one is done. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.cancelTimer?.();
    if (!this.running) return;
    await new Promise<void>((resolve) => this.idle.push(resolve));
  }

  private next(): void {
    if (this.stopped || this.running) return;
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    const due = Math.max(this.retryAt, this.lastPass + this.interval());
    const wait = due - this.options.clock.now();
    if (this.wantsPass && wait <= 0) void this.run('pass');
    else if (this.wantsCheck) void this.run('check');
    else if (this.wantsPass) this.cancelTimer = this.options.clock.after(wait, () => this.next());
  }

  private async run(wanted: Wanted): Promise<void> {
    this.running = true;
    this.wantsCheck = false;
    if (wanted === 'pass') {
      this.wantsPass = false;
      this.urgent = false;
      this.spend();
    }
    try {
      await this.runs(wanted);
      if (wanted === 'pass') this.failures = 0;
    } catch {
      this.failures += 1;
      this.wantsPass = true;
      // A pull during a failing pass does not shorten the wait: an event storm must not become a retry storm.
      this.retryAt = this.options.clock.now() + this.retryDelay();
    }
    this.running = false;
    for (const resolve of this.idle.splice(0)) resolve();
    this.next();
  }

  /** From the last pass to the next. */
  private interval(): number {
    const { minInterval, sustainedInterval } = this.options;
    if (this.urgent) return minInterval;
    return Math.max(minInterval, (1 - this.credit) * sustainedInterval);
  }

  private spend(): void {
    const { burst, sustainedInterval, clock } = this.options;
    const now = clock.now();
    const earned = (now - this.lastPass) / sustainedInterval;
    // what was urgent may have left nothing to spend
    this.credit = Math.max(0, Math.min(burst, this.credit + earned) - 1);
    this.lastPass = now;
  }

  private retryDelay(): number {
    const { retryDelays } = this.options;
    return retryDelays[Math.min(this.failures, retryDelays.length) - 1] ?? 0;
  }
}
