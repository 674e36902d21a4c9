import { toSetMembers } from '../net/merge-networks.ts';
import { type Family, families } from '../net/network.ts';
import type { PeerRule, Policy, PolicyMembers } from '../policy/model.ts';
import type { IpSet } from './model.ts';
import { blockedRoles, countRoles, foreignRole, setName } from './names.ts';
import { answerMembers, type Openings, openings } from './openings.ts';

type GroupName = Policy['deny']['groups'][number];

/** The prefix of the sets for doors without NAT; host ports have none. */
export const routedPrefix = 'r-';

/** Whether any network is in routed gateway mode; only then has the gate rules and sets for it. */
export function hasRouted(policy: Policy): boolean {
  return policy.services.some((service) => service.endpoints.some((endpoint) => endpoint.routed));
}

/** Every ipset of both families. `ports` false: Docker has not been asked yet, so port sets stay as they are. */
export function renderSets(policy: Policy, ports: boolean): readonly IpSet[] {
  const kinds = hasRouted(policy) ? [false, true] : [false];
  return families.flatMap((family) => {
    const doors = kinds.map((routed) => ({ routed, open: openings(policy, family, routed) }));
    const sets = [
      ...doors.flatMap((kind) => portSets(policy, family, kind)),
      answerSet(policy, family),
      ...countSets(family, doors.flatMap(({ open }) => open.published).toSorted()),
    ];
    return [
      ...sourceSets(policy, family),
      ...(ports ? sets : sets.map((set): IpSet => ({ ...set, members: 'keep' }))),
    ];
  });
}

/** Those of them that hold sources. */
export function renderSourceSets(policy: Policy): readonly IpSet[] {
  return families.flatMap((family) => listSets(policy, family));
}

/**
 * The guard (see `inputLines`): the running daemon keeps them filled, and all their members expire. `guard` holds every
 * address while the guard is up, `listening` the ports on which the host's own services listen.
 */
function guardSets(family: Family): readonly IpSet[] {
  const guard = { family, expiring: true, effect: 'closes', members: [] } as const;
  return [
    { ...guard, name: setName(family, 'guard'), type: 'hash:net' },
    { ...guard, name: setName(family, 'listening'), type: 'hash:net,port' },
  ];
}

/** Silent sessions that are refused now, to be cut: (who answers, its port, the client). Members expire. */
function cutSet(family: Family): IpSet {
  const type = 'hash:ip,port,net';
  return { name: setName(family, 'cut'), family, type, expiring: true, effect: 'closes', members: [] };
}

/** Where TCP services of containers answer from, before the source is translated back: they begin nothing in the middle. */
function answerSet({ services }: Policy, family: Family): IpSet {
  const members = answerMembers(services, family);
  const type = 'hash:net,port';
  return { name: setName(family, 'answers'), family, type, expiring: false, effect: 'closes', members };
}

/** How long somebody who was turned away is remembered, seconds: a day. */
export const rememberedFor = 86_400;

/** Four sets of these are about 1 MB, and `ipset save`, which every pass reads, prints them in some 15 ms (measured). */
const mostBlocked = 4096;

/** Who was turned away; the rules of the gate fill them. Members expire. */
function blockedSets({ rememberBlocked }: Policy, family: Family): readonly IpSet[] {
  if (!rememberBlocked) return [];
  const blocked = {
    family,
    type: 'hash:ip,port',
    expiring: true,
    atMost: mostBlocked,
    effect: 'closes',
    members: [],
  } as const;
  return [
    { ...blocked, name: setName(family, blockedRoles.first), counters: true },
    { ...blocked, name: setName(family, blockedRoles.last) },
  ];
}

/** Every published port once for each thing that is counted; sets of their own, for the trusted meet no other with ports in it. */
function countSets(family: Family, members: readonly string[]): readonly IpSet[] {
  return Object.values(countRoles).map((role) => ({
    name: setName(family, role),
    family,
    type: 'hash:net,port',
    expiring: false,
    counters: true,
    effect: 'closes',
    members,
  }));
}

