/** One promise: ours takes at most so many times as long (or as much) as what it is measured against, in the same run. */
export interface Case {
  readonly name: string;
  /** What it is measured against, in words. */
  readonly against: string;
  readonly unit: 'ms' | 'MB';
  /** The two are measured in turn, so often; medians are compared. */
  readonly rounds: number;
  /** Largest ratio of the two, or largest difference. */
  readonly promise: { readonly times: number } | { readonly more: number };
  readonly ours: () => Promise<number>;
  readonly theirs: () => Promise<number>;
  readonly close?: () => Promise<void>;
}

/** How long something takes, ms. */
export async function took(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}
