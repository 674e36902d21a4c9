import type { Rule } from '../wall/model.ts';
import type { ObservedRule, RuleChange } from './model.ts';

/**
 * The edits that turn a chain of ours into the desired one: deletions from the bottom up, then insertions
 * from the top down, so that every position is right at its moment. Rules on a longest common
 * subsequence of ids are not touched and keep their counters.
 */
export function diffChain(
  chain: string,
  desired: readonly Rule[],
  observed: readonly ObservedRule[],
): { readonly deletions: readonly RuleChange[]; readonly insertions: readonly RuleChange[] } {
  const kept = commonSubsequence(
    observed.map(({ id }) => id),
    desired.map(({ id }) => id),
  );
  const keptObserved = new Set(kept.map(([index]) => index));
  const keptDesired = new Set(kept.map(([, index]) => index));
  const deletions = observed
    .map((rule, index): RuleChange => ({ kind: 'delete-rule', chain, position: index + 1, spec: rule.spec }))
    .filter((_, index) => !keptObserved.has(index))
    .reverse();
  const insertions = desired
    .map((rule, index): RuleChange => ({ kind: 'insert-rule', chain, position: index + 1, rule }))
    .filter((_, index) => !keptDesired.has(index));
  return { deletions, insertions };
}

/** Index pairs of a longest common subsequence; equal heads and tails, the usual case, cost nothing. */
function commonSubsequence(
  a: readonly (string | undefined)[],
  b: readonly string[],
): readonly (readonly [number, number])[] {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (
    tail < a.length - head &&
    tail < b.length - head &&
    a[a.length - 1 - tail] === b[b.length - 1 - tail]
  ) {
    tail += 1;
  }
  const middle = middleSubsequence(a.slice(head, a.length - tail), b.slice(head, b.length - tail));
  return [
    ...Array.from({ length: head }, (_, index) => [index, index] as const),
    ...middle.map(([i, j]) => [i + head, j + head] as const),
    ...Array.from(
      { length: tail },
      (_, index) => [a.length - tail + index, b.length - tail + index] as const,
    ),
  ];
}

const largestTable = 4_000_000;

/** The textbook table; longest.at(i, j) is the length for a from i on and b from j on. */
function middleSubsequence(
  a: readonly (string | undefined)[],
  b: readonly string[],
): readonly (readonly [number, number])[] {
  // A wholly new list of thousands is quicker rewritten than compared.
  if (a.length * b.length > largestTable) return [];
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number): number => longest[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      longest[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const pairs: (readonly [number, number])[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i] === b[j]) {
      pairs.push([i, j]);
      i += 1;
      j += 1;
    } else if (at(i + 1, j) >= at(i, j + 1)) i += 1;
    else j += 1;
  }
  return pairs;
}
