import * as fc from 'fast-check';
import type { Cidr } from '../../../src/decide/net/network.ts';
import { parseNetworks } from '../../../src/decide/net/parse-networks.ts';

/** IPv6 in any valid spelling, often with few distinct groups, so that zeros and neighbours are common. */
export const ipv6Text = fc.oneof(
  fc.ipV6(),
  fc
    .array(fc.constantFrom('0', '1', 'ffff', '2001', 'DB8'), { minLength: 8, maxLength: 8 })
    .map((groups) => groups.join(':')),
);

/** A canonical network. */
export const network: fc.Arbitrary<Cidr> = fc
  .tuple(fc.oneof(fc.ipV4(), ipv6Text), fc.nat(128))
  .map(([host, prefix]) => cidr(`${host}/${host.includes(':') ? prefix : prefix % 33}`))
  .filter((made) => made !== undefined);

function cidr(text: string): Cidr | undefined {
  const parsed = parseNetworks(text);
  return parsed.ok ? parsed.networks[0] : undefined;
}

export function networks(...texts: readonly string[]): readonly Cidr[] {
  return texts.flatMap((text) => {
    const parsed = parseNetworks(text);
    if (!parsed.ok) throw new Error(parsed.problem);
    return parsed.networks;
  });
}
