import fc from 'fast-check';
import { expect, it } from 'vitest';
import { contains } from '../../../src/decide/net/merge-networks.ts';
import type { Cidr } from '../../../src/decide/net/network.ts';
import { parseNetworks } from '../../../src/decide/net/parse-networks.ts';
import { subtractNetworks } from '../../../src/decide/net/subtract-networks.ts';

function subtract(networks: readonly string[], taken: string): readonly string[] {
  return subtractNetworks(networks as readonly Cidr[], taken as Cidr);
}

it.each<[readonly string[], string, readonly string[]]>([
  [['198.51.100.0/24'], '198.51.100.0/24', []],
  [['198.51.100.7'], '198.51.100.0/24', []],
  [['198.51.100.0/30'], '198.51.100.2', ['198.51.100.0/31', '198.51.100.3']],
  [
    ['198.51.100.0/24', '2001:db8::/126'],
    '2001:db8::1',
    ['198.51.100.0/24', '2001:db8::', '2001:db8::2/127'],
  ],
  [['0.0.0.0/0'], '128.0.0.0/1', ['0.0.0.0/1']],
  [['203.0.113.0/24'], '198.51.100.0/24', ['203.0.113.0/24']],
])('%s without %s', (networks, taken, left) => {
  expect(subtract(networks, taken)).toEqual(left);
});

it('holds exactly the addresses of the one and not of the other', () => {
  const address = fc.nat({ max: 255 }).map((last) => `192.0.2.${last}`);
  const network = fc.tuple(address, fc.integer({ min: 24, max: 32 })).map(([base, prefix]) => {
    const parsed = parseNetworks(`${base}/${prefix}`);
    if (!parsed.ok || parsed.networks[0] === undefined) throw new Error('no network');
    return parsed.networks[0];
  });
  fc.assert(
    fc.property(fc.array(network, { maxLength: 4 }), network, address, (networks, taken, one) => {
      const held = subtractNetworks(networks, taken).some((left) => contains(left, one));
      expect(held).toBe(networks.some((all) => contains(all, one)) && !contains(taken, one));
    }),
  );
});
