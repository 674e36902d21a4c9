import { expect, test } from 'vitest';
import { hostBits } from '../../../src/decide/net/host-bits.ts';

test.each([
  [
    '203.0.113.20/24',
    '`203.0.113.20/24` is all of `203.0.113.0/24`: write that, or `203.0.113.20` for the one address',
  ],
  [
    '2001:db8::7/64',
    '`2001:db8::7/64` is all of `2001:db8::/64`: write that, or `2001:db8::7` for the one address',
  ],
  ['203.0.113.0/24', undefined],
  ['203.0.113.20/32', undefined],
  ['203.0.113.20', undefined],
  ['2001:DB8:0::/64', undefined],
  ['203.0.113.10-203.0.113.20', undefined],
  ['203.0.113.20/33', undefined],
  ['office/24', undefined],
])('%s', (text, note) => {
  expect(hostBits(text)).toBe(note);
});
