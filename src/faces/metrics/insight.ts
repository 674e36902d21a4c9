import { Journal } from '../../daemon/journal.ts';
import { observers, type PassObserver } from '../../daemon/observer.ts';
import type { Observed } from '../../decide/diff/model.ts';
import type { DaemonReport } from '../../decide/report/daemon-report.ts';
import type { Health } from '../../decide/report/health.ts';
import { isoDate } from '../../decide/report/text.ts';
import { systemClock } from '../../reach/host/clock.ts';
import { runCommand } from '../../reach/kernel/command.ts';
import { LastLook } from '../web/last-look.ts';
import type { RouteParts } from '../web/routes.ts';
import { kernelCounts } from './kernel-counts.ts';
import { Metrics } from './metrics.ts';
import type { SourceState } from './source-metrics.ts';

export interface InsightParts {
  readonly version: string;
  readonly health: () => Health;
  readonly configProblems: () => number;
  readonly nextRun: () => Date | undefined;
  readonly sources: () => readonly SourceState[];
  /** Reads the kernel, writes nothing. */
  readonly observe: () => Promise<Observed>;
}

/** What the running daemon shows of itself. */
export interface Insight {
  /** To be told of every pass. */
  readonly observer: PassObserver;
  /** Numbers for Prometheus, its memory for `status`, and how things stand for the page. */
  readonly answers: Required<Pick<RouteParts, 'metrics' | 'report' | 'look'>>;
}

export function openInsight(parts: InsightParts): Insight {
  const { version } = parts;
  const journal = new Journal(() => Date.now());
  const metrics = new Metrics({
    version,
    counts: kernelCounts(runCommand, systemClock.now),
    sources: parts.sources,
    healthy: () => parts.health().healthy,
    configProblems: parts.configProblems,
    now: () => Date.now() / 1000,
  });
  const report = (): DaemonReport => readReport(journal, parts);
  const { observe } = parts;
  const looks = new LastLook({ observe, report, clock: systemClock, today: () => new Date() });
  return {
    observer: observers(journal, metrics, looks),
    answers: { metrics: async () => metrics.metricsText(), report, look: async () => looks.look() },
  };
}

function readReport(journal: Journal, parts: InsightParts): DaemonReport {
  const { healthy, problems, drift } = parts.health();
  return {
    version: 1,
    dockwall: parts.version,
    startedAt: isoDate(journal.startedAt),
    healthy,
    problems,
    lastPass: journal.lastPass ?? null,
    nextRun: parts.nextRun()?.toISOString() ?? null,
    hooks: journal.hooks,
    repaired: drift,
    sources: parts.sources().map(({ name, networks, age, lastError, failures }) => ({
      name,
      networks,
      ageSeconds: age === undefined ? null : Math.round(age / 1000),
      error: lastError ?? null,
      failures,
    })),
  };
}
