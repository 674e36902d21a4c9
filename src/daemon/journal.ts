import type { Drift, Hook } from '../decide/diff/drift.ts';
import type { HookHistory } from '../decide/report/daemon-report.ts';
import { isoDate } from '../decide/report/text.ts';
import type { PassObserver } from './observer.ts';

interface Fate {
  readonly hook: Hook;
  since: number;
  repaired: number;
}

/** What the running daemon remembers of itself, for `status`. */
export class Journal implements Pick<PassObserver, 'passed' | 'drifted'> {
  readonly startedAt: number;
  private readonly date: () => number;
  private readonly fates = new Map<string, Fate>();
  private lastPassAt: number | undefined;

  /** @param date milliseconds since 1970, as people count. */
  constructor(date: () => number) {
    this.date = date;
    this.startedAt = date();
  }

  passed(): void {
    this.lastPassAt = this.date();
  }

  drifted(drifts: readonly Drift[]): void {
    for (const { hook } of drifts) {
      if (hook === undefined) continue;
      const key = `${hook.family} ${hook.chain}`;
      const fate = this.fates.get(key) ?? { hook, since: 0, repaired: 0 };
      fate.since = this.date();
      fate.repaired += 1;
      this.fates.set(key, fate);
    }
  }

  /** When the last pass succeeded, ISO 8601. */
  get lastPass(): string | undefined {
    return this.lastPassAt === undefined ? undefined : isoDate(this.lastPassAt);
  }

  /** The jumps that had to be put back; all others stand since the start. */
  get hooks(): readonly HookHistory[] {
    return [...this.fates.values()].map(({ hook, since, repaired }) => ({
      ...hook,
      since: isoDate(since),
      repaired,
    }));
  }
}
