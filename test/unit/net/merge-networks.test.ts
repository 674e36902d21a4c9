import * as fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { toBlock, toCidr } from '../../../src/decide/net/block.ts';
import { contains, mergeNetworks, toSetMembers } from '../../../src/decide/net/merge-networks.ts';
import { families, familyOf, type Cidr } from '../../../src/decide/net/network.ts';
import { network, networks } from './arbitraries.ts';

// Hundreds of runs for each property, on machines that do other things too.
vi.setConfig({ testTimeout: 60_000 });

describe('mergeNetworks', () => {
  test.each<[string, readonly string[], readonly string[]]>([
    ['nothing', [], []],
    [
      'order is IPv4 first, then by number',
      ['2001:db8::1', '10.0.0.1', '9.0.0.1'],
      ['9.0.0.1', '10.0.0.1', '2001:db8::1'],
    ],
    ['duplicates', ['10.0.0.1', '10.0.0.1'], ['10.0.0.1']],
    ['one inside another', ['10.1.2.0/24', '10.0.0.0/8', '10.0.0.0/16'], ['10.0.0.0/8']],
    ['two halves', ['10.0.0.0/9', '10.128.0.0/9'], ['10.0.0.0/8']],
    ['neighbours that are no halves', ['10.0.0.1', '10.0.0.2'], ['10.0.0.1', '10.0.0.2']],
    ['halves of halves', ['10.0.0.0', '10.0.0.1', '10.0.0.2/31', '10.0.0.4/30'], ['10.0.0.0/29']],
    ['both halves of everything', ['0.0.0.0/1', '128.0.0.0/1', '::/1', '8000::/1'], ['0.0.0.0/0', '::/0']],
    ['the last addresses', ['255.255.255.255', '255.255.255.254'], ['255.255.255.254/31']],
    ['families apart', ['0.0.0.0/0', '::1'], ['0.0.0.0/0', '::1']],
  ])('%s', (_, given, merged) => {
    expect(mergeNetworks(networks(...given))).toEqual(merged);
  });

  test('any list: the same addresses, whatever the order, and nothing left to merge', () => {
    fc.assert(
      fc.property(fc.array(network, { maxLength: 12 }), (given) => {
        const merged = mergeNetworks(given);
        for (const probe of [...given, ...merged].flatMap(edges))
          expect(holds(merged, probe)).toBe(holds(given, probe));
        expect(mergeNetworks(given.toReversed())).toEqual(merged);
        expect(mergeNetworks(merged)).toEqual(merged);
      }),
    );
  });

  test('a small universe, compared address by address with the fewest networks', () => {
    const inside = fc
      .tuple(fc.nat(31), fc.integer({ min: 27, max: 32 }))
      .map(([host, prefix]) => `192.0.2.${host}/${prefix}`);
    fc.assert(
      fc.property(fc.array(inside, { maxLength: 20 }), (texts) => {
        const merged = mergeNetworks(networks(...texts));
        const wanted = addresses.filter((address) =>
          networks(...texts).some((each) => contains(each, address)),
        );
        expect(addresses.filter((address) => merged.some((each) => contains(each, address)))).toEqual(wanted);
        expect(merged).toHaveLength(fewest(0, 32, new Set(wanted)));
      }),
    );
  });

  test('100,000 networks (half a second on an idle machine; a quadratic merge would take minutes)', () => {
    const many = Array.from({ length: 100_000 }, (_, index) => {
      const [a, b, c] = [index >> 16, (index >> 8) & 255, index & 255];
      return (index % 2 === 0 ? `10.${a}.${b}.${c}` : `2001:db8:${a}:${b}::${c.toString(16)}`) as Cidr;
    });
    const started = performance.now();
    expect(mergeNetworks(many)).toHaveLength(100_000);
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

test.each<[string, string, boolean]>([
  ['10.0.0.0/8', '10.255.255.255', true],
  ['10.0.0.0/8', '11.0.0.0', false],
  ['10.0.0.0/8', '::ffff:10.1.1.1', true],
  ['2001:db8::/32', '2001:db8:ffff::', true],
  ['2001:db8::/32', '2001:db9::', false],
  ['::/0', '10.0.0.1', false],
  ['0.0.0.0/0', '::1', false],
  ['0.0.0.0/0', '10.0.0.0/8', false],
  ['0.0.0.0/0', '010.0.0.1', false],
  ['::/0', 'fe80::1%eth0', false],
])('contains(%s, %s) is %s', (block, address, answer) => {
  expect(networks(block).some((each) => contains(each, address))).toBe(answer);
});

describe('toSetMembers', () => {
  test('one family, and a /0 as its halves', () => {
    const given = networks('::/0', '10.0.0.0/8', '2001:db8::1', '10.1.0.0/16', '0.0.0.0/0');
    expect(toSetMembers(given, 4)).toEqual(['0.0.0.0/1', '128.0.0.0/1']);
    expect(toSetMembers(given, 6)).toEqual(['::/1', '8000::/1']);
    expect(toSetMembers(networks('10.0.0.0/8', '10.1.0.0/16'), 4)).toEqual(['10.0.0.0/8']);
    expect(toSetMembers(networks('10.0.0.0/8'), 6)).toEqual([]);
  });

  test('any list: every member is of the family and none is a /0', () => {
    fc.assert(
      fc.property(fc.array(network), (given) => {
        for (const family of families) {
          for (const member of toSetMembers(given, family)) {
            expect(familyOf(member)).toBe(family);
            expect(member).not.toMatch(/\/0$/u);
          }
        }
      }),
    );
  });
});

const addresses = Array.from({ length: 32 }, (_, host) => `192.0.2.${host}`);

/** The fewest aligned blocks for these addresses, counted the slow way. */
function fewest(from: number, size: number, wanted: ReadonlySet<string>): number {
  const inside = addresses.slice(from, from + size).filter((address) => wanted.has(address)).length;
  if (inside === 0) return 0;
  if (inside === size) return 1;
  return fewest(from, size / 2, wanted) + fewest(from + size / 2, size / 2, wanted);
}

/** The first and last address of a network, and the ones just outside. */
function edges(cidr: Cidr): readonly string[] {
  const { family, start, prefix } = toBlock(cidr);
  const width = family === 4 ? 32 : 128;
  const end = start + (1n << BigInt(width - prefix)) - 1n;
  const valid = [start - 1n, start, end, end + 1n].filter(
    (value) => value >= 0n && value < 1n << BigInt(width),
  );
  return valid.map((value) => toCidr({ family, start: value, prefix: width }));
}

function holds(list: readonly Cidr[], address: string): boolean {
  return list.some((each) => contains(each, address));
}
