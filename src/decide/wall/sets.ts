import { toSetMembers } from '../net/merge-networks.ts';
import { type Family, families } from '../net/network.ts';
import { type Protocol, protocols } from '../net/port.ts';
import { isSourceWord } from '../net/source-word.ts';
import type { PeerRule, Policy, PolicyMembers } from '../policy/model.ts';
import { isDoor, namesAddresses, peerRulesOf } from '../policy/peers.ts';
import type { IpSet } from './model.ts';
import {
  askedRole,
  blockedRoles,
  countRoles,
  foreignSet,
  listSet,
  observingRole,
  type PortPrefix,
  type PortRole,
  portsSet,
  setName,
  unheardRoles,
  type SourceList,
  widePrefix,
} from './names.ts';
import { answerMembers, type Openings, openings, type PortRoles } from './openings.ts';

type GroupName = Policy['deny']['groups'][number];

/** Whether any network is in routed gateway mode; only then has the gate rules and sets for it. */
export function hasRouted(policy: Policy): boolean {
  return policy.services.some((service) => service.endpoints.some(isDoor));
}

/** Every ipset of both families. `ports` false: Docker has not been asked yet, so port sets stay as they are. */
export function renderSets(policy: Policy, ports: boolean): readonly IpSet[] {
  return families.flatMap((family) => {
    const doors = doorKinds(policy).map((routed) => ({ routed, open: openings(policy, family, routed) }));
    const sets = [
      ...doors.flatMap((kind) => portSets(policy, family, kind)),
      answerSet(policy, family),
      ...countSets(family, doors.flatMap(({ open }) => open.counted).toSorted()),
    ];
    return [
      ...sourceSets(policy, family),
      ...(ports ? sets : sets.map((set): IpSet => ({ ...set, members: 'keep' }))),
    ];
  });
}

