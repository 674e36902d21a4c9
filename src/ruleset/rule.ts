import { createHash } from 'node:crypto';
import type { Chain, ChainName, Match, Rule, RuleId, Target } from './model.ts';

/** Raised when the meaning of a rule changes without its value changing (its rendering, say). */
const idVersion = 1;
const longestNote = 200;

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
  const words = cleanNote(note);
  const said = JSON.stringify([idVersion, place, matches, target, words]);
  const id = createHash('sha256')
    .update(said)
    .digest('base64url')
    .replaceAll(/[-_]/g, '')
    .slice(0, 10) as RuleId;
  return { id, matches, target, note: words };
}

/** Text from Docker may hold anything; a comment holds these characters only, and is never read back as meaning. */
function cleanNote(note: string): string {
  return note
    .replaceAll(/[^A-Za-z0-9 ._:/,*+>-]/g, '?')
    .slice(0, longestNote)
    .trim();
}
