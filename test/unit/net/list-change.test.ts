import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { changeOf } from '../../../src/decide/net/list-change.ts';
import { mergeLists, mergeNetworks, succeeds } from '../../../src/decide/net/merge-networks.ts';
import { coveredBy, NetworkIndex } from '../../../src/decide/net/network-index.ts';
import { network, networks } from './arbitraries.ts';

describe('changeOf', () => {
  test('what has come and what has gone, for any two merged lists', () => {
    const lists = fc.tuple(fc.array(network, { maxLength: 30 }), fc.array(network), fc.array(network));
    fc.assert(
      fc.property(lists, ([both, old, fresh]) => {
        const [before, after] = [mergeNetworks([...both, ...old]), mergeNetworks([...both, ...fresh])];
        expect(changeOf(before, after)).toEqual({
          added: after.filter((one) => !before.includes(one)),
          removed: before.filter((one) => !after.includes(one)),
        });
      }),
    );
  });

  test('a list that is not merged is told, wherever it differs', () => {
    const list = fc.array(network, { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(list, list, (old, fresh) => {
        const before = mergeNetworks(old);
        const isMerged = mergeNetworks([...fresh]).join() === fresh.join();
        expect(changeOf(before, fresh) !== undefined).toBe(isMerged);
      }),
    );
  });

  test('one entry more or less in a long list is not merged anew', () => {
    const long = networks(
      ...Array.from({ length: 1000 }, (_, index) => `10.${index >> 8}.${index & 255}.0/25`),
    );
    const before = mergeNetworks(long);
    const after = before.toSpliced(500, 2, ...networks('10.1.244.128/25'));
    succeeds(after, before);
    expect(mergeNetworks(after)).toBe(after);
    expect(changeOf(before, after)).toEqual({
      added: ['10.1.244.128/25'],
      removed: ['10.1.244.0/25', '10.1.245.0/25'],
    });
    // the second half of what stands before it
    const halves = after.toSpliced(1, 0, ...networks('10.0.0.128/25'));
    succeeds(halves, after);
    expect(mergeNetworks(halves)[0]).toBe('10.0.0.0/24');
  });
});

describe('what has not changed', () => {
  test('is the same list', () => {
    const [one, other] = [networks('10.0.0.1', '10.0.0.4'), networks('10.0.0.1')];
    expect(mergeNetworks(one)).toBe(one);
    const unsorted = one.toReversed();
    expect(mergeNetworks(unsorted)).toBe(mergeNetworks(unsorted));
    expect(mergeLists([one])).toBe(one);
    expect(mergeLists([one, other])).toBe(mergeLists([one, other]));
    expect(mergeLists([one, other])).not.toBe(mergeLists([one, networks('10.0.0.9')]));
    expect(mergeLists([one, networks('::1')])).toEqual(['10.0.0.1', '10.0.0.4', '::1']);
    expect(mergeLists([])).toEqual([]);
  });
});

describe('NetworkIndex', () => {
  test('the narrowest that holds an address, for any list', () => {
    fc.assert(
      fc.property(fc.array(network, { minLength: 1, maxLength: 20 }), fc.nat(), (list, pick) => {
        const [address = ''] = (list[pick % list.length] ?? '').split('/');
        const found = new NetworkIndex(list).find(address);
        const holding = list.filter((one) => coveredBy([address], [one]).size > 0);
        const length = (one: string): number => Number(one.split('/')[1] ?? 128);
        expect(holding).toContain(found);
        expect(length(found ?? '')).toBe(Math.max(...holding.map(length)));
      }),
    );
  });

  test('50,000 networks of the same length (seconds where V8 thinks them all alike)', () => {
    const list = networks(
      ...Array.from(
        { length: 50_000 },
        (_, index) => `2001:${(index >> 8).toString(16)}:${(index & 255).toString(16)}::/64`,
      ),
    );
    expect(new NetworkIndex(list).find('2001:3:7::99')).toBe('2001:3:7::/64');
  });

  test.each([
    [
      ['10.0.0.0/24', '10.0.1.0/24', '10.2.0.0/15'],
      ['10.0.0.0/23', '10.2.0.0/16'],
      ['10.0.0.0/24', '10.0.1.0/24'],
    ],
    [
      ['10.0.0.1', '2001:db8::1'],
      ['10.0.0.1', '2001:db8::/32'],
      ['10.0.0.1', '2001:db8::1'],
    ],
    [['10.0.0.0/8 nomatch', '10.0.0.0/24'], ['10.0.0.0/8 nomatch'], []],
  ])('%j within %j', (some, others, expected) => {
    expect([...coveredBy(some, others)]).toEqual(expected);
  });
});
