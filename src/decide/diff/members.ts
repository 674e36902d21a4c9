import { membersBeside } from '../net/port-members.ts';
import type { IpSet } from '../wall/model.ts';
import type { ObservedSet, SetChange } from './model.ts';

/** What one set lacks, and what it has too much. */
export interface Edit {
  readonly set: Omit<IpSet, 'members'> & { readonly members: readonly string[] };
  /** The permanent members that it has. */
  readonly before: () => readonly string[];
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** It is not there yet, so no rule looks into it. */
  readonly unused?: true;
}

/** Members as seen to the list that they were found to be: what has not changed since costs nothing. */
const agreeing = new WeakMap<ObservedSet['members'], readonly string[]>();

/** Undefined where nothing has to change. */
export function editOf(set: IpSet, seen: ObservedSet | undefined): Edit | undefined {
  const { members } = set;
  if (members === 'keep' || (seen !== undefined && agreeing.get(seen.members) === members)) return undefined;
  // A wanted member that would expire is added again, for good.
  const missing = seen === undefined ? members : members.filter((member) => seen.members.get(member) !== 0);
  const extra = seen === undefined ? [] : surplus(members, seen, members.length - missing.length);
  // What is missing as one range may be there as two, and the other way round.
  const added = extra.length === 0 ? missing : membersBeside(missing, extra);
  const removed = missing.length === 0 ? extra : membersBeside(extra, missing);
  if (added.length + removed.length > 0)
    return { set: { ...set, members }, before: () => permanent(seen), added, removed };
  if (seen !== undefined) agreeing.set(seen.members, members);
  return undefined;
}

function permanent(seen: ObservedSet | undefined): readonly string[] {
  return [...(seen?.members ?? [])].filter(([, secondsLeft]) => secondsLeft === 0).map(([member]) => member);
}

/** Unknown permanent members are drift; one that expires by itself was added by hand, for a while, and stays. */
function surplus(members: readonly string[], seen: ObservedSet, matching: number): readonly string[] {
  let count = 0;
  for (const secondsLeft of seen.members.values()) if (secondsLeft === 0) count += 1;
  if (count === matching) return [];
  const wanted = new Set(members);
  return permanent(seen).filter((member) => !wanted.has(member));
}

/**
 * Fewer changes than this take no time to speak of (3 ms), one after the other. From here on a list that is new, or new by half and
 * more, is written beside the old one: an entry costs the same whether it is added, deleted or written anew (2.6 µs), a swap as much as
 * a thousand of them (measured with ipset 7.17, Linux 6.18).
 */
const fewChanges = 1000;

/** The way of one set to other members: one by one, or all at once where that is quicker, or where it would be seen half filled. */
export function towards(
  set: Edit['set'],
  to: {
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly members: () => readonly string[];
  },
): readonly SetChange[] {
  const { added, removed } = to;
  const changes = added.length + removed.length;
  if (changes >= fewChanges) {
    const members = to.members();
    if (changes >= members.length || 2 * added.length >= members.length) {
      const { members: _, ...header } = set;
      const counts = { added: added.length, removed: removed.length };
      return [{ kind: 'replace-members', set: header, members, ...counts }];
    }
  }
  const { name } = set;
  // Narrower ones first (see diffSets): what is left when a wider one goes is there already.
  return [
    ...added.map((member): SetChange => ({ kind: 'add-member', set: name, member })),
    ...removed.map((member): SetChange => ({ kind: 'delete-member', set: name, member })),
  ];
}
