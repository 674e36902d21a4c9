import { changeOf, type ListChange } from '../../decide/net/list-change.ts';
import type { Cidr } from '../../decide/net/network.ts';
import { type LiveSource, type SourceKey, sourceKey, sourceName } from '../../decide/policy/config.ts';
import type { Clock } from '../host/clock.ts';
import { OneAtATime } from '../host/one-at-a-time.ts';
import type { Log } from '../log/model.ts';
import { countByFamily, type LastGood, type ReadSource, type Reading, type SourceReport } from './model.ts';

/** Where answers are kept for the next process. */
export interface Memory {
  read(key: SourceKey): Promise<LastGood | undefined>;
  write(key: SourceKey, last: LastGood): Promise<void>;
}

export interface FollowerParts {
  readonly read: ReadSource;
  readonly memory: Memory;
  readonly clock: Clock;
  /** Milliseconds since 1970. */
  readonly wallNow: () => number;
  readonly log: Log;
  /** Calls back when a source has changed that can be watched; the result ends it. */
  readonly watch: (source: LiveSource, onChange: () => void) => () => void;
  /** What a source means has changed. */
  readonly onChange: (key: SourceKey, networks: readonly Cidr[]) => void;
  readonly onMemoryFailure: (error: unknown) => void;
}

/** Waits after the first, second, ... failure in a row, ms; the last one repeats. Name servers are near, and meant to be asked. */
const retries: Readonly<Record<LiveSource['kind'], readonly number[]>> = {
  name: [1000, 2000, 5000, 10_000, 30_000],
  url: [10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000],
  file: [30_000],
};

/** An answer that does not change is written down again after this time, for its age, ms. */
const rewriteAfter = 3_600_000;

/**
 * Keeps what one source means: looks when the last answer has run out, again and again where it fails, and when it is told
 * that the source has changed. One look at a time. Nothing is taken away but by an answer.
 */
export class Follower {
  private readonly parts: FollowerParts;
  private readonly key: SourceKey;
  private source: LiveSource;
  private good: LastGood | undefined;
  private writtenAt = Number.NEGATIVE_INFINITY;
  private failures = 0;
  private lastError: string | undefined;
  private due: number | undefined;
  private cancelTimer: (() => void) | undefined;
  private endWatch: (() => void) | undefined;
  private stopping = new AbortController();
  private readonly looks = new OneAtATime(() => this.lookNow(this.stopping.signal));

  constructor(parts: FollowerParts, source: LiveSource, last: LastGood | undefined) {
    this.parts = parts;
    this.source = source;
    this.key = sourceKey(source);
    this.good = last;
  }

  get last(): LastGood | undefined {
    return this.good;
  }

  /** Looks now, and from now on. With the same source under other options they count from now. */
  follow(source: LiveSource = this.source): void {
    const same = JSON.stringify(source) === JSON.stringify(this.source);
    if (same && this.endWatch !== undefined) return;
    this.source = source;
    if (this.endWatch === undefined) {
      this.stopping = new AbortController();
      this.endWatch = this.parts.watch(source, () => this.look());
    }
    this.look();
  }

  /** Looks now, or when the look that is under way has ended. */
  look(): void {
    if (this.endWatch !== undefined) void this.looks.ask();
  }

