import { contains } from '../net/merge-networks.ts';
import type { Cidr } from '../net/network.ts';
import { privateNetworks } from '../policy/groups.ts';

/** Names whose addresses are private or loopback: meant where clients are in the same network, a mistake elsewhere. */
export function privateNotes(
  names: readonly { readonly name: string; readonly networks: readonly Cidr[] }[],
): readonly string[] {
  return names.flatMap(({ name, networks }) => {
    const inside = networks.filter((one) => notRouted.some((network) => contains(network, one)));
    if (inside.length === 0) return [];
    const which = inside.slice(0, 3).join(', ') + (inside.length > 3 ? ', ...' : '');
    return [`${name} means ${which}: a private address, which only clients in that network have`];
  });
}

const notRouted = [...privateNetworks, '127.0.0.0/8' as Cidr, '::1' as Cidr];