function sourceSets(policy: Policy, family: Family): readonly IpSet[] {
  return [...listSets(policy, family), ...guardSets(family), cutSet(family), ...blockedSets(policy, family)];
}

/**
 * A set of the sets of others that a list names: the kernel looks into them at each packet, so what their keeper puts in counts from
 * the next one on, and nobody has to be told.
 */
function foreignSet(
  family: Family,
  role: string,
  { effect, ipsets }: { effect: IpSet['effect']; ipsets: readonly string[] },
): IpSet {
  const name = setName(family, foreignRole(role));
  return { name, family, type: 'list:set', expiring: false, effect, members: ipsets };
}

/** Live sets: an administrator may add to them, with a timeout or (until the next pass) without. */
function listSets(policy: Policy, family: Family): readonly IpSet[] {
  const source = (
    role: string,
    effect: IpSet['effect'],
    { networks, ipsets }: PolicyMembers,
  ): readonly IpSet[] => {
    const own: IpSet = {
      name: setName(family, role),
      family,
      type: 'hash:net',
      expiring: true,
      effect,
      notes: true,
      members: toSetMembers(networks, family),
    };
    return ipsets.length === 0 ? [own] : [own, foreignSet(family, role, { effect, ipsets })];
  };
  const denied = new Set<string>([...policy.deny.groups, ...usedRoles(policy).deniedGroups]);
  return [
    ...source('trusted', 'opens', policy.trusted),
    ...source('deny', 'closes', policy.deny),
    ...[...policy.groups].flatMap(([name, members]) => [
      ...source(`src-${name}`, 'opens', members),
      // A set of its own: were one set to open and to close, no order of its changes would be safe.
      ...(denied.has(name) ? source(`den-${name}`, 'closes', members) : []),
    ]),
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
    type: role.endsWith('-bound') ? 'hash:ip,port,net' : 'hash:net,port',
    expiring: false,
    effect,
    members,
  });
  const uses = usedRoles(policy);
  return [
    set('published', 'closes', open.published),
    set('public', 'opens', open.everyone),
    ...(routed ? [] : [set('allow-pairs', 'opens', open.allowedNetworks.pairs)]),
    ...(uses.allowBound ? [set('allow-bound', 'opens', open.allowedNetworks.bound)] : []),
    ...(uses.denyPairs && !routed ? [set('deny-pairs', 'closes', open.deniedNetworks.pairs)] : []),
    ...(uses.denyBound ? [set('deny-bound', 'closes', open.deniedNetworks.bound)] : []),
    ...[...policy.groups.keys()].map((name) => set(`to-${name}`, 'opens', open.allowed.get(name) ?? [])),
    ...uses.deniedGroups.map((name) => set(`not-${name}`, 'closes', open.denied.get(name) ?? [])),
  ];
}

/** Sets and rules that most hosts never need are made where a label asks for them. */
export interface UsedRoles {
  /** Networks written in labels of ports that are bound to one address, or reached without NAT. */
  readonly allowBound: boolean;
  readonly denyPairs: boolean;
  readonly denyBound: boolean;
  /** Groups that some label denies. */
  readonly deniedGroups: readonly GroupName[];
}

export function usedRoles(policy: Policy): UsedRoles {
  const ports = policy.services.flatMap((service) => service.ports.map((port) => ({ service, port })));
  const isBound = ({ service, port }: (typeof ports)[number]): boolean =>
    port.address !== 'any' || service.endpoints.some(({ routed }) => routed);
  const names = (rules: readonly PeerRule[]): boolean => rules.some(({ peer }) => peer.kind === 'network');
  const denied = ports.flatMap(({ port }) =>
    port.reach.deny.flatMap(({ peer }) => (peer.kind === 'group' ? [peer.name] : [])),
  );
  return {
    allowBound: ports.some((item) => isBound(item) && names(item.port.reach.allow)),
    denyPairs: ports.some(({ port }) => port.address === 'any' && names(port.reach.deny)),
    denyBound: ports.some((item) => isBound(item) && names(item.port.reach.deny)),
    deniedGroups: [...new Set(denied)].sort(),
  };
}
