import { createHash } from 'node:crypto';
import type { Family } from '../net/network.ts';
import type { Protocol } from '../net/port.ts';
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
  /** mangle: which interfaces are outside. */
  gate: chain('GATE'),
  /** mangle: the verdict on a packet for the host itself. */
  judge: chain('JUDGE'),
  /** mangle: the verdict on a packet for an address behind the host. */
  routed: chain('ROUTED'),
  /** mangle: writes the mark bit. */
  pass: chain('PASS'),
  /** mangle: what goes to a Docker bridge needs the mark bit. */
  forward: chain('FORWARD'),
  /** mangle: drops what came from outside without it. */
  unpassed: chain('UNPASSED'),
  /** mangle: counts and remembers who asked for a published port and is refused. */
  blocked: chain('BLOCKED'),
  /** mangle: drops, and writes down in the connection that it was refused. */
  refuse: chain('REFUSE'),
  /** mangle: answers of connections that have been refused since they began. */
  replies: chain('REPLIES'),
  /** mangle: drops those that go outside. */
  cut: chain('CUT'),
  /** mangle: what is for this host, while the guard is up. */
  input: chain('INPUT'),
  /** mangle: lets through what the host's own services listen for. */
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

/** What the gate counts of each published port, by role; sets with counters. */
export const countRoles = {
  /** Packets of the side that opened the connection, let in. */
  passed: 'count-passed',
  /** Those of them that begin a connection. */
  begun: 'count-begun',
  /** Packets turned away. */
  refused: 'count-refused',
} as const;

/**
 * The set for ports of one protocol of containers that have very many (`wide`), in the place of `role`: a `bitmap:port` holds all
 * 65,536 in 8 KB and is listed 40 times as fast as ports with addresses (measured: ipset 7.17, Linux 6.18).
 */
export function wideRole(role: string, protocol: Protocol): string {
  return `${protocol}-${role}`;
}

/** Who was turned away: (source, port asked for), by role. */
export const blockedRoles = {
  /** Counts its packets, for as long as it is remembered since the first. */
  first: 'blocked',
  /** For as long as it is remembered since the last. */
  last: 'blocked-last',
} as const;

/** Filled by the gate for each who is turned away, so they change at any time and may be full. */
export function isBlockedSet(name: string): boolean {
  return setPrefixes.some((prefix) =>
    Object.values(blockedRoles).some((role) => name === `${prefix}${role}`),
  );
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

/** A set by its role: `dockwall4-trusted`, `dockwall6-src-web`. Longer names keep their head and get a hash. */
export function setName(family: Family, role: string): SetName {
  const name = `dockwall${family}-${role}`;
  if (name.length <= longestSet) return name as SetName;
  const hash = createHash('sha256').update(role).digest('hex').slice(0, 6);
  return `${name.slice(0, longestSet - hash.length - 1)}-${hash}` as SetName;
}

/**
 * The role of the set that looks into sets of others for a list of sources, by the role of the set that holds the list's own networks.
 * A group may be called `trusted` too: the lists without a name keep theirs in front.
 */
export function foreignRole(role: string): string {
  if (role.startsWith('src-')) return `ext-${role.slice('src-'.length)}`;
  if (role.startsWith('den-')) return `exd-${role.slice('den-'.length)}`;
  return `${role}-ext`;
}
