import type { Problem } from '../policy/model.ts';
import { harmless } from './text.ts';

/** One label problem as one line: container, label, value, problem, what to do. */
export function problemLine({ container, label, value, problem, hint }: Problem): string {
  const said = value === '' ? harmless(label) : `${harmless(label)}=${harmless(value, 80)}`;
  const help = hint === undefined ? '' : ` (${hintWords(hint)})`;
  return `${harmless(container)}: ${said}: ${harmless(problem)}${help}`;
}

/** A hint that is one word is a guess at what was meant. */
function hintWords(hint: string): string {
  return /^[\w.*-]+$/.test(hint) ? `did you mean "${hint}"?` : harmless(hint);
}
