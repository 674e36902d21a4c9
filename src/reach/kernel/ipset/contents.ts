import { fitsOneAddress } from '../../../decide/diff/foreign.ts';
import type { ObservedSet } from '../../../decide/diff/model.ts';
import type { Cidr } from '../../../decide/net/network.ts';
import { parseNetworks } from '../../../decide/net/parse-networks.ts';
import { subtractNetworks } from '../../../decide/net/subtract-networks.ts';

/**
 * The addresses that an external set matches, as networks. An exception (`nomatch`) takes its network out of every wider one, and a
 * narrower member puts a part of it in again: the longest prefix decides (ip_set_hash_gen.h, mtype_test_cidrs). Nothing for
 * sets that one address cannot be held against.
 */
export function networksOf({ name, type, members }: ObservedSet): readonly Cidr[] {
  if (!fitsOneAddress({ name, type })) return [];
  const netmask = / netmask (\d+)/.exec(type)?.[1];
  const entries = [...members.keys()].flatMap((member) => {
    const [text = '', nomatch] = member.split(' ');
    const parsed = parseNetworks(netmask === undefined ? text : `${text}/${netmask}`);
    return parsed.ok ? parsed.networks.map((network) => ({ network, except: nomatch !== undefined })) : [];
  });
  if (entries.every(({ except }) => !except)) return entries.map(({ network }) => network);
  const widestFirst = entries.toSorted((a, b) => prefixOf(a.network) - prefixOf(b.network));
  let networks: readonly Cidr[] = [];
  for (const { network, except } of widestFirst) {
    networks = except ? subtractNetworks(networks, network) : networks.concat(network);
  }
  return networks;
}

function prefixOf(network: Cidr): number {
  return Number(network.split('/')[1] ?? 128);
}
