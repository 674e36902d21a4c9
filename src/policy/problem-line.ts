import { shorten } from '../net/show.ts';
import type { Problem } from './model.ts';

/** One label problem as one line, fit to be shown: container, label, value, problem, what to do. */
export function problemLine({ container, label, value, problem, hint }: Problem): string {
  const said = value === '' ? shorten(label, 200) : `${shorten(label, 200)}=${shorten(value, 80)}`;
  const help = hint === undefined ? '' : ` (${hintWords(hint)})`;
  return `${shorten(container, 200)}: ${said}: ${shorten(problem, 200)}${help}`;
}

/** A hint that is one word is a guess at what was meant. */
function hintWords(hint: string): string {
  return /^[\w.*-]+$/.test(hint) ? `did you mean "${hint}"?` : shorten(hint, 200);
}
