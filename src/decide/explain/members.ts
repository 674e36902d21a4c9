import type { Observed } from '../diff/model.ts';
import { NetworkIndex } from '../net/network-index.ts';
import { type Cidr, familyOf } from '../net/network.ts';
import { safeUrl } from '../net/safe-url.ts';
import { shorten } from '../net/show.ts';
import type { LiveSource } from '../policy/config.ts';
import type { Policy, PolicyMembers } from '../policy/model.ts';
import type { Who } from '../policy/verdict.ts';
import { listSet, type SourceList } from '../wall/names.ts';
import type { Member, MemberOrigin } from './model.ts';

/** The list in which somebody was found; `label`: a network written in a label, or a group that it names. */
export type List = 'trusted' | 'deny' | 'label';

interface Found {
  readonly who: Who;
  readonly list: List;
  readonly source: string;
}

/** How somebody came to be a member. `policy` is the one that the configuration and external sets make, without what is added for a while. */
export function memberOf(
  { who, list, source }: Found,
  { policy, observed }: { readonly policy: Policy; readonly observed: Observed | undefined },
): Member {
  if (who.kind === 'interface')
    return {
      group: who.group && plainGroup(who.group),
      text: `interface:${who.interface}`,
      origin: { kind: 'interface' },
    };
  if (who.kind === 'network') {
    if (list === 'label') return { group: undefined, text: who.network, origin: { kind: 'label' } };
    const found = written(policy[list], source);
    if (found !== undefined) return { group: undefined, ...found };
    return { group: undefined, text: who.network, origin: forAWhile(list, who.network, observed) };
  }
  const group = plainGroup(who.name);
  const members = policy.groups.get(group);
  const found = members === undefined ? undefined : written(members, source);
  if (found !== undefined)
    return { group, ...found, origin: isBuiltIn(group) ? { kind: 'built-in' } : found.origin };
  const closes = who.name !== group || list === 'deny';
  return {
    group,
    text: who.network,
    origin: forAWhile({ use: closes ? 'den' : 'src', group }, who.network, observed),
  };
}

/** Denials by what is in a closing set for a while name a group of their own (see ruleset/live.ts). */
export function plainGroup(name: string): Extract<Who, { kind: 'group' }>['name'] {
  return name.replace(/^deny /u, '') as Extract<Who, { kind: 'group' }>['name'];
}

function isBuiltIn(group: string): boolean {
  return group === 'private' || group === 'connected';
}

/** The narrowest network that somebody has written, or a live source has answered with. */
function written(
  { origins, networks }: PolicyMembers,
  source: string,
): { readonly text: string; readonly origin: MemberOrigin } | undefined {
  for (const origin of origins) {
    const network = new NetworkIndex(origin.networks).find(source);
    if (network === undefined) continue;
    return {
      text: network,
      origin: originOf(origin),
    };
  }
  // a list that was made without saying where its networks come from
  const network = origins.length === 0 ? new NetworkIndex(networks).find(source) : undefined;
  return network === undefined ? undefined : { text: network, origin: { kind: 'configuration' } };
}

function originOf({ source, ipset }: PolicyMembers['origins'][number]): MemberOrigin {
  if (ipset !== undefined) return { kind: 'ipset', name: shorten(ipset) };
  return source === undefined
    ? { kind: 'configuration' }
    : { kind: 'source', source: harmlessSource(source) };
}

function harmlessSource(source: LiveSource): LiveSource {
  if (source.kind === 'url') return { ...source, url: shorten(safeUrl(source.url), 200) };
  return source.kind === 'file' ? { ...source, path: shorten(source.path, 200) } : source;
}

function forAWhile(list: SourceList, network: Cidr, observed: Observed | undefined): MemberOrigin {
  const name = listSet(familyOf(network), list);
  const set = observed?.sets.find((one) => one.name === name);
  const note = set?.notes?.get(network);
  return {
    kind: 'for a while',
    secondsLeft: set?.members.get(network) ?? 0,
    note: note === undefined ? undefined : shorten(note, 100),
  };
}
