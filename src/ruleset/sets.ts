import { toSetMembers } from '../net/merge-networks.ts';
import { type Family, families } from '../net/network.ts';
import type { Policy } from '../policy/model.ts';
import type { IpSet } from './model.ts';
import { setName } from './names.ts';
import { type Openings, openings } from './openings.ts';

/** The prefix of the sets for doors without NAT; host ports have none. */
export const routedPrefix = 'r-';

/** Whether any network is in routed gateway mode; only then has the gate rules and sets for it. */
export function hasRouted(policy: Policy): boolean {
  return policy.services.some((service) => service.endpoints.some((endpoint) => endpoint.routed));
}

/** Every ipset of both families. `ports` false: Docker has not been asked yet, so port sets stay as they are. */
export function renderSets(policy: Policy, ports: boolean): readonly IpSet[] {
  const kinds = hasRouted(policy) ? [false, true] : [false];
  return families.flatMap((family) => [
    ...sourceSets(policy, family),
    ...kinds.flatMap((routed) =>
      portSets(policy, family, { routed, open: openings(policy, family, routed) }).map((set) =>
        ports ? set : { ...set, members: 'keep' as const },
      ),
    ),
  ]);
}

/** Live sets: an administrator may add to them, with a timeout or (until the next pass) without. */
function sourceSets(policy: Policy, family: Family): readonly IpSet[] {
  const source = (role: string, effect: IpSet['effect'], networks: Policy['trusted']['networks']): IpSet => ({
    name: setName(family, role),
    family,
    type: 'hash:net',
    expiring: true,
    effect,
    members: toSetMembers(networks, family),
  });
  return [
    source('trusted', 'opens', policy.trusted.networks),
    source('deny', 'closes', policy.deny.networks),
    ...[...policy.groups].map(([name, networks]) =>
      source(`src-${name}`, policy.deny.groups.includes(name) ? 'closes' : 'opens', networks),
    ),
  ];
}

function portSets(
  policy: Policy,
  family: Family,
  { routed, open }: { routed: boolean; open: Openings },
): readonly IpSet[] {
  const prefix = routed ? routedPrefix : '';
  const set = (role: string, effect: IpSet['effect'], members: readonly string[]): IpSet => ({
    name: setName(family, `${prefix}${role}`),
    family,
    type: role.endsWith('-pairs') ? 'hash:net,port,net' : 'hash:net,port',
    expiring: false,
    effect,
    members,
  });
  return [
    set('published', 'closes', open.published),
    set('public', 'opens', open.everyone),
    set('allow-pairs', 'opens', open.allowedPairs),
    ...(usesDeniedPairs(policy) ? [set('deny-pairs', 'closes', open.deniedPairs)] : []),
    ...[...policy.groups.keys()].map((name) => set(`to-${name}`, 'opens', open.allowed.get(name) ?? [])),
    ...deniedGroups(policy).map((name) => set(`not-${name}`, 'closes', open.denied.get(name) ?? [])),
  ];
}

/** Groups that some label denies. */
export function deniedGroups(policy: Policy): readonly string[] {
  const rules = policy.services.flatMap((service) => service.ports.flatMap((port) => port.reach.deny));
  const names = rules.flatMap(({ peer }) => (peer.kind === 'group' ? [peer.name as string] : []));
  return [...new Set(names)].sort();
}

/** Whether some label denies a network by its address. */
export function usesDeniedPairs(policy: Policy): boolean {
  return policy.services.some((service) =>
    service.ports.some((port) => port.reach.deny.some(({ peer }) => peer.kind === 'network')),
  );
}
