import type { Cidr } from '../net/network.ts';
import type { Policy, PolicyMembers } from './model.ts';

/** What external sets hold, by name; one that does not exist is not in it. */
export type ForeignContents = ReadonlyMap<string, readonly Cidr[]>;

/** The external sets that any list of the policy names, sorted: what {@link withForeignSets} has to be told. */
export function foreignSetNames({ trusted, deny, groups }: Policy): readonly string[] {
  return [...new Set([trusted, deny, ...groups.values()].flatMap(({ ipsets }) => ipsets))].toSorted();
}

/**
 * The policy with the contents of external sets as networks of the lists that name them, each with an origin that says which set it
 * was. The kernel looks into those sets by itself, and the walls are rendered without this; it is for judging packets here, as the
 * kernel would: `judge(withForeignSets(policy, await kernel.readSets(foreignSetNames(policy))))`.
 */
export function withForeignSets(policy: Policy, contents: ForeignContents): Policy {
  if (foreignSetNames(policy).every((name) => (contents.get(name) ?? []).length === 0)) return policy;
  const { trusted, deny, groups } = policy;
  return {
    ...policy,
    trusted: { ...trusted, ...withContents(trusted, contents) },
    deny: { ...deny, ...withContents(deny, contents) },
    groups: new Map([...groups].map(([name, members]) => [name, withContents(members, contents)])),
  };
}

function withContents(members: PolicyMembers, contents: ForeignContents): PolicyMembers {
  const found = members.ipsets.flatMap((ipset) => {
    const networks = contents.get(ipset) ?? [];
    return networks.length === 0 ? [] : [{ source: undefined, ipset, networks }];
  });
  if (found.length === 0) return members;
  return {
    ...members,
    networks: [...members.networks, ...found.flatMap(({ networks }) => networks)],
    origins: [...members.origins, ...found],
  };
}
