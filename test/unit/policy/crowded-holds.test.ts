import { expect, it } from 'vitest';
import type { Cidr, Family } from '../../../src/decide/net/network.ts';
import { HostHolds } from '../../../src/decide/policy/lapses.ts';

// Somebody's sockets may be very many, and a container's claims as well: one times the other is not done.

const each = <T>(count: number, make: (n: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, n) => make(n));
const claims = (family: Family, step: number, count: number) =>
  each(6000, (n) => ({
    family,
    address: 'any' as const,
    protocol: 'tcp' as const,
    hostPort: 1024 + step * n,
    containerPort: 1024 + step * n,
    ...(count === 1 ? {} : { count }),
  }));

it('leaves what is free of 6,000 claims where the host holds 6,000 ports', () => {
  const inRanges = new HostHolds(
    each(6000, (n) => ({ family: 4, address: 'any', protocol: 'tcp', port: 1024 + 3 * n })),
  );
  const ofOther = new HostHolds(
    each(6000, (n) => ({
      family: 6,
      address: '2001:db8::1' as Cidr,
      protocol: 'tcp',
      port: 1024 + 2 * n,
    })),
  );
  const from = process.cpuUsage();
  const left = inRanges.leave(claims(4, 3, 2));
  const alone = ofOther.leave(claims(4, 2, 1));
  const both = ofOther.leave([...claims(4, 2, 1), ...claims(6, 2, 1)]);
  expect(process.cpuUsage(from).user / 1000).toBeLessThan(3000);
  expect(left.map(({ hostPort }) => hostPort)).toEqual(each(6000, (n) => 1025 + 3 * n));
  expect(alone).toHaveLength(6000);
  expect(both).toEqual([]);
});
