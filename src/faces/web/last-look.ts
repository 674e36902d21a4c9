import { diff } from '../../decide/diff/diff.ts';
import type { Observed } from '../../decide/diff/model.ts';
import type { Decision } from '../../decide/pass/decide.ts';
import type { Policy } from '../../decide/policy/model.ts';
import type { DaemonReport } from '../../decide/report/daemon-report.ts';
import { readRefusal, readStatus, type Refusal } from '../../decide/report/status.ts';
import { readBlocked } from '../../decide/wall/blocked.ts';
import type { Clock } from '../../reach/host/clock.ts';
import type { Look } from './read-page.ts';

export interface LookParts {
  /** Reads the kernel, writes nothing. */
  readonly observe: () => Promise<Observed>;
  /** What the daemon remembers of itself. */
  readonly report?: () => DaemonReport;
  readonly clock: Clock;
  /** The time of day. */
  readonly today: () => Date;
}

/** How long one look serves all who ask, ms: reloading the page in a loop costs the host one look a second. */
const freshFor = 1000;

/** More than these are for `dockwall blocked --all`. */
const mostBlocked = 50;

/**
 * What the last pass has decided, held against the kernel as it is when somebody asks. Docker is not asked: its events pull
 * a pass, and that comes first.
 */
export class LastLook {
  private readonly parts: LookParts;
  private last: { readonly decision: Decision; readonly passed: Date } | undefined;
  private looking: { readonly until: number; readonly look: Promise<Look> } | undefined;

  constructor(parts: LookParts) {
    this.parts = parts;
  }

  /** A pass was done. */
  passed(decision: Decision): void {
    this.last = { decision, passed: this.parts.today() };
    this.looking = undefined;
  }

  /** Undefined before the first pass. */
  async look(): Promise<Look | undefined> {
    const { last } = this;
    if (last === undefined) return undefined;
    const now = this.parts.clock.now();
    if (this.looking === undefined || now > this.looking.until) {
      this.looking = { until: now + freshFor, look: this.take(last.decision, last.passed) };
    }
    return this.looking.look;
  }

  private async take(decision: Decision, passed: Date): Promise<Look> {
    const { policy, ruleset } = decision;
    try {
      const observed = await this.parts.observe();
      const status = readStatus({ ...decision, observed, plan: diff(ruleset, observed) }, this.around());
      return { status, policy, passed, problem: undefined, blocked: this.blocked(policy, observed) };
    } catch (error) {
      const problem = `the kernel could not be looked at; this is how it was before the last pass: ${String(error)}`;
      return { status: readStatus(decision, this.around()), policy, passed, problem };
    }
  }

  private around(): { readonly daemon: DaemonReport | undefined; readonly now: number } {
    return { daemon: this.parts.report?.(), now: this.parts.today().getTime() };
  }

  /** Undefined where nobody is remembered. */
  private blocked(policy: Policy, { sets }: Observed): readonly Refusal[] | undefined {
    if (!policy.rememberBlocked) return undefined;
    const { now } = this.around();
    return readBlocked(policy, sets)
      .filter(({ by }) => by === 'gate')
      .slice(0, mostBlocked)
      .map((one) => readRefusal(one, now));
  }
}