/** Whether doors are without NAT; only where some are, sets are made for them. */
function doorKinds(policy: Policy): readonly boolean[] {
  return hasRouted(policy) ? [false, true] : [false];
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

/** While it holds every address, the walls only look (see observing.ts); only a verb fills it. */
function observingSet(family: Family): IpSet {
  const name = setName(family, observingRole);
  return { name, family, type: 'hash:net', expiring: true, effect: 'opens', members: [] };
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

/** Of the guard's drops fewer: most are of somebody who tries every port. */
const mostUnheard = 1024;

/**
 * Who was turned away; the rules of the gate fill them. Members expire. Networks, since `hash:ip,port` does not take 0.0.0.0, which asks
 * for an address by DHCP.
 */
function blockedSets({ rememberBlocked }: Policy, family: Family): readonly IpSet[] {
  if (!rememberBlocked) return [];
  const kinds = [
    [blockedRoles, mostBlocked],
    [unheardRoles, mostUnheard],
  ] as const;
  return kinds.flatMap(([{ first, last }, atMost]): readonly IpSet[] => {
    const blocked = {
      family,
      type: 'hash:net,port',
      expiring: true,
      atMost,
      effect: 'closes',
      members: [],
    } as const;
    return [
      { ...blocked, name: setName(family, first), counters: true },
      { ...blocked, name: setName(family, last) },
    ];
  });
}

/**
 * So long a question to many waits for answers, seconds: SSDP's come within 5 (MX, UPnP 1.1, 1.3.2), those of slow devices later. After about
 * the same time the guard knows a socket that is still there.
 */
export const askedFor = 20;

/** From where this host has asked many; a rule of the gate fills it. Members expire. */
function askedSet(family: Family): IpSet {
  return {
    name: setName(family, askedRole),
    family,
    type: 'hash:ip,port',
    expiring: true,
    atMost: 4096,
    effect: 'opens',
    members: [],
  };
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
  return [
    ...listSets(policy, family),
    ...guardSets(family),
    observingSet(family),
    askedSet(family),
    cutSet(family),
    ...blockedSets(policy, family),
  ];
}

/**
 * A set of the external sets that a list names: the kernel looks into them at each packet, so what their keeper puts in counts from
 * the next one on, and nobody has to be told.
 */
function setOfSets(
  family: Family,
  list: SourceList,
  { effect, ipsets }: { effect: IpSet['effect']; ipsets: readonly string[] },
): IpSet {
  const name = foreignSet(family, list);
  return { name, family, type: 'list:set', expiring: false, effect, members: ipsets };
}

/** Live sets: an administrator may add to them, with a timeout or (until the next pass) without. */
function listSets(policy: Policy, family: Family): readonly IpSet[] {
  const source = (
    list: SourceList,
    effect: IpSet['effect'],
    { networks, ipsets }: PolicyMembers,
  ): readonly IpSet[] => {
    const own: IpSet = {
      name: listSet(family, list),
      family,
      type: 'hash:net',
      expiring: true,
      effect,
      notes: true,
      members: toSetMembers(networks, family),
    };
    return ipsets.length === 0 ? [own] : [own, setOfSets(family, list, { effect, ipsets })];
  };
  const denied = new Set<string>([...policy.deny.groups, ...usedRoles(policy).deniedGroups]);
  return [
    ...source('trusted', 'opens', policy.trusted),
    ...source('deny', 'closes', policy.deny),
    ...[...policy.groups]
      .filter(([name]) => !isSourceWord(name))
      .flatMap(([group, members]) => [
        ...source({ use: 'src', group }, 'opens', members),
        // A set of its own: were one set to open and to close, no order of its changes would be safe.
        ...(denied.has(group) ? source({ use: 'den', group }, 'closes', members) : []),
      ]),
  ];
}

interface Doors {
  readonly routed: boolean;
  readonly open: Openings;
}

function portSets(policy: Policy, family: Family, doors: Doors): readonly IpSet[] {
  const { routed, open } = doors;
  const type = 'hash:net,port';
  return [
    ...roleSets(policy, { family, prefix: routed ? 'r-' : '', type }, open),
    ...labelSets(policy, family, doors),
    ...(routed
      ? []
      : wideProtocols(policy).flatMap((protocol) => {
          const prefix = widePrefix[protocol];
          return roleSets(policy, { family, prefix, type: 'bitmap:port' }, open.wide.get(protocol));
        })),
  ];
}

/** Which ports are published and open to everybody, and for each group which are open to it or refused. */
function roleSets(
  policy: Policy,
  { family, prefix, type }: Pick<IpSet, 'family' | 'type'> & { readonly prefix: PortPrefix },
  open: PortRoles | undefined,
): readonly IpSet[] {
  const set = (role: PortRole, effect: IpSet['effect'], members: readonly string[] = []): IpSet => ({
    name: portsSet(family, prefix, role),
    family,
    type,
    expiring: false,
    effect,
    members,
  });
  return [
    set('published', 'closes', open?.published),
    set('public', 'opens', open?.everyone),
    ...ruledGroups(policy).map((who) => set({ use: 'to', who }, 'opens', open?.allowed.get(who))),
    ...usedRoles(policy).deniedGroups.map((who) => set({ use: 'not', who }, 'closes', open?.denied.get(who))),
  ];
}

/** The addresses that labels name, written out or by a DNS name, each with the port that it is named for. */
function labelSets(policy: Policy, family: Family, { routed, open }: Doors): readonly IpSet[] {
  const { allowPairs, allowBound, denyPairs, denyBound } = usedRoles(policy);
  const prefix = routed ? 'r-' : '';
  const set = (role: string, effect: IpSet['effect'], members: readonly string[]): IpSet => ({
    name: setName(family, `${prefix}${role}`),
    family,
    type: role.endsWith('-bound') ? 'hash:ip,port,net' : 'hash:net,port',
    expiring: false,
    effect,
    members,
  });
  return [
    ...(allowPairs && !routed ? [set('allow-pairs', 'opens', open.allowedNetworks.pairs)] : []),
    ...(allowBound ? [set('allow-bound', 'opens', open.allowedNetworks.bound)] : []),
    ...(denyPairs && !routed ? [set('deny-pairs', 'closes', open.deniedNetworks.pairs)] : []),
    ...(denyBound ? [set('deny-bound', 'closes', open.deniedNetworks.bound)] : []),
  ];
}

/** Those sets of both families that hold what DNS names in labels mean. */
export function renderLabelSets(policy: Policy): readonly IpSet[] {
  return families.flatMap((family) =>
    doorKinds(policy).flatMap((routed) =>
      labelSets(policy, family, { routed, open: openings(policy, family, routed) }),
    ),
  );
}

/**
 * Who has a set of ports and a rule: groups, and interfaces of this host that labels name. Their number is the configuration's and the
 * host's; a DNS name in a label has neither, for anybody may write a thousand of them.
 */
export function ruledGroups({ groups }: Pick<Policy, 'groups'>): readonly GroupName[] {
  return [...groups].flatMap(([name, { interfaces }]) =>
    !isSourceWord(name) || interfaces.length > 0 ? [name] : [],
  );
}

/** Sets and rules that most hosts never need are made where a label asks for them. */
export interface UsedRoles {
  /** Addresses and DNS names written in labels. */
  readonly allowPairs: boolean;
  /** The same for ports that are bound to one address, or reached without NAT. */
  readonly allowBound: boolean;
  readonly denyPairs: boolean;
  readonly denyBound: boolean;
  /** Groups that some label denies. */
  readonly deniedGroups: readonly GroupName[];
}

/** Protocols of which wide services have ports: only for these has the gate sets and rules that know no addresses. */
export function wideProtocols({ services }: Policy): readonly Protocol[] {
  const wide = services.filter((service) => service.wide === true);
  return protocols.filter((protocol) =>
    wide.some(({ ports }) => ports.some((port) => port.protocol === protocol)),
  );
}

export function usedRoles(policy: Policy): UsedRoles {
  const ports = policy.services.flatMap((service) => service.ports.map((port) => ({ service, port })));
  const isBound = ({ service, port }: (typeof ports)[number]): boolean =>
    port.address !== 'any' || service.endpoints.some(isDoor);
  const names = (rules: readonly PeerRule[]): boolean => rules.some(({ peer }) => namesAddresses(peer));
  const ruled = new Set(ruledGroups(policy));
  const denied = ports.flatMap(({ port }) =>
    peerRulesOf(port, 'deny').flatMap(({ peer }) =>
      peer.kind === 'group' && ruled.has(peer.name) ? [peer.name] : [],
    ),
  );
  return {
    allowPairs: ports.some(({ port }) => port.address === 'any' && names(port.reach.allow)),
    allowBound: ports.some((item) => isBound(item) && names(peerRulesOf(item.port, 'allow'))),
    denyPairs: ports.some(({ port }) => port.address === 'any' && names(port.reach.deny)),
    denyBound: ports.some((item) => isBound(item) && names(peerRulesOf(item.port, 'deny'))),
    deniedGroups: [...new Set(denied)].sort(),
  };
}
