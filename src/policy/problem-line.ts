import { shorten } from '../net/show.ts';
import type { Problem } from './model.ts';

/** One label problem as one line, fit to be shown: container, label, value, problem, what to do. */
export function problemLine(problem: Problem): string {
  const help = problem.hint === undefined ? '' : ` (${hintWords(problem.hint)})`;
  return `${problemPlace(problem)}: ${shorten(problem.problem, 200)}${help}`;
}

/** Container, label and value. */
export function problemPlace({ container, label, value }: Problem): string {
  const said = value === '' ? shorten(label, 200) : `${shorten(label, 200)}=${shorten(value, 80)}`;
  return `${shorten(container, 200)}: ${said}`;
}

/** A hint that is one word is a guess at what was meant. */
function hintWords(hint: string): string {
  return /^[\w.*-]+$/.test(hint) ? `did you mean "${hint}"?` : shorten(hint, 200);
}
