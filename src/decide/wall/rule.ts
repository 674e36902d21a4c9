import { createHash } from 'node:crypto';
import { commentWords } from './comment.ts';
import type { Chain, ChainName, Match, Rule, RuleId, Target } from './model.ts';

/** Raised when the meaning of a rule changes without its value changing (its rendering, say). */
const idVersion = 1;

/** One line of a chain before it has an id: matches, target, words for people. */
export type Line = readonly [matches: readonly Match[], target: Target, note: string];

/** A chain from its lines; a line that says the same as an earlier one is left out. */
export function chainOf(name: ChainName, lines: readonly Line[]): Chain {
  const rules = new Map<RuleId, Rule>();
  for (const line of lines) {
    const rule = lineRule(name, line);
    if (!rules.has(rule.id)) rules.set(rule.id, rule);
  }
  return { name, rules: [...rules.values()] };
}

/** One rule. Its id is a hash of the place (a chain's name) and of all that the rule says, its note included. */
export function lineRule(place: string, [matches, target, note]: Line): Rule {
  const words = commentWords(note);
  const said = JSON.stringify([idVersion, place, matches, target, words]);
  const id = createHash('sha256')
    .update(said)
    .digest('base64url')
    .replaceAll(/[-_]/g, '')
    .slice(0, 10) as RuleId;
  return { id, matches, target, note: words };
}
