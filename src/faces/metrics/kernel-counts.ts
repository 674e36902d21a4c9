import type { ObservedSet } from '../../decide/diff/model.ts';
import { families } from '../../decide/net/network.ts';
import { countRoles, setName } from '../../decide/wall/names.ts';
import type { Run } from '../../reach/kernel/command.ts';
import { readSets, readSizes } from '../../reach/kernel/ipset/counters.ts';

/** What the kernel counts, at one moment. */
export interface KernelCounts {
  /** Entries of each set that is ours. */
  readonly sizes: ReadonlyMap<string, number>;
  /** The sets in which ports are counted. */
  readonly counted: readonly ObservedSet[];
}

const timeoutMs = 5000;

/** Two processes, whatever the sets hold. Rejects with a KernelError. */
async function readKernelCounts(run: Run): Promise<KernelCounts> {
  const sizes = await readSizes(run, { timeoutMs });
  const names = families.flatMap((family) => Object.values(countRoles).map((role) => setName(family, role)));
  const there = names.filter((name) => sizes.has(name));
  return { sizes, counted: await readSets(run, { timeoutMs }, there) };
}

/** How long an answer is good for, ms: whoever asks more often gets the same one. */
const freshFor = 1000;

/** Reads the kernel's counts when asked, at most once a second however many ask. */
export function kernelCounts(run: Run, now: () => number): () => Promise<KernelCounts> {
  let last: { readonly at: number; readonly counts: Promise<KernelCounts> } | undefined;
  return () => {
    if (last === undefined || now() - last.at >= freshFor)
      last = { at: now(), counts: readKernelCounts(run) };
    return last.counts;
  };
}
