import { type Cidr, families } from '../net/network.ts';
import type { PeerRule, Policy, PolicyMembers } from '../policy/model.ts';
import { listSet, type SourceList } from './names.ts';

type GroupName = Policy['deny']['groups'][number];

/** A set as the kernel has it: members with the seconds that they have left, 0 for ever. */
interface LiveSet {
  readonly name: string;
  readonly members: ReadonlyMap<string, number>;
}

/**
 * The policy with what the kernel holds for a while beside it: sources that somebody has put into a set with a timeout.
 * Permanent members that no configuration knows are drift, and are on their way out.
 *
 * A group has one set to open and one to close. Where the two differ, denials name a group of their own, `deny GROUP`.
 */
export function withLiveMembers(policy: Policy, sets: readonly LiveSet[]): Policy {
  const live = liveByList(sets);
  const groups = new Map<GroupName, PolicyMembers>();
  const renamed = new Map<GroupName, GroupName>();
  for (const [name, members] of policy.groups) {
    const opening = live({ use: 'src', group: name });
    const closing = live({ use: 'den', group: name });
    groups.set(name, withNetworks(members, opening));
    if (opening.length + closing.length === 0) continue;
    renamed.set(name, `deny ${name}` as GroupName);
    groups.set(`deny ${name}` as GroupName, withNetworks(members, closing));
  }
  const { trusted, deny } = policy;
  const denying = (name: GroupName): GroupName => renamed.get(name) ?? name;
  return {
    ...policy,
    trusted: { ...trusted, ...withNetworks(trusted, live('trusted')) },
    deny: { ...withNetworks(deny, live('deny')), groups: deny.groups.map(denying) },
    groups,
    services: renamed.size === 0 ? policy.services : policy.services.map((one) => renameDenied(one, denying)),
  };
}

function withNetworks(members: PolicyMembers, more: readonly Cidr[]): PolicyMembers {
  return more.length === 0 ? members : { ...members, networks: [...members.networks, ...more] };
}

function renameDenied(
  service: Policy['services'][number],
  denying: (name: GroupName) => GroupName,
): Policy['services'][number] {
  const rename = (rule: PeerRule): PeerRule =>
    rule.peer.kind === 'group' ? { ...rule, peer: { kind: 'group', name: denying(rule.peer.name) } } : rule;
  return {
    ...service,
    ports: service.ports.map((port) => ({
      ...port,
      reach: { ...port.reach, deny: port.reach.deny.map(rename) },
      ...(port.ownReach === undefined
        ? {}
        : { ownReach: { ...port.ownReach, deny: port.ownReach.deny.map(rename) } }),
    })),
  };
}

/** What opens and what closes for a while, as words that can be compared; sets that dockwall itself fills are left out. */
export function liveMembers(policy: Policy, sets: readonly LiveSet[]): ReadonlySet<string> {
  const live = liveByList(sets);
  const groups = [...policy.groups.keys()].flatMap((group): SourceList[] => [
    { use: 'src', group },
    { use: 'den', group },
  ]);
  const lists: readonly SourceList[] = ['trusted', 'deny', ...groups];
  return new Set(lists.flatMap((list) => live(list).map((one) => `${JSON.stringify(list)} ${one}`)));
}

/** Members of both families that will go by themselves; exceptions (`nomatch`) open nothing. */
function liveByList(sets: readonly LiveSet[]): (list: SourceList) => readonly Cidr[] {
  const found = new Map(sets.map((set) => [set.name, set.members]));
  return (list) =>
    families.flatMap((family) => {
      const members = found.get(listSet(family, list));
      return members === undefined ? [] : passingOf(members);
    });
}

const passing = new WeakMap<LiveSet['members'], readonly Cidr[]>();

/** A long list has few of them, and is looked through once. */
function passingOf(members: LiveSet['members']): readonly Cidr[] {
  const known = passing.get(members);
  if (known !== undefined) return known;
  const found: Cidr[] = [];
  for (const [member, secondsLeft] of members)
    if (secondsLeft > 0 && !member.endsWith('nomatch')) found.push(member as Cidr);
  passing.set(members, found);
  return found;
}
