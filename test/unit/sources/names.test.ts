import { describe, expect, it } from 'vitest';
import { findInHosts } from '../../../src/reach/sources/hosts-file.ts';
import { type FamilyAnswer, judgeName, readName } from '../../../src/reach/sources/names.ts';
import { cidr } from '../policy/inventories.ts';

const none: FamilyAnswer = { kind: 'none' };
const down: FamilyAnswer = { kind: 'failed', reason: 'no name server answers' };
const found = (ttl: number, ...addresses: readonly string[]): FamilyAnswer => ({
  kind: 'addresses',
  addresses,
  ttl,
});
const before = ['203.0.113.1', '2001:db8::1'].map(cidr);

describe('what both families say of a name', () => {
  it('many addresses, merged and sorted; the shorter TTL counts', () => {
    const answers = { 4: found(300, '203.0.113.9', '203.0.113.8'), 6: found(60, '2001:DB8::9') };
    expect(judgeName(before, answers)).toEqual({
      kind: 'answer',
      networks: ['203.0.113.8/31', '2001:db8::9'],
      holds: 60_000,
      trouble: undefined,
    });
  });

  it.each([
    [0, 5000],
    [4, 5000],
    [5, 5000],
    [3600, 3_600_000],
    [86_400, 3_600_000],
  ])('a TTL of %i s holds %i ms', (ttl, holds) => {
    expect(judgeName([], { 4: found(ttl, '203.0.113.9'), 6: none })).toMatchObject({ holds });
  });

  it('one family has none now: its addresses go', () => {
    expect(judgeName(before, { 4: found(60, '203.0.113.9'), 6: none })).toMatchObject({
      networks: ['203.0.113.9'],
      trouble: undefined,
    });
  });

  it('one family is not answered: it keeps what it had', () => {
    expect(judgeName(before, { 4: found(60, '203.0.113.9'), 6: down })).toMatchObject({
      networks: ['203.0.113.9', '2001:db8::1'],
      trouble: 'IPv6: no name server answers',
    });
    expect(judgeName(before, { 4: down, 6: found(60, '2001:db8::9') })).toMatchObject({
      networks: ['203.0.113.1', '2001:db8::9'],
      trouble: 'IPv4: no name server answers',
    });
  });

  it.each([
    [none, none, 'the name does not exist, or has no address'],
    [down, down, 'no name server answers'],
    [none, down, 'no name server answers'],
  ])('nothing from either: no answer', (v4, v6, reason) => {
    expect(judgeName(before, { 4: v4, 6: v6 })).toEqual({ kind: 'failed', reason });
  });

  it('0.0.0.0, as of resolvers that block names, is no address; an IPv4-mapped one is IPv4', async () => {
    const answer = async (v4: FamilyAnswer, v6: FamilyAnswer) =>
      readName(
        async (_, family) => (family === 4 ? v4 : v6),
        { name: 'a.example', last: undefined },
        new AbortController().signal,
      );
    expect(await answer(found(60, '0.0.0.0'), found(60, '::'))).toMatchObject({ kind: 'failed' });
    expect(await answer(none, found(60, '::ffff:203.0.113.9'))).toMatchObject({ networks: ['203.0.113.9'] });
  });
});

it('/etc/hosts gives all addresses of a name but loopback ones', () => {
  const hosts = `127.0.0.1 localhost
127.0.1.1\tme.example.org me
# 203.0.113.1 home.example.org
203.0.113.2 other.example.org  HOME.example.org # comment home
2001:db8::2 home.example.org.
::1 home.example.org
bad home.example.org
`;
  expect(findInHosts(hosts, 'home.example.org')).toEqual(['203.0.113.2', '2001:db8::2']);
  expect(findInHosts(hosts, 'me.example.org')).toEqual([]);
  expect(findInHosts(hosts, 'example.org')).toEqual([]);
});
