import { createHash } from 'node:crypto';
import type { Family } from '../net/network.ts';
import type { Protocol } from '../net/port.ts';
import { interfaceOf } from '../net/source-word.ts';
import type { ChainName, SetName } from './model.ts';

/** xtables: a chain name has at most 28 bytes (XT_EXTENSION_MAXNAMELEN 29 with the final zero). */
const longestChain = 28;
/** ipset: a set name has at most 31 bytes (IPSET_MAXNAMELEN 32 with the final zero). */
const longestSet = 31;

const chainPrefix = 'DOCKWALL-';
const setPrefixes = ['dockwall4-', 'dockwall6-'];

/** Ours by name. `DOCKWALL` alone is another project's chain. */
export function isOwnedChain(name: string): boolean {
  return name.startsWith(chainPrefix);
}

/** Ours by name. */
export function isOwnedSet(name: string): boolean {
  return setPrefixes.some((prefix) => name.startsWith(prefix));
}

function chain(suffix: string): ChainName {
  return `${chainPrefix}${suffix}`.slice(0, longestChain) as ChainName;
}

/** The chains of both walls. */
export const chains = {
  /** mangle: which interfaces are outside, and the verdict on what comes from there for the host itself. */
  gate: chain('GATE'),
  /** mangle: that verdict, where the configuration lists the interfaces that are outside. */
  judge: chain('JUDGE'),
  /** mangle: the verdict on a packet for an address behind the host. */
  routed: chain('ROUTED'),
  /** mangle: writes the mark bit. */
  pass: chain('PASS'),
  /** mangle: what goes to a Docker bridge needs the mark bit. */
  forward: chain('FORWARD'),
  /** mangle: drops what came from outside without it, where the configuration lists the interfaces that are outside. */
  unpassed: chain('UNPASSED'),
  /** mangle: counts and remembers who asked for a published port and is turned away, or let in while somebody only looks (see observing.ts). */
  blocked: chain('BLOCKED'),
  /** mangle: drops, and writes down in the connection that it was refused. */
  refuse: chain('REFUSE'),
  /** mangle: answers of connections that have been refused since they began. */
  replies: chain('REPLIES'),
  /** mangle: drops those that go outside. */
  cut: chain('CUT'),
  /** mangle: remembers where this host has asked a group or everybody from. */
  asks: chain('ASKS'),
  /** mangle: remembers and drops what nobody is known to listen for. */
  unheard: chain('UNHEARD'),
  /** mangle: what is for this host, while the guard is up. */
  input: chain('INPUT'),
  /** mangle: lets through what the host's own services listen for; a part of `input` but where interfaces are listed. */
  listening: chain('LISTENING'),
  /** filter: the recipe. */
  services: chain('SERVICES'),
} as const;

/** The chains of the boot wall (see boot.ts), all in mangle. */
export const bootChains = {
  /** What is for this host. */
  input: chain('BOOT-INPUT'),
  /** Lets through what the host itself serves. */
  ports: chain('BOOT-PORTS'),
  /** What goes to a Docker bridge. */
  forward: chain('BOOT-FORWARD'),
  /** Drops what came from outside. */
  outside: chain('BOOT-OUTSIDE'),
} as const;

export function isBootChain(name: string): boolean {
  return name.startsWith(chain('BOOT-'));
}

/** The sub-chain of one Docker network in the front, by the first 12 digits of its id. */
export function networkChain(networkId: string): ChainName {
  return chain(`NET-${networkId.replaceAll(/[^0-9a-zA-Z]/g, '').slice(0, 12)}`);
}

/** Whether it is one that the front makes: the recipe itself, or a network's part of it. */
export function isFrontChain(name: string): boolean {
  return name === chains.services || name.startsWith(chain('NET-'));
}

/** What the gate counts of each published port, by role; sets with counters. */
export const countRoles = {
  /** Packets of the side that opened the connection, let in. */
  passed: 'count-passed',
  /** Those of them that begin a connection. */
  begun: 'count-begun',
  /** Packets turned away. */
  refused: 'count-refused',
} as const;

/** Holds every address while the walls only look; its members expire. */
export const observingRole = 'observing';

/** Who was turned away: (source, port asked for), by role. Not `blocked`, as sets of another type were once called: no rule lets go of those in time. */
export const blockedRoles = {
  /** Counts its packets, for as long as it is remembered since the first. */
  first: 'turned-away',
  /** For as long as it is remembered since the last. */
  last: 'turned-away-last',
} as const;

