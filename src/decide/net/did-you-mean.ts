import { distance } from 'fastest-levenshtein';

/** Longer words are not typing mistakes of anything; also a bound on the work for hostile input. */
const longest = 40;

/**
 * The candidate nearest to what was written, or undefined when none is near: one mistake in a word of up
 * to four letters, two in longer ones. Upper case is no mistake here; of equals, the first wins.
 */
export function didYouMean(written: string, candidates: Iterable<string>): string | undefined {
  if (written.length > longest) return undefined;
  const word = written.toLowerCase();
  const allowed = word.length <= 4 ? 1 : 2;
  let best: string | undefined;
  let nearest = allowed + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= nearest) continue;
    const off = mistakes(word, candidate.toLowerCase());
    if (off < nearest) {
      best = candidate;
      nearest = off;
    }
  }
  return best;
}

/** Levenshtein's distance, but two neighbouring letters the wrong way round are one mistake, not two. */
function mistakes(a: string, b: string): number {
  const off = distance(a, b);
  if (off !== 2 || a.length !== b.length) return off;
  let at = 0;
  while (a[at] === b[at]) at += 1;
  return a[at] === b[at + 1] && a[at + 1] === b[at] && a.slice(at + 2) === b.slice(at + 2) ? 1 : off;
}
