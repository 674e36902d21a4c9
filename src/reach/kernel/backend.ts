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

/**
 * The capabilities that the tools need and this process lacks. iptables-legacy-restore says the same words
 * ("unable to initialize table") for a missing capability and for a missing kernel module.
 */
export async function missingCapabilities(readFile: ReadFile): Promise<readonly string[]> {
  const status = (await readIfThere(readFile, '/proc/self/status')) ?? '';
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (mask === undefined) return [];
  return capabilities.filter(([, bit]) => ((BigInt(`0x${mask}`) >> bit) & 1n) === 0n).map(([name]) => name);
}

async function readIfThere(readFile: ReadFile, file: string): Promise<string | undefined> {
  return readFile(file).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
}