  /** Looks no more; what was known stays known. Resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.endWatch?.();
    this.endWatch = undefined;
    this.cancelTimer?.();
    this.stopping.abort();
    await this.looks.idle();
  }

  report(): SourceReport {
    const { key, source, good, lastError, failures, due } = this;
    const networks = good?.networks ?? [];
    return {
      key,
      source,
      name: sourceName(source),
      networks: networks.length,
      byFamily: countByFamily(networks),
      age: good && Math.max(0, this.parts.wallNow() - good.at),
      lastError,
      failures,
      nextRefresh: due === undefined ? undefined : Math.max(0, due - this.parts.clock.now()),
    };
  }

  private async lookNow(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    this.cancelTimer?.();
    this.due = undefined;
    if (this.good === undefined) {
      const kept = await this.parts.memory.read(this.key);
      if (signal.aborted) return;
      if (kept !== undefined) this.take(kept);
    }
    const reading = await this.parts.read(this.source, this.good, signal).catch(asFailure);
    if (signal.aborted) return;
    const trouble = this.judge(reading);
    this.note(trouble);
    this.schedule(reading.kind === 'answer' ? reading.holds : undefined);
    await this.keep();
  }

  /** Takes over what was read; gives what is wrong with it. */
  private judge(reading: Reading): string | undefined {
    const at = this.parts.wallNow();
    switch (reading.kind) {
      case 'failed':
        return reading.reason;
      case 'unchanged':
        if (this.good !== undefined) this.good = { ...this.good, at };
        return undefined;
      case 'answer':
        this.take({ networks: reading.networks, at, validators: reading.validators });
        return reading.trouble;
    }
  }

  private take(next: LastGood): void {
    const before = this.good;
    const change = changeOf(before?.networks ?? [], next.networks) ?? everything(before, next);
    if (before !== undefined && change.added.length + change.removed.length === 0) {
      // The very list: what is made of it is told to be unchanged by identity.
      this.good = { ...next, networks: before.networks };
      return;
    }
    this.good = next;
    this.writtenAt = Number.NEGATIVE_INFINITY;
    const { source, key } = this;
    this.parts.log.info(
      {
        source: sourceName(source),
        networks: next.networks.length,
        added: shorten(change.added),
        removed: shorten(change.removed),
      },
      `${before === undefined ? 'a source is known' : 'a source has changed'}: ${sourceName(source)}`,
    );
    this.parts.onChange(key, next.networks);
  }

  /** Tells people once, and when it is over. */
  private note(trouble: string | undefined): void {
    const name = sourceName(this.source);
    const fields = { source: name };
    if (trouble === undefined) {
      if (this.failures > 0)
        this.parts.log.info({ ...fields, failures: this.failures }, `a source answers again: ${name}`);
      this.failures = 0;
    } else {
      this.failures += 1;
      const consequence =
        this.good === undefined
          ? 'it stands for nobody until it answers'
          : 'what it last meant stays in force';
      const level = this.failures === 1 ? 'warn' : 'debug';
      this.parts.log[level](
        { ...fields, reason: trouble, failures: this.failures },
        `a source fails: ${name}: ${trouble}; ${consequence}`,
      );
    }
    this.lastError = trouble;
  }

  private schedule(holds: number | undefined): void {
    const { source, failures } = this;
    const waits = retries[source.kind];
    const retry = failures > 0 ? waits[Math.min(failures, waits.length) - 1] : undefined;
    const usual = source.kind === 'url' ? source.refresh : holds;
    const delay = Math.min(retry ?? Number.POSITIVE_INFINITY, usual ?? Number.POSITIVE_INFINITY);
    // A file that can be read is looked at again when it changes.
    if (!Number.isFinite(delay)) return;
    this.due = this.parts.clock.now() + delay;
    this.cancelTimer = this.parts.clock.after(delay, () => this.look());
  }

  private async keep(): Promise<void> {
    const { good } = this;
    if (good === undefined || good.at - this.writtenAt < rewriteAfter) return;
    try {
      await this.parts.memory.write(this.key, good);
      this.writtenAt = good.at;
    } catch (error) {
      this.parts.onMemoryFailure(error);
    }
  }
}

/** How many networks of a change are written out in the log. */
const shown = 10;

/** Of lists that are not merged, as no reader of sources gives them. */
function everything(before: LastGood | undefined, next: LastGood): ListChange {
  return { added: next.networks, removed: before?.networks ?? [] };
}

function shorten(networks: readonly Cidr[]): readonly string[] {
  const more = networks.length - shown;
  return more > 0 ? [...networks.slice(0, shown), `and ${more} more`] : networks;
}

function asFailure(error: unknown): Reading {
  return { kind: 'failed', reason: error instanceof Error ? error.message : String(error) };
}
