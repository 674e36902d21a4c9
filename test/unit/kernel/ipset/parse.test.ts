import { expect, test, vi } from 'vitest';
import { parseSets } from '../../../../src/reach/kernel/ipset/parse.ts';

const all = (): boolean => true;

test('sets of all shapes, as ipset 7.17 prints them', () => {
  const text = `create dockwall4-t hash:net family inet hashsize 1024 maxelem 1048576 timeout 0 bucketsize 12 initval 0xa820381d
add dockwall4-t 10.2.0.0/24 timeout 0
add dockwall4-t 10.1.0.1 timeout 41
create other hash:net family inet hashsize 1024 maxelem 65536 counters comment bucketsize 12 initval 0xb5a97664
add other 1.1.1.1 packets 0 bytes 0 comment "a b
add dockwall4-t 9.9.9.9
x"
create dockwall6-p hash:net,port family inet6 hashsize 1024 maxelem 1048576 bucketsize 12 initval 0x988dcf71
add dockwall6-p 8000::/1,sctp:53
`;
  expect(parseSets(text, (name) => name.startsWith('dockwall'))).toEqual([
    {
      name: 'dockwall4-t',
      type: 'hash:net',
      family: 4,
      expiring: true,
      members: new Map([
        ['10.2.0.0/24', 0],
        ['10.1.0.1', 41],
      ]),
    },
    {
      name: 'dockwall6-p',
      type: 'hash:net,port',
      family: 6,
      expiring: false,
      members: new Map([['8000::/1,sctp:53', 0]]),
    },
  ]);
});

test.each([
  [
    'a default timeout',
    'hash:net family inet hashsize 64 maxelem 9 timeout 300',
    'hash:net timeout 300',
    false,
  ],
  ['a netmask', 'hash:ip family inet hashsize 64 maxelem 9 netmask 24 timeout 0', 'hash:ip netmask 24', true],
  ['forced adding', 'hash:net family inet hashsize 64 maxelem 9 forceadd', 'hash:net forceadd', false],
  ['counters and comments', 'hash:net family inet hashsize 64 maxelem 9 counters comment', 'hash:net', false],
  ['no family', 'list:set size 8', 'list:set', false],
])('%s', (_, words, type, expiring) => {
  expect(parseSets(`create a ${words}\n`, all)).toMatchObject([{ type, expiring }]);
});

test('what a set with counters has counted', () => {
  const text = `create dockwall4-c hash:net,port family inet hashsize 1024 maxelem 9 counters bucketsize 12 initval 0x1
add dockwall4-c 0.0.0.0/1,tcp:80 packets 3 bytes 180
`;
  const [set] = parseSets(text, all);
  expect(set?.packets).toEqual(new Map([['0.0.0.0/1,tcp:80', 3]]));
  expect(set?.members).toEqual(new Map([['0.0.0.0/1,tcp:80', 0]]));
});

test('an exception is not the member itself', () => {
  const text =
    'create a hash:net family inet\nadd a 10.0.0.0/24 nomatch\nadd a 10.0.0.0/8 timeout 5 nomatch\n';
  expect(parseSets(text, all)[0]?.members).toEqual(
    new Map([
      ['10.0.0.0/24 nomatch', 0],
      ['10.0.0.0/8 nomatch', 5],
    ]),
  );
});

test('a member with counters and a comment', () => {
  const text =
    'create a hash:net family inet timeout 0 counters comment\nadd a 10.0.0.1 timeout 7 packets 1 bytes 2 comment "nomatch timeout 9"\n';
  expect(parseSets(text, all)[0]?.members).toEqual(new Map([['10.0.0.1', 7]]));
});

test.each(['', '\n', 'create', 'add', 'add a 1.2.3.4', 'create a', '"'])(
  'does not stumble over %j',
  (text) => {
    expect(() => parseSets(text, all)).not.toThrow();
  },
);

test('a bitmap of ports is one member for a range, and nothing is made of its lines', () => {
  const lines = Array.from({ length: 10_001 }, (_, at) => `add p ${20_000 + at}\n`).join('');
  const text = `create p bitmap:port range 0-65535\n${lines}add p 7\nadd p 65535\n`;
  const slices = vi.spyOn(String.prototype, 'slice');
  const [set] = parseSets(text, all);
  const made = slices.mock.calls.length;
  slices.mockRestore();
  expect(set?.members).toEqual(
    new Map([
      ['20000-30000', 0],
      ['65535', 0],
      ['7', 0],
    ]),
  );
  expect(made).toBeLessThan(20);
});
