import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinMembers, MemberIndex, membersBeside } from '../../../src/decide/net/port-members.ts';

const heads = ['0.0.0.0/1,tcp:', '0.0.0.0/1,udp:', '2001:db8::1,tcp:'];
const tails = ['', ',203.0.113.0/24'];
const member = fc
  .record({
    head: fc.constantFrom(...heads),
    tail: fc.constantFrom(...tails),
    from: fc.integer({ min: 1, max: 90 }),
    more: fc.integer({ min: 0, max: 40 }),
  })
  .map(({ head, tail, from, more }) => `${head}${more === 0 ? from : `${from}-${from + more}`}${tail}`);
const members = fc.array(fc.oneof({ weight: 6, arbitrary: member }, fc.constantFrom('192.0.2.1', 'a-set')));

/** As the kernel keeps them: one by one. */
function each(some: readonly string[]): readonly string[] {
  const found = some.flatMap((one) => {
    const [, head, from, to, tail = ''] = /^(.*,[a-z]+:)(\d+)-(\d+)(,.*)?$/.exec(one) ?? [];
    if (head === undefined) return [one];
    return Array.from(
      { length: Number(to) - Number(from) + 1 },
      (_, index) => `${head}${Number(from) + index}${tail}`,
    );
  });
  return [...new Set(found)].sort();
}

describe('members with ports', () => {
  it('have one spelling, whatever they are made of', () => {
    fc.assert(
      fc.property(members, (some) => {
        const spelt = joinMembers(some);
        expect(each(spelt)).toEqual(each(some));
        expect(joinMembers(each(some))).toEqual(spelt);
      }),
    );
  });

  it('are told apart port by port', () => {
    fc.assert(
      fc.property(members, members, (a, b) => {
        const there = new Set(each(b));
        const left = membersBeside(joinMembers(a), joinMembers(b));
        expect(each(left)).toEqual(each(a).filter((one) => !there.has(one)));
      }),
    );
  });

  it('are found port by port', () => {
    fc.assert(
      fc.property(members, members, (a, b) => {
        const index = new MemberIndex(joinMembers(a));
        const there = new Set(each(a));
        for (const one of each(b)) expect(index.has(one)).toBe(there.has(one));
      }),
    );
  });

  it('are ranges from sixteen on', () => {
    const row = (count: number): readonly string[] =>
      joinMembers(Array.from({ length: count }, (_, index) => `0.0.0.0/1,tcp:${8000 + index}`));
    expect(row(15)).toHaveLength(15);
    expect(row(16)).toEqual(['0.0.0.0/1,tcp:8000-8015']);
  });
});
