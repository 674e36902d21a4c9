import type { Family } from '../net/network.ts';
import type { PolicyMembers } from '../policy/model.ts';
import { from, sourceIn } from './matches.ts';
import type { Match } from './model.ts';
import { foreignSet, listSet, type SourceList } from './names.ts';

/** One way to be in a list of sources, with words for the rule's comment. */
export interface WayIn {
  readonly match: Match;
  readonly words: string;
}

/** Where the kernel finds a list of sources, in one family. */
interface Place {
  readonly family: Family;
  readonly list: SourceList;
}

/**
 * The ways to be in a list of sources: in its set, in one of the external sets that it names, or by one of its interfaces. Each is
 * a rule of its own wherever the list is asked for; how many there are is the configuration's doing, never a list's or a name's. A
 * rule never names an external set: those come and go, and a rule would hold them or fail with them.
 */
export function waysIn(words: string, place: Place, members: PolicyMembers): readonly WayIn[] {
  return [
    { match: sourceIn(listSet(place.family, place.list)), words },
    ...waysAround(words, place, members),
  ];
}

/** The same without the list's own set. */
export function waysAround(
  words: string,
  { family, list }: Place,
  { interfaces, ipsets }: PolicyMembers,
): readonly WayIn[] {
  const foreign = sourceIn(foreignSet(family, list));
  return [
    ...(ipsets.length > 0 ? [{ match: foreign, words: `${words} in external sets`.trimStart() }] : []),
    ...interfaces.map((name) => ({ match: from(name), words: `${words} by ${name}`.trimStart() })),
  ];
}
