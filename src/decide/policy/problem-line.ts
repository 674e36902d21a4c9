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

/**
 * Lines of which the same is said, each once: `a, b, c and 35 more: dockwall.allow=ofice: no group is named "ofice"`.
 * @param lines of somebody, a colon, and what is said of him @param most how many are named
 */
export function foldAlike(lines: readonly string[], most = Infinity): readonly string[] {
  const parts = lines.map((line) => /^(.*?)(: .*)$/s.exec(line) ?? [line, line, '']);
  return [...Map.groupBy(parts, ([, , said]) => said)].map(([said, of]) => {
    const names = [...new Set(of.map(([, name = '']) => name))];
    const more = names.length - most;
    return `${names.slice(0, most).join(', ')}${more > 0 ? ` and ${more} more` : ''}${said ?? ''}`;
  });
}
