import { expect } from 'vitest';
import type { ProbeReport } from '../agent/protocol.ts';
import { countReports, type MeasureName, writeRecord } from '../campaign/record.ts';
import type { Stage } from './stage.ts';

function where(stage: Pick<Stage, 'setup'>): { readonly test: string; readonly setup: string } {
  return { test: expect.getState().currentTestName ?? '', setup: stage.setup.title };
}

/** A figure for the campaign's table, ms. */
export function record(stage: Stage, name: MeasureName, ms: number): void {
  writeRecord({ kind: 'measure', ...where(stage), name, ms: Math.round(ms * 10) / 10 });
}

/**
 * What the forbidden met while our gate stood, for the campaign's table, and the longest outage of an allowed client.
 * `watching` does this; a test that probes by itself calls it with what its probers say.
 */
export function recordProbes(
  stage: Pick<Stage, 'setup'>,
  forbidden: readonly ProbeReport[],
  outage?: number,
): void {
  const longest = outage === undefined ? {} : { outage: Math.round(outage) };
  writeRecord({ kind: 'watch', ...where(stage), ...countReports(forbidden), ...longest });
}
