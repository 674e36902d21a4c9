import type { Cidr } from '../net/network.ts';
import { families } from '../net/network.ts';
import type { Policy } from '../policy/model.ts';
import { setName } from './names.ts';

/** A set as the kernel has it: members with the seconds that they have left, 0 for ever. */
interface LiveSet {
  readonly name: string;
  readonly members: ReadonlyMap<string, number>;
}

/**
 * The policy with what the kernel holds for a while beside it: sources that somebody has put into a set with a timeout.
 * Permanent members that no configuration knows are drift, and are on their way out.
 */
export function withLiveMembers(policy: Policy, sets: readonly LiveSet[]): Policy {
  const found = new Map(sets.map((set) => [set.name, set.members]));
  const extra = (role: string): readonly Cidr[] =>
    families.flatMap((family) =>
      [...(found.get(setName(family, role)) ?? [])]
        .filter(([member, secondsLeft]) => secondsLeft > 0 && !member.endsWith('nomatch'))
        .map(([member]) => member as Cidr),
    );
  const joined = (role: string, networks: readonly Cidr[]): readonly Cidr[] => [...networks, ...extra(role)];
  return {
    ...policy,
    trusted: { ...policy.trusted, networks: joined('trusted', policy.trusted.networks) },
    deny: { ...policy.deny, networks: joined('deny', policy.deny.networks) },
    groups: new Map(
      [...policy.groups].map(([name, networks]) => [name, joined(`src-${name}`, networks)] as const),
    ),
  };
}

/** What opens and what closes for a while, as words that can be compared; sets that dockwall itself fills are left out. */
export function liveMembers(policy: Policy, sets: readonly LiveSet[]): ReadonlySet<string> {
  const roles = ['trusted', 'deny', ...[...policy.groups.keys()].map((name) => `src-${name}`)];
  const names = new Set<string>(families.flatMap((family) => roles.map((role) => setName(family, role))));
  return new Set(
    sets
      .filter(({ name }) => names.has(name))
      .flatMap(({ name, members }) =>
        [...members].filter(([, secondsLeft]) => secondsLeft > 0).map(([member]) => `${name} ${member}`),
      ),
  );
}
