import { splitList } from './list.ts';
import { parseNetworks } from './parse-networks.ts';
import { show } from './show.ts';

/** A sentence about each network of a list that is written with one of its addresses. */
export function hostBitsIn(list: string): readonly string[] {
  return splitList(list).flatMap((word) => hostBits(word) ?? []);
}

/** A sentence about a network that is written with one of its addresses (`203.0.113.20/24`), or undefined. */
export function hostBits(text: string): string | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const address = text.slice(0, slash);
  const [one, whole] = [parseNetworks(address), parseNetworks(text)];
  if (!one.ok || !whole.ok) return undefined;
  const [network = ''] = whole.networks;
  if (network.split('/')[0] === one.networks[0]) return undefined;
  return `${show(text)} is all of ${show(network)}: write that, or ${show(address)} for the one address`;
}
