import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Cidr } from '../../decide/net/network.ts';
import { parseNetworks } from '../../decide/net/parse-networks.ts';

/*
 * Not `os.networkInterfaces()`: Node (24) collects by name in a plain object, and whoever may make a network names its bridge. One called
 * `constructor` makes it throw, one called `__proto__` writes into Object.prototype of the whole process.
 */

const files = ['/proc/net/fib_trie', '/proc/net/if_inet6'] as const;

/** The addresses of the host's interfaces that are up. */
export function ownAddresses(): ReadonlySet<Cidr> {
  const [trie, inet6] = files.map((file) => {
    try {
      return readFileSync(file, 'utf8');
    } catch {
      return '';
    }
  });
  return parseOwnAddresses(trie, inet6);
}

/** See {@link ownAddresses}; the table of routes may be long. */
export async function readOwnAddresses(): Promise<ReadonlySet<Cidr>> {
  // without IPv6 there is no if_inet6
  const [trie, inet6] = await Promise.all(files.map(async (file) => readFile(file, 'utf8').catch(() => '')));
  return parseOwnAddresses(trie, inet6);
}

/**
 * @param trie /proc/net/fib_trie: an address of the host is a route of its own, `/32 host LOCAL` (Linux, net/ipv4/fib_trie.c).
 * @param inet6 /proc/net/if_inet6: 32 hex digits begin each line (net/ipv6/addrconf.c).
 */
export function parseOwnAddresses(trie = '', inet6 = ''): ReadonlySet<Cidr> {
  const v4 = [...trie.matchAll(/\|-- (\S+)\n(?:\s+\/\d+ .*\n)*?\s+\/32 host LOCAL/g)].map(
    ([, address = '']) => address,
  );
  const v6 = [...inet6.matchAll(/^[0-9a-f]{32}(?= )/gm)].map(([hex]) => hex.replaceAll(/.{4}(?=.)/g, '$&:'));
  return new Set(
    [...v4, ...v6].flatMap((address) => {
      const parsed = parseNetworks(address);
      return parsed.ok ? parsed.networks : [];
    }),
  );
}
