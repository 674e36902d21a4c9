import { expect, it } from 'vitest';
import { ownAddresses, parseOwnAddresses, readOwnAddresses } from '../../../src/reach/host/own-addresses.ts';

// As Linux 6.1 prints it for one address on a bridge, and a host route to a neighbour.
const trie = `Main:
  +-- 0.0.0.0/1 2 0 2
     +-- 10.1.2.0/24 2 0 2
           |-- 10.1.2.0
              /24 link UNICAST
           |-- 10.1.2.3
              /32 link UNICAST
              /32 host LOCAL
        |-- 10.1.2.9
           /32 universe UNICAST
        |-- 10.1.2.255
           /32 link BROADCAST
     +-- 127.0.0.0/8 2 0 2
           |-- 127.0.0.0
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
`;

// The name of an interface may look like anything, but for white space.
const inet6 = `fe80000000000000b4932cfffe1c76f5 02 40 20 c0 __proto__
20010db8000100000000000000000010 03 40 00 80 00000000000000000000000000000001
00000000000000000000000000000001 01 80 10 80       lo
`;

it('the host\u2019s own addresses, whatever its interfaces are called', () => {
  expect([...parseOwnAddresses(trie, inet6)]).toEqual([
    '10.1.2.3',
    '127.0.0.1',
    'fe80::b493:2cff:fe1c:76f5',
    '2001:db8:1::10',
    '::1',
  ]);
});

it('none where there is nothing to read', () => {
  expect(parseOwnAddresses().size).toBe(0);
});

it('of this machine, both ways alike', async () => {
  expect(await readOwnAddresses()).toEqual(ownAddresses());
  expect(ownAddresses()).toContain('127.0.0.1');
});
