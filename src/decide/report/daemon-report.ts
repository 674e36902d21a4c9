import type { Hook } from '../diff/drift.ts';

/** What the running daemon says of itself at `/daemon`, for `status`. Dates are ISO 8601. */
export interface DaemonReport {
  readonly version: 1;
  readonly dockwall: string;
  readonly startedAt: string;
  readonly healthy: boolean;
  readonly problems: readonly string[];
  readonly lastPass: string | null;
  readonly nextRun: string | null;
  /** Our jumps in shared chains that others took away; those that are not named stand since the start. */
  readonly hooks: readonly HookHistory[];
  /** How often what others had changed was put back, by kind. */
  readonly repaired: Readonly<Record<string, number>>;
  readonly sources: readonly ReportedSource[];
}

export interface ReportedSource {
  readonly name: string;
  readonly networks: number;
  /** Since it last said what is in force; null: it never has, and stands for nobody. */
  readonly ageSeconds: number | null;
  readonly error: string | null;
  /** Failed looks since the last good one. */
  readonly failures: number;
}

/** How one of our jumps in a shared chain fared since the daemon has started. */
export interface HookHistory extends Hook {
  /** It stands since then, ISO 8601: when it was put back last, or when the daemon found or put it there. */
  readonly since: string;
  readonly repaired: number;
}
