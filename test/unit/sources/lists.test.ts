import { describe, expect, it } from 'vitest';
import type { ListFormat } from '../../../src/decide/policy/config.ts';
import { acceptList } from '../../../src/reach/sources/accept.ts';
import { parseList } from '../../../src/reach/sources/list-text.ts';
import { cidr } from '../policy/inventories.ts';

const lines: ListFormat = { kind: 'lines' };
const json = (path = ''): ListFormat => ({ kind: 'json', path: path === '' ? [] : path.split('.') });
const many = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${10 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}.1`);

describe('lists of lines', () => {
  it('comments, blanks, CRLF, ranges, host bits, duplicates', async () => {
    const text = `\uFEFF# partners\r
\r
203.0.113.9/24 ; SBL1\r
203.0.113.7\t# inside
198.51.100.10-198.51.100.11
 2001:DB8::1/48
; end`;
    expect(await parseList(text, lines)).toEqual({
      ok: true,
      networks: ['198.51.100.10/31', '203.0.113.0/24', '2001:db8::/48'],
    });
  });

  it.each([
    ['<!DOCTYPE html><p>10.0.0.1</p>', 'it is a web page (HTML), not a list'],
    ['\n  <html>', 'it is a web page (HTML), not a list'],
    ['["10.0.0.1"]', 'it is JSON, not one network a line: `format: json` reads it'],
    [
      '10.0.0.1\n\nexample.org\n10.0.0.2',
      'line 3: `example.org` is not an address: write an IPv4 or IPv6 address such as `203.0.113.7` or `2001:db8::7`',
    ],
    [
      '10.0.0.1\n10.0.0.0/33',
      'line 2: `/33` is not a prefix length: the prefix length of IPv4 is a number from 0 to 32',
    ],
    ['10.0.0.1\n0.0.0.0/0', 'it has `0.0.0.0/0` in it, which is everybody'],
    ['::/0', 'it has `::/0` in it, which is everybody'],
    ['0.0.0.0/1\n128.0.0.0/1', 'it has `0.0.0.0/0` in it, which is everybody'],
  ])('%j is refused', async (text, reason) => {
    expect(await parseList(text, lines)).toEqual({ ok: false, reason });
  });

  it('100,000 networks leave others their turn', async () => {
    const text = many(100_000).join('\n');
    let turns = 0;
    const count = (): void => {
      turns += 1;
      timer = setImmediate(count);
    };
    let timer = setImmediate(count);
    const parsed = await parseList(text, lines);
    clearImmediate(timer);
    expect(parsed.ok && parsed.networks.length).toBe(100_000);
    expect(turns).toBeGreaterThan(50);
  });

  it('too many', async () => {
    expect(await parseList('10.0.0.1\n'.repeat(500_001), lines)).toEqual({
      ok: false,
      reason: 'it has more than 500000 networks',
    });
  });
});

describe('lists in JSON', () => {
  const mixed = JSON.stringify({
    prefixes: [{ ipv4Prefix: '10.0.0.0/8' }, { ipv6Prefix: '2001:db8::/32' }, { ipv4Prefix: '192.0.2.0/24' }],
    hooks: ['192.0.2.1', '192.0.2.2'],
    none: [],
    n: 5,
  });

  it.each<[string, string, readonly string[]]>([
    ['["10.0.0.1", "10.0.0.0"]', '', ['10.0.0.0/31']],
    [mixed, 'hooks', ['192.0.2.1', '192.0.2.2']],
    [mixed, 'hooks.*', ['192.0.2.1', '192.0.2.2']],
    [mixed, 'prefixes.*.ipv4Prefix', ['10.0.0.0/8', '192.0.2.0/24']],
    [mixed, 'none', []],
    [mixed, 'none.*', []],
  ])('%s at %s', async (text, path, networks) => {
    expect(await parseList(text, json(path))).toEqual({ ok: true, networks });
  });

  it.each([
    ['10.0.0.1', 'hooks', 'it is not JSON'],
    [mixed, 'hooks.x', 'its JSON has nothing at `hooks.x`'],
    [mixed, 'prefixes.*.ip', 'its JSON has nothing at `prefixes.*.ip`'],
    [mixed, '__proto__', 'its JSON has nothing at `__proto__`'],
    [mixed, 'n', 'entry 1 at `n` in its JSON is not a text'],
    [mixed, '', 'entry 1 at its root in its JSON is not a text'],
    [
      '["10.0.0.1", "x"]',
      '',
      'entry 2 at its root: `x` is not an address: write an IPv4 or IPv6 address such as `203.0.113.7` or `2001:db8::7`',
    ],
    ['{"a": "0.0.0.0/0"}', 'a', 'it has `0.0.0.0/0` in it, which is everybody'],
  ])('%s at %s is refused', async (text, path, reason) => {
    expect(await parseList(text, json(path))).toEqual({ ok: false, reason });
  });
});

describe('against what was accepted last', () => {
  const accept = async (had: number, has: number, mayShrink = false) =>
    acceptList(
      many(has * 2)
        .filter((_, index) => index % 2 === 0)
        .join('\n'),
      { format: lines, mayShrink },
      { last: { networks: many(had).map(cidr), at: 0 } },
    );

  it.each([
    [12, 4],
    [11, 1],
    [0, 1],
    [5, 100],
  ])('%i networks, then %i: taken', async (had, has) => {
    expect(await accept(had, has)).toMatchObject({ kind: 'answer' });
  });

  it.each([
    [12, 3, 'it has 3 networks where there were 12 (if that is right, `mayShrink: true` takes it)'],
    [5, 0, 'it is empty (if that is right, `mayShrink: true` takes it)'],
    [0, 0, 'it is empty (if that is right, `mayShrink: true` takes it)'],
  ])('%i networks, then %i: refused, unless it may shrink', async (had, has, reason) => {
    expect(await accept(had, has)).toEqual({ kind: 'failed', reason });
    expect(await accept(had, has, true)).toMatchObject({ kind: 'answer' });
  });
});
