import { everyAddress } from '../net/merge-networks.ts';
import { families } from '../net/network.ts';
import type { SetName } from './model.ts';
import { observingRole, setName } from './names.ts';

/**
 * Looking before closing: who would be turned away is counted, remembered and let in. It is members of a set with a timeout, as the
 * guard is: the kernel ends it by itself, whether dockwall runs then or not, and nothing that is written in a file can leave it on.
 */

interface LiveSet {
  readonly name: string;
  /** Seconds left. */
  readonly members: ReadonlyMap<string, number>;
}

/** The longest time, seconds: ipset's timeouts end at 2,147,483 (24.8 days). */
export const longestObserving = 21 * 86_400;

export function isObservingSet(name: string): boolean {
  return families.some((family) => name === setName(family, observingRole));
}

/** Seconds until the walls close, 0 where they are closed. Permanent members are drift and on their way out. */
export function observingFor(sets: readonly LiveSet[]): number {
  const ours = sets.filter(({ name }) => isObservingSet(name));
  return Math.max(0, ...ours.flatMap(({ members }) => [...members.values()]));
}

/** A member of the set, as the changes of sets want it. */
export interface ObservingMember {
  readonly set: SetName;
  readonly member: string;
}

/** The members that stand for every address, of the families whose sets are there. */
export function observingMembers(sets: readonly Pick<LiveSet, 'name'>[]): readonly ObservingMember[] {
  const there = new Set(sets.map(({ name }) => name));
  return families.flatMap((family) => {
    const set = setName(family, observingRole);
    return there.has(set) ? everyAddress(family).map((member) => ({ set, member })) : [];
  });
}
