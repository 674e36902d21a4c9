import type { PolicyMembers } from '../policy/model.ts';
import { from, sourceIn } from './matches.ts';
import type { Match, SetName } from './model.ts';

/** One way to be in a list of sources, with words for the rule's comment. */
export interface WayIn {
  readonly match: Match;
  readonly words: string;
}

/**
 * The ways to be in a list of sources: in its set, or by one of its interfaces. Each is a rule of its own wherever the list
 * is asked for; how many there are is the configuration's doing, never a list's or a name's.
 */
export function waysIn(words: string, set: SetName, { interfaces }: PolicyMembers): readonly WayIn[] {
  return [
    { match: sourceIn(set), words },
    ...interfaces.map((name) => ({ match: from(name), words: `${words} by ${name}`.trimStart() })),
  ];
}
