import type { Backend } from '../../decide/diff/model.ts';
import type { Family } from '../../decide/net/network.ts';

/** One of the four rule sets that a network namespace may have. */
export interface Side {
  readonly family: Family;
  readonly backend: Backend;
}

/**
 * The program for one side. The plain names (`iptables-save`) point at either backend, as the distribution
 * or the administrator likes; the suffixed ones say which (Debian since 10, Alpine with iptables-legacy).
 */
export function programOf({ family, backend }: Side, verb: 'save' | 'restore'): string {
  return `${family === 4 ? 'iptables' : 'ip6tables'}-${backend}-${verb}`;
}

/** `IPv4, nft`: a side in messages. */
export function showSide({ family, backend }: Side): string {
  return `IPv${family}, ${backend}`;
}

/** Reads one small file of /proc. */
export type ReadFile = (path: string) => Promise<string>;

/**
 * Whether legacy tables exist, without making any: `iptables-legacy` would load modules and create empty
 * tables by looking. The file lists the tables of this process's network namespace (often only `nat`), and
 * is absent where the module is. Rejects where it may not be read: it is for root (0440).
 */
export async function hasLegacyTables(readFile: ReadFile, family: Family): Promise<boolean> {
  const file = family === 4 ? '/proc/net/ip_tables_names' : '/proc/net/ip6_tables_names';
  return ((await readIfThere(readFile, file)) ?? '').trim() !== '';
}

/**
 * Whether packets of a family can exist at all. With `ipv6.disable=1` or without CONFIG_IPV6 the stack never
 * registers this file (net/ipv6/addrconf.c, if6_proc_init).
 */
export async function hasFamily(readFile: ReadFile, family: Family): Promise<boolean> {
  return family === 4 || (await readIfThere(readFile, '/proc/net/if_inet6')) !== undefined;
}

/** Bits of the capability masks in /proc/PID/status (linux/capability.h). */
const capabilities = [
  ['NET_ADMIN', 12n],
  ['NET_RAW', 13n],
] as const;

/** What CAP_SYS_ADMIN and its like come with: `privileged: true`, or a process of the host's root. */
const strongCapabilities = [
  ['SYS_MODULE', 16n],
  ['SYS_RAWIO', 17n],
  ['SYS_PTRACE', 19n],
  ['SYS_ADMIN', 21n],
] as const;

/** What this process may do (`CapEff`), as far as it matters here. */
export interface Rights {
  /**
   * The capabilities that the tools need and this process lacks. iptables-legacy-restore says the same words
   * ("unable to initialize table") for a missing capability and for a missing kernel module.
   */
  readonly missing: readonly string[];
  /** Those that nothing here needs and that are as good as root on the host. */
  readonly strong: readonly string[];
  /** How many capabilities it has besides the two. */
  readonly more: number;
}

/** Reads them from /proc/self/status; one that does not say counts as one that has what is needed. */
export async function readRights(readFile: ReadFile): Promise<Rights> {
  const status = (await readIfThere(readFile, '/proc/self/status')) ?? '';
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (mask === undefined) return { missing: [], strong: [], more: 0 };
  const bits = BigInt(`0x${mask}`);
  const has = ([, bit]: readonly [string, bigint]): boolean => ((bits >> bit) & 1n) === 1n;
  const all = bits.toString(2).replaceAll('0', '').length;
  return {
    missing: capabilities.filter((one) => !has(one)).map(([name]) => name),
    strong: strongCapabilities.filter(has).map(([name]) => name),
    more: all - capabilities.filter(has).length,
  };
}

/** The capabilities that the tools need and this process lacks. */
export async function missingCapabilities(readFile: ReadFile): Promise<readonly string[]> {
  return (await readRights(readFile)).missing;
}

async function readIfThere(readFile: ReadFile, file: string): Promise<string | undefined> {
  return readFile(file).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
}
