import { request } from '../host/http.ts';
import type { HookHistory } from '../reconciler/journal.ts';

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

/** Asks the daemon behind the socket; undefined where none answers within `timeLimit` ms. */
export function askDaemon(path: string, timeLimit: number): Promise<DaemonReport | undefined> {
  return new Promise((resolve) => {
    const asking = request({ socketPath: path, path: '/daemon', timeout: timeLimit }, (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => (body += chunk));
      answer.on('error', () => resolve(undefined));
      answer.on('end', () => resolve(answer.statusCode === 200 ? parseReport(body) : undefined));
    });
    asking.on('timeout', () => asking.destroy());
    asking.on('error', () => resolve(undefined));
    asking.end();
  });
}

/** The daemon may be of another version than we are. */
function parseReport(body: string): DaemonReport | undefined {
  try {
    const report = JSON.parse(body) as Partial<DaemonReport>;
    return report.version === 1 ? (report as DaemonReport) : undefined;
  } catch {
    return undefined;
  }
}
