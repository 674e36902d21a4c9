import type { ObservedSet } from '../decide/diff/model.ts';
import { observingNote } from '../decide/report/observing-note.ts';
import { observingFor } from '../decide/wall/observing.ts';
import type { Log } from '../reach/log/model.ts';

/** Says in the log and in `health` that the walls only look, and when that is over. */
export class ObservingReport {
  private readonly log: Log;
  /** Milliseconds since 1970; 0: the walls are closed. */
  private until = 0;

  constructor(log: Log) {
    this.log = log;
  }

  /** Call at each look at the kernel. */
  saw(sets: readonly ObservedSet[], now: number): void {
    const seconds = observingFor(sets);
    const before = this.until;
    this.until = seconds === 0 ? 0 : now + seconds * 1000;
    // the kernel counts in whole seconds, and a look takes a moment
    const same = before !== 0 && this.until !== 0 && Math.abs(before - this.until) < 60_000;
    if (same) this.until = before;
    else if (this.until !== 0) this.log.warn({}, observingNote(sets, now) ?? '');
    else if (before !== 0) this.log.info({}, 'the time to observe is over: the walls are closed');
  }

  health(now: number): { readonly observing?: string } {
    return this.until > now ? { observing: new Date(this.until).toISOString() } : {};
  }
}
