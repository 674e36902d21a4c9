import type { Drift } from '../decide/diff/drift.ts';
import type { Observed } from '../decide/diff/model.ts';
import type { Decided } from '../decide/pass/decide.ts';

/** Told of what the reconciler does, for those who show it; nothing that it does may throw or take long. */
export interface PassObserver {
  /** A pass has succeeded. `took`: milliseconds. */
  readonly passed: (decision: Decided, took: number) => void;
  readonly failed: (took: number) => void;
  /** What others changed, and is put back. */
  readonly drifted: (drifts: readonly Drift[]) => void;
  /** A look at the kernel, before anything is put back. */
  readonly saw: (observed: Observed) => void;
}

/** Tells all of them what they want to hear. */
export function observers(...all: readonly Partial<PassObserver>[]): PassObserver {
  return {
    passed: (decision, took) => all.forEach((one) => one.passed?.(decision, took)),
    failed: (took) => all.forEach((one) => one.failed?.(took)),
    drifted: (drifts) => all.forEach((one) => one.drifted?.(drifts)),
    saw: (observed) => all.forEach((one) => one.saw?.(observed)),
  };
}
