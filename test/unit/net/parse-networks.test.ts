import * as fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { toBlock, toCidr } from '../../../src/decide/net/block.ts';
import { contains } from '../../../src/decide/net/merge-networks.ts';
import { parseNetworks } from '../../../src/decide/net/parse-networks.ts';
import { ipv6Text } from './arbitraries.ts';

// Hundreds of runs for each property, on machines that do other things too.
vi.setConfig({ testTimeout: 60_000 });

describe('addresses, CIDRs and ranges', () => {
  test.each([
    ['203.0.113.7', ['203.0.113.7']],
    ['  203.0.113.7\t', ['203.0.113.7']],
    ['203.0.113.7/32', ['203.0.113.7']],
    ['203.0.113.7/24', ['203.0.113.0/24']],
    ['0.0.0.0', ['0.0.0.0']],
    ['203.0.113.7/0', ['0.0.0.0/0']],
    ['2001:DB8::1', ['2001:db8::1']],
    ['2001:db8:0:0:1:0:0:1', ['2001:db8::1:0:0:1']],
    ['1:2:3:4:5:6:7::', ['1:2:3:4:5:6:7:0']],
    ['1:0:2:3:4:5:6:7', ['1:0:2:3:4:5:6:7']],
    ['2001:db8::1/128', ['2001:db8::1']],
    ['2001:db8:1::1/48', ['2001:db8:1::/48']],
    ['64:ff9b::192.0.2.33', ['64:ff9b::c000:221']],
    ['::/0', ['::/0']],
    ['::', ['::']],
    ['::1', ['::1']],
    ['::ffff:203.0.113.7', ['203.0.113.7']],
    ['::ffff:cb00:7107', ['203.0.113.7']],
    ['::ffff:203.0.113.7/120', ['203.0.113.0/24']],
    ['::ffff:0:0/96', ['0.0.0.0/0']],
    ['::ffff:0:0/95', ['::fffe:0:0/95']],
    [
      '198.51.100.10-198.51.100.20',
      ['198.51.100.10/31', '198.51.100.12/30', '198.51.100.16/30', '198.51.100.20'],
    ],
    ['198.51.100.10-198.51.100.10', ['198.51.100.10']],
    ['198.51.100.0-198.51.100.255', ['198.51.100.0/24']],
    ['0.0.0.0-255.255.255.255', ['0.0.0.0/0']],
    ['2001:db8::1-2001:db8::4', ['2001:db8::1', '2001:db8::2/127', '2001:db8::4']],
    ['::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', ['::/0']],
    ['::ffff:192.0.2.0-192.0.2.3', ['192.0.2.0/30']],
  ])('%s', (text, networks) => {
    expect(parseNetworks(text)).toEqual({ ok: true, networks });
  });
});

