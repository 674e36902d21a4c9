import { withForeign } from '../diff/foreign.ts';
import type { Observed } from '../diff/model.ts';
import type { Cidr } from '../net/network.ts';
import { type ForeignContents, foreignSetNames } from '../policy/foreign-sets.ts';
import type { Policy } from '../policy/model.ts';
import type { IpSet, SetName } from '../wall/model.ts';

/** The external sets whose contents an explanation needs: those that the policy names, and those that the kernel looks into now. */
export function foreignNames(policy: Policy, { sets, foreign }: Observed): readonly string[] {
  const named = new Set(foreignSetNames(policy));
  const listed =
    foreign === 'unsupported' ? [] : foreign.flatMap(({ name, lists }) => (named.has(name) ? lists : []));
  const looked = sets.flatMap(({ type, members }) => (type === 'list:set' ? [...members.keys()] : []));
  return [...new Set([...named, ...listed, ...looked])].toSorted();
}

/** Which members the external sets have, for sets of ours that look into them. */
export class Looking {
  private readonly contents: ForeignContents;
  private readonly indexed = new Map<string, ReadonlySet<Cidr>>();

  constructor(contents: ForeignContents) {
    this.contents = contents;
  }

  /** Whether any of these sets has this very member. */
  holds(names: Iterable<string>, member: string): boolean {
    for (const name of names) if (this.members(name).has(member as Cidr)) return true;
    return false;
  }

  private members(name: string): ReadonlySet<Cidr> {
    const found = this.indexed.get(name) ?? new Set(this.contents.get(name));
    this.indexed.set(name, found);
    return found;
  }
}

/** The sets that each set of sets should look into now, by its name. */
export function wantedLooks(
  sets: readonly IpSet[],
  observed: Observed,
): ReadonlyMap<SetName, readonly string[]> {
  return new Map(
    sets.flatMap((set) => {
      const { members } = withForeign(set, observed);
      return set.type === 'list:set' && members !== 'keep' ? [[set.name, members] as const] : [];
    }),
  );
}
