import { type LiveSource, type SourceKey, sourceKey } from '../../decide/policy/config.ts';
import type { Answers } from '../../decide/policy/model.ts';
import { Follower, type FollowerParts, type Memory } from './follower.ts';
import type { SourceAnswers } from './model.ts';
import type { LastGood, SourceReport } from './model.ts';

export interface SourcesParts extends Omit<FollowerParts, 'memory' | 'onMemoryFailure'> {
  readonly memory: Memory & {
    prune(inUse: Iterable<SourceKey>, now: number): Promise<void>;
  };
  /** Where answers are kept, as people call it. */
  readonly folder: string;
  /** What an earlier process knew. */
  readonly restored: ReadonlyMap<SourceKey, LastGood>;
}

/** What a source meant is remembered for so long after the last container that names it has gone, ms. */
const forgetAfter = 600_000;
const pruneEach = 24 * 3_600_000;

/**
 * What live sources mean now. Those in use are kept fresh; of those that are new, what an earlier process knew counts until they
 * answer. `answers()` never waits.
 */
export class Sources implements SourceAnswers {
  private readonly parts: SourcesParts;
  private readonly followers = new Map<SourceKey, Follower>();
  private readonly forgetting = new Map<SourceKey, () => void>();
  private restored: ReadonlyMap<SourceKey, LastGood>;
  private wanted: readonly SourceKey[] = [];
  private known: Answers | undefined;
  private memoryFailed = false;
  private prunedAt = Number.NEGATIVE_INFINITY;
  private stopped = false;

  constructor(parts: SourcesParts) {
    this.parts = parts;
    this.restored = parts.restored;
  }

  answers(): Answers {
    this.known ??= this.gather();
    return this.known;
  }

  want(sources: readonly LiveSource[]): void {
    if (this.stopped) return;
    this.wanted = sources.map(sourceKey);
    for (const source of sources) this.follower(source).follow(source);
    const wanted = new Set(this.wanted);
    for (const [key, follower] of this.followers) {
      if (!wanted.has(key) && !this.forgetting.has(key)) this.leave(key, follower);
    }
    // Others are in the state folder, should they be wanted again.
    if (this.restored.size > 0) {
      this.restored = new Map();
      this.known = undefined;
    }
    this.prune();
  }

  /** Looks at every source in use, now. */
  refresh(): void {
    for (const follower of this.followers.values()) follower.look();
  }

  /** How each source in use is, sorted by key. */
  report(): readonly SourceReport[] {
    return this.wanted.flatMap((key) => this.followers.get(key)?.report() ?? []);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    for (const cancel of this.forgetting.values()) cancel();
    await Promise.all(Array.from(this.followers.values(), async (follower) => follower.stop()));
  }

  private follower(source: LiveSource): Follower {
    const key = sourceKey(source);
    this.forgetting.get(key)?.();
    this.forgetting.delete(key);
    const known = this.followers.get(key);
    if (known !== undefined) return known;
    const made = new Follower(
      {
        ...this.parts,
        onChange: (changed, networks) => {
          this.known = undefined;
          this.parts.onChange(changed, networks);
        },
        onMemoryFailure: (error) => this.memoryFailure(error),
      },
      source,
      this.restored.get(key),
    );
    this.followers.set(key, made);
    return made;
  }

  /** A container that is made anew names it again in a moment. */
  private leave(key: SourceKey, follower: Follower): void {
    void follower.stop();
    const forget = (): void => {
      this.forgetting.delete(key);
      this.followers.delete(key);
      this.known = undefined;
    };
    this.forgetting.set(key, this.parts.clock.after(forgetAfter, forget));
  }

  private gather(): Answers {
    const now = Array.from(this.followers, ([key, { last }]) => [key, last] as const);
    return new Map(
      [...this.restored, ...now].flatMap(([key, last]) =>
        last === undefined ? [] : [[key, last.networks] as const],
      ),
    );
  }

  private memoryFailure(error: unknown): void {
    if (this.memoryFailed) return;
    this.memoryFailed = true;
    this.parts.log.warn(
      { error: error instanceof Error ? error.message : String(error) },
      `answers cannot be kept in ${this.parts.folder}: after a restart, names and lists stand for nobody until they answer; mount a volume there`,
    );
  }

  private prune(): void {
    const now = this.parts.wallNow();
    if (now - this.prunedAt < pruneEach) return;
    this.prunedAt = now;
    void this.parts.memory.prune(this.followers.keys(), now);
  }
}
