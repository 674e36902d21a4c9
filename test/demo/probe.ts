import type { TargetReport } from '../lab/agent/protocol.ts';
import type { Prober } from '../lab/prober.ts';

/** What became of all attempts of some probers. */
export interface ProbeSum {
  readonly attempts: number;
  /** Handshakes that completed. */
  readonly opened: number;
  readonly targets: readonly TargetReport[];
}

/** Ends the probers and counts. */
export async function stopProbers(probers: readonly Prober[]): Promise<ProbeSum> {
  const reports = await Promise.all(probers.map(async (prober) => prober.stop()));
  const targets = reports.flatMap((report) => report.targets);
  return {
    attempts: targets.reduce((sum, target) => sum + target.attempts, 0),
    opened: targets.reduce((sum, target) => sum + target.opened.length, 0),
    targets,
  };
}
