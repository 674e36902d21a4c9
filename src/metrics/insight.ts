import { runCommand } from '../kernel/command.ts';
import { isoDate, Journal } from '../reconciler/journal.ts';
import { observers, type PassObserver } from '../reconciler/observer.ts';
import type { DaemonReport } from '../web/daemon-report.ts';
import type { Health } from '../web/health.ts';
import { kernelCounts } from './kernel-counts.ts';
import { Metrics } from './metrics.ts';
import type { SourceState } from './source-metrics.ts';

export interface InsightParts {
  readonly version: string;
  readonly health: () => Health;
  readonly configProblems: () => number;
  readonly nextRun: () => Date | undefined;
  readonly sources: () => readonly SourceState[];
}

/** What the running daemon shows of itself: numbers for Prometheus, and its memory for `status`. */
export interface Insight {
  readonly observer: PassObserver;
  readonly metricsText: () => Promise<string>;
  readonly report: () => DaemonReport;
}

export function openInsight(parts: InsightParts): Insight {
  const { version } = parts;
  const journal = new Journal(() => Date.now());
  const metrics = new Metrics({
    version,
    counts: kernelCounts(runCommand, () => performance.now()),
    sources: parts.sources,
    healthy: () => parts.health().healthy,
    configProblems: parts.configProblems,
    now: () => Date.now() / 1000,
  });
  return {
    observer: observers(journal, metrics),
    metricsText: async () => metrics.metricsText(),
    report: () => readReport(journal, parts),
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