describe('problems say what to write', () => {
  test.each([
    ['', 'an address is missing: write one address, a CIDR or a range'],
    [
      '010.0.0.1',
      '`010.0.0.1` is not an address: a number with a zero in front would be octal to some programs: write it without the zero',
    ],
    ['10.1', '`10.1` is not an address: an IPv4 address has four numbers with dots between them'],
    ['10', '`10` is not an address: an IPv4 address has four numbers with dots between them'],
    [
      '0x7f.1',
      '`0x7f.1` is not an address: write an IPv4 or IPv6 address such as `203.0.113.7` or `2001:db8::7`',
    ],
    ['300.1.1.1', '`300.1.1.1` is not an address: `300` is more than 255'],
    ['1.2.3.4/33', '`/33` is not a prefix length: the prefix length of IPv4 is a number from 0 to 32'],
    ['2001:db8::/129', '`/129` is not a prefix length: the prefix length of IPv6 is a number from 0 to 128'],
    ['1.2.3.4/08', '`/08` is not a prefix length: the prefix length of IPv4 is a number from 0 to 32'],
    ['1.2.3.4/', '`/` is not a prefix length: the prefix length of IPv4 is a number from 0 to 32'],
    ['1.2.3.4/-1', '`/-1` is not a prefix length: the prefix length of IPv4 is a number from 0 to 32'],
    ['1.2.3.4/255.255.255.0', 'a netmask cannot be written here: write `1.2.3.4/24`'],
    ['1.2.3.4/0.0.0.0', 'a netmask cannot be written here: write `1.2.3.4/0`'],
    [
      '1.2.3.4/255.0.255.0',
      '`/255.0.255.0` is not a prefix length: the prefix length of IPv4 is a number from 0 to 32',
    ],
    [
      'fe80::1%eth0',
      '`fe80::1%eth0` is not an address that can be matched: leave out the zone id (the part from `%` on)',
    ],
    [
      'fe80::1%eth0/64',
      '`fe80::1%eth0` is not an address that can be matched: leave out the zone id (the part from `%` on)',
    ],
    [
      '[2001:db8::1]:443',
      '`[2001:db8::1]:443` is not an address: write `2001:db8::1`, without brackets and without a port',
    ],
    ['192.0.2.1:443', '`192.0.2.1:443` is not an address: write `192.0.2.1`, without the port'],
    [
      '10.0.0.*',
      '`10.0.0.*` is not an address: write a CIDR, such as `198.51.100.0/24`; everybody is `0.0.0.0/0` and `::/0`',
    ],
    [
      '1.2.3.4 5.6.7.8',
      '`1.2.3.4 5.6.7.8` is not an address: write one address, CIDR or range here, without spaces',
    ],
    [
      '1.2.3.4,5.6.7.8',
      '`1.2.3.4,5.6.7.8` is not an address: write one address, CIDR or range here, without spaces',
    ],
    ['198.51.100.20-198.51.100.10', 'the range is the wrong way round: write `198.51.100.10-198.51.100.20`'],
    ['198.51.100.10-20', 'a range has two whole addresses: write `198.51.100.10-198.51.100.20`'],
    ['198.51.100.10-', 'the last address of the range is wrong: an address is missing'],
    ['198.51.100.10-2001:db8::1', 'a range cannot go from one IP version to the other: write two ranges'],
    [
      '198.51.100.0/24-198.51.101.255',
      'the first address of the range is wrong: `198.51.100.0/24` is not an address: write an IPv4 or IPv6 address such as `203.0.113.7` or `2001:db8::7`',
    ],
    [
      'my-host',
      '`my-host` is not an address: write an IPv4 or IPv6 address such as `203.0.113.7` or `2001:db8::7`',
    ],
    [
      '::192.0.2.1',
      '`::192.0.2.1` is in `::/96`, the "IPv4-compatible" IPv6 addresses that nobody uses any more: write `192.0.2.1` if you mean that IPv4 address',
    ],
    [
      '::2-::2:0',
      '`::2-::2:0` is in `::/96`, the "IPv4-compatible" IPv6 addresses that nobody uses any more: write `0.1.0.0` if you mean that IPv4 address',
    ],
    [
      '1.2.3.4\n-j ACCEPT',
      '`1.2.3.4\\n-j ACCEPT` is not an address: write one address, CIDR or range here, without spaces',
    ],
  ])('%j', (text, problem) => {
    expect(parseNetworks(text)).toEqual({ ok: false, problem });
  });

  test('a long text is shortened and stays on one line', () => {
    const parsed = parseNetworks(`\u001b[2J"'${'x'.repeat(10_000)}`);
    expect(!parsed.ok && parsed.problem.length).toBeLessThan(250);
    expect(!parsed.ok && parsed.problem).toMatch(/^[ -~]*$/u);
  });
});

describe('properties', () => {
  test('no text makes it throw, and no problem has a control character', () => {
    const pieces = fc.constantFrom(
      '1',
      '255',
      '.',
      ':',
      '::',
      '/',
      '-',
      '%',
      'f',
      '::ffff:',
      '10.0.0.1',
      '2001:db8::',
      ' ',
      '\n',
      '[',
      ']',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(pieces).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (written) => {
        const parsed = parseNetworks(written);
        if (!parsed.ok) expect(parsed.problem).not.toMatch(/\p{Cc}/u);
      }),
    );
  });

  test('what comes out is canonical: it parses to itself', () => {
    const address = fc.oneof(fc.ipV4(), ipv6Text);
    fc.assert(
      fc.property(address, fc.nat(128), (host, prefix) => {
        const parsed = parseNetworks(`${host}/${host.includes(':') ? prefix : prefix % 33}`);
        if (!parsed.ok) return;
        for (const network of parsed.networks) {
          expect(parseNetworks(network)).toEqual({ ok: true, networks: [network] });
          expect(toCidr(toBlock(network))).toBe(network);
        }
        expect(parsed.networks.some((network) => contains(network, host))).toBe(true);
      }),
    );
  });

  test('a range holds its ends and nothing outside, in at most 62 networks', () => {
    const last = 2 ** 32 - 1;
    fc.assert(
      fc.property(fc.nat(last), fc.nat(last), (a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const parsed = parseNetworks(`${text(from)}-${text(to)}`);
        const networks = parsed.ok ? parsed.networks : [];
        const holds = (value: number): boolean => networks.some((network) => contains(network, text(value)));
        expect([holds(from), holds(to), holds(Math.floor((from + to) / 2))]).toEqual([true, true, true]);
        expect([from > 0 && holds(from - 1), to < last && holds(to + 1)]).toEqual([false, false]);
        expect(networks.length).toBeLessThanOrEqual(62);
      }),
    );
  });
});

function text(value: number): string {
  return toCidr({ family: 4, start: BigInt(value), prefix: 32 });
}
