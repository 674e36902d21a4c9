import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clash, ClaimIndex } from '../../../src/decide/inventory/host-port.ts';
import type { Cidr } from '../../../src/decide/net/network.ts';

const place = fc.record({
  family: fc.constantFrom(4 as const, 6 as const),
  address: fc.constantFrom('any', '192.0.2.1', '192.0.2.2').map((address) => address as 'any' | Cidr),
  protocol: fc.constantFrom('tcp' as const, 'udp' as const),
  port: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 65_535 })),
});
const claim = fc
  .tuple(place, fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 65_535 })))
  .map(([{ port, ...rest }, count]) => ({
    ...rest,
    hostPort: port,
    containerPort: port,
    count: Math.min(count, 65_536 - port),
  }));

describe('claims by port', () => {
  it('are those that one by one are in the way', () => {
    fc.assert(
      fc.property(fc.array(claim, { maxLength: 12 }), place, (claims, at) => {
        const found = new ClaimIndex(claims);
        const expected = claims.filter((one) => clash(at, one));
        expect(found.at(at)).toHaveLength(expected.length);
        expect(new Set(found.at(at))).toEqual(new Set(expected));
        expect(found.has(at)).toBe(expected.length > 0);
      }),
      { numRuns: 1000 },
    );
  });
});