/** The same for what the guard turns away: sets of their own, or who tries every port pushes all others out. */
export const unheardRoles = { first: 'unheard', last: 'unheard-last' } as const;

/** Where this host has asked a group or everybody from: (own address or the one that was asked, the port that asked). */
export const askedRole = 'asked';

const filledByRules = [...Object.values(blockedRoles), ...Object.values(unheardRoles), askedRole];

/** Filled by rules of the gate, so they change at any time and may be full. */
export function isFilledByRules(name: string): boolean {
  return setPrefixes.some((prefix) => filledByRules.some((role) => name === `${prefix}${role}`));
}

const temporary = 'tmp-';

/** A set that is filled to take another's place, and then goes. `token` makes it nobody else's. */
export function temporarySet(family: Family, token: string): SetName {
  return setName(family, `${temporary}${token}`);
}

/** One that is there after its process has ended was left behind. */
export function isTemporarySet(name: string): boolean {
  return setPrefixes.some((prefix) => name.startsWith(`${prefix}${temporary}`));
}

/**
 * A set of which there is one in each family, by its role: `dockwall4-trusted`. A role is one of our own words, so a RangeError for one that
 * is too long is a mistake of ours.
 */
export function setName(family: Family, role: string): SetName {
  const name = `dockwall${family}-${role}`;
  if (name.length > longestSet) throw new RangeError(`${name} is too long for the name of a set`);
  return name as SetName;
}

/**
 * What is in front of the names of sets that hold ports: none where they are host ports with addresses, `r-` where they are a
 * container's own, reached without NAT; and one for each protocol where they are ports alone, in a `bitmap:port` (see `wide` of a
 * service), which holds all 65,536 in 8 KB and is listed 40 times as fast (measured: ipset 7.17, Linux 6.18).
 */
export type PortPrefix = '' | 'r-' | 't-' | 'u-' | 's-';

export const widePrefix: Readonly<Record<Protocol, PortPrefix>> = { tcp: 't-', udp: 'u-', sctp: 's-' };

/** What sets are for that are called after something that a person has named. */
type NamedUse =
  | 'src'
  | 'den'
  | 'ext'
  | 'exd'
  /** Ports that a group may reach, or may not; that whoever comes by an interface may, or may not. */
  | `${PortPrefix}${'to' | 'not' | 'via' | 'nov'}`;

/** A name that does not begin with a dot and can stand in the name of a set. */
const plainName = /^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/;
/** Of base64url, 6 bits each: 84 bits. With the longest use (`r-not-`) this is a name of 31 bytes. */
const digestLength = 14;

/**
 * A set that is called after a group or an interface: `dockwall4-src-web`. A name that is too long is told by a digest behind a dot, with
 * which no name begins: two names never make one set.
 */
function namedSet(family: Family, use: NamedUse, name: string): SetName {
  const plain = `dockwall${family}-${use}-${name}`;
  if (plain.length <= longestSet && plainName.test(name)) return plain as SetName;
  const digest = createHash('sha256').update(name).digest('base64url').slice(0, digestLength);
  return setName(family, `${use}-.${digest}`);
}

/** A list of sources: of the configuration, or of a group, which has one set to let in (`src`) and one to refuse (`den`). */
export type SourceList = 'trusted' | 'deny' | { readonly use: 'src' | 'den'; readonly group: string };

/** The set that holds the list's own networks. */
export function listSet(family: Family, list: SourceList): SetName {
  return typeof list === 'string' ? setName(family, list) : namedSet(family, list.use, list.group);
}

/** The set that looks into external sets for the list. A group may be called `trusted` too: the lists without a name keep theirs in front. */
export function foreignSet(family: Family, list: SourceList): SetName {
  if (typeof list === 'string') return setName(family, `${list}-ext`);
  return namedSet(family, list.use === 'src' ? 'ext' : 'exd', list.group);
}

/** What ports are in a set for; `who`: a group, or `interface:NAME` in a label. */
export type PortRole = 'published' | 'public' | { readonly use: 'to' | 'not'; readonly who: string };

/** The set of the ports that are published, open to everybody, or open or closed to somebody. */
export function portsSet(family: Family, prefix: PortPrefix, role: PortRole): SetName {
  if (typeof role === 'string') return setName(family, prefix + role);
  const { use, who } = role;
  const by = interfaceOf(who);
  if (by === undefined) return namedSet(family, `${prefix}${use}`, who);
  return namedSet(family, `${prefix}${use === 'to' ? 'via' : 'nov'}`, by);
}
