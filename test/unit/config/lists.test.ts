import { describe, expect, test } from 'vitest';
import type { LiveSource } from '../../../src/decide/policy/config.ts';
import { sourceKey, sourceName } from '../../../src/decide/policy/config.ts';
import { config, lines, problems } from './loading.ts';

function sourcesOf(...members: readonly string[]): readonly LiveSource[] {
  const { groups } = config(`groups:\n  g:\n${members.map((member) => `    - ${member}\n`).join('')}`);
  return [...groups.values()].flatMap(({ sources }) => sources);
}

const day = 86_400_000;
const plain = { format: { kind: 'lines' }, refresh: day, mayShrink: false } as const;

describe('lists', () => {
  test.each<[string, readonly LiveSource[]]>([
    ['{url: "https://example.org/a"}', [{ kind: 'url', url: 'https://example.org/a', ...plain }]],
    [
      '{url: "HTTPS://Example.ORG:443/a?b=c#d", refresh: 10s, mayShrink: true}',
      [
        {
          kind: 'url',
          url: 'https://example.org/a?b=c',
          format: { kind: 'lines' },
          refresh: 10_000,
          mayShrink: true,
        },
      ],
    ],
    [
      '{url: "https://example.org/a", path: prefixes.*.ip_prefix, refresh: 7d}',
      [
        {
          kind: 'url',
          url: 'https://example.org/a',
          format: { kind: 'json', path: ['prefixes', '*', 'ip_prefix'] },
          refresh: 7 * day,
          mayShrink: false,
        },
      ],
    ],
    [
      '{url: "https://example.org/a", format: json, path: [a.b, "*"]}',
      [{ kind: 'url', url: 'https://example.org/a', ...plain, format: { kind: 'json', path: ['a.b', '*'] } }],
    ],
    [
      '{url: "https://example.org/a", format: json}',
      [{ kind: 'url', url: 'https://example.org/a', ...plain, format: { kind: 'json', path: [] } }],
    ],
    [
      '{file: lists/partners.txt}',
      [{ kind: 'file', path: 'lists/partners.txt', format: { kind: 'lines' }, mayShrink: false }],
    ],
    [
      '{preset: cloudflare, refresh: 12h}',
      ['4', '6'].map((family) => ({
        kind: 'url',
        url: `https://www.cloudflare.com/ips-v${family}`,
        format: { kind: 'lines' },
        refresh: day / 2,
        mayShrink: false,
      })),
    ],
    ...['{country: DE}', '{country: de}', 'country:DE', 'Country:de', '"country: DE"'].map(
      (member): [string, readonly LiveSource[]] => [
        member,
        ['ipblocks/data', 'ipv6/ipaddresses'].map((part) => ({
          kind: 'url' as const,
          url: `https://www.ipdeny.com/${part}/aggregated/de-aggregated.zone`,
          ...plain,
        })),
      ],
    ),
  ])('%s', (member, wanted) => {
    expect(sourcesOf(member)).toEqual(wanted);
  });

  test('a country by what people call it, and Norway', () => {
    const files = ['{country: UK, refresh: 7d}', '{country: NO}'].flatMap((member) =>
      sourcesOf(member).map((source) => sourceKey(source).replace(/^.*\//u, '')),
    );
    expect(files).toEqual([...Array(2).fill('gb-aggregated.zone'), ...Array(2).fill('no-aggregated.zone')]);
  });

  test('the same list twice is one, another path in it is another', () => {
    const urls = ['{preset: fastly}', '{url: "https://api.fastly.com/public-ip-list", path: addresses}'];
    expect(sourcesOf(...urls).map((source) => sourceKey(source))).toEqual([
      'https://api.fastly.com/public-ip-list addresses',
      'https://api.fastly.com/public-ip-list ipv6_addresses',
    ]);
  });

  test('in trusted and deny, and in a variable', () => {
    const { trusted, deny } = config('deny: [{file: bans}]', { DOCKWALL_TRUSTED: 'home.example.org' });
    expect(trusted.sources).toEqual([{ kind: 'name', name: 'home.example.org' }]);
    expect(deny.sources).toMatchObject([{ kind: 'file', path: 'bans' }]);
  });

  test('what follows the ? of a URL is shown to nobody', () => {
    const [source] = sourcesOf('{url: "https://example.org/a?token=secret", path: a.b}');
    expect(source && sourceName(source)).toBe('https://example.org/a?... a.b');
  });
});

describe('lists that are refused', () => {
  const url = 'url: "https://example.org"';
  test.each([
    [
      `{${url}, refesh: 1h}`,
      'g[0].refesh: `refesh` is not a key of a list with `url`: the keys are url, refresh, format, path, mayShrink; did you mean `refresh`?',
    ],
    [
      '{file: a, refresh: 1h}',
      'g[0].refresh: `refresh` is not a key of a list with `file`: the keys are file, format, path, mayShrink',
    ],
    [
      '{url: "http://example.org"}',
      'g[0].url: `http://example.org` is not encrypted, and whoever is on the way could let themselves in: write `https://`',
    ],
    ['{url: ftp://a}', 'g[0].url: `ftp://a` is not a URL of a list: write `https://` and where it is'],
    ['{url: }', 'g[0].url: nothing stands where the URL of a list should'],
    ['{url: [a]}', 'g[0].url: a list stands where the URL of a list should'],
    [
      '{url: "https://me:secret@example.org"}',
      'g[0].url: a user name or password cannot stand in the URL of a list',
    ],
    [
      `{${url}, refresh: 1w}`,
      'g[0].refresh: `1w` is not a time: write a number with `s`, `m`, `h` or `d`, such as `24h`',
    ],
    [`{${url}, refresh: 1s}`, 'g[0].refresh: `1s` is not from `10s` to `7d`'],
    [
      `{${url}, refresh: off}`,
      'g[0].refresh: `off` is not a time: write a number with `s`, `m`, `h` or `d`, such as `24h`',
    ],
    [
      `{${url}, format: jsno}`,
      'g[0].format: there is no format `jsno`: the formats are lines, json; did you mean `json`?',
    ],
    [
      `{${url}, format: lines, path: a}`,
      'g[0].path: a path leads to the networks in JSON: leave out `format: lines`, or leave out the path',
    ],
    [
      `{${url}, path: a..b}`,
      'g[0].path: `a..b` is not a path: write the keys with dots between them, `*` for each entry of a list: `prefixes.*.ip_prefix`',
    ],
    [`{${url}, mayShrink: yes}`, 'g[0].mayShrink: `yes` stands where `true` or `false` should'],
    [
      '{preset: cloudfare}',
      'g[0].preset: there is no preset `cloudfare`: the presets are cloudflare, fastly, github-hooks; did you mean `cloudflare`?',
    ],
    [
      '{preset: constructor}',
      'g[0].preset: there is no preset `constructor`: the presets are cloudflare, fastly, github-hooks',
    ],
    ['{country: Germany}', 'g[0].country: `Germany` is not a country: write its two letters, such as `DE`'],
    ['country:ZZ', 'g[0]: `ZZ` is not a country: write its two letters, such as `DE`'],
    ['DE', 'g[0]: `DE` is neither an address nor a group; did you mean `country:DE`?'],
    ['{file: "a\\0b"}', 'g[0].file: `a\\u{0}b` is not the path of a file'],
    [
      '{ulr: "https://a"}',
      'g[0]: a map (keys with values) stands where an address should: write one address, CIDR or range in each entry, or a list as `{url: ...}`, `{file: ...}`, `{preset: ...}` or `{country: ...}`; did you mean `url`?',
    ],
  ])('%s', (member, problem) => {
    const [line = ''] = lines(problems(`groups:\n  g:\n    - ${member}\n`));
    expect(line.replace(/^\S+ groups\./u, '')).toBe(problem);
  });

  test('the place is that of the option, and a secret is not repeated', () => {
    const [found] = problems('groups:\n  g:\n    - mayShrink: true\n      url: https://a:b@c\n');
    expect(found).toMatchObject({ where: 'dockwall.yml:4:12', path: 'groups.g[0].url', value: '' });
  });
});

test('an external set may be missing, or may not, as is written beside it', () => {
  const made = config('deny: ["ipset:a", {ipset: b}, {ipset: c, missing: problem}]', {
    DOCKWALL_TRUSTED: '[{ipset: d, missing: empty}]',
  });
  expect(made.deny).toMatchObject({ ipsets: ['a', 'b', 'c'], missing: { c: 'problem' } });
  expect(made.trusted).toMatchObject({ ipsets: ['d'], missing: { d: 'empty' } });
  expect(lines(problems('deny: [{ipset: x, mising: empty}, {ipset: y, missing: ok}]'))).toEqual([
    expect.stringMatching(/`mising` is not a key of an external set.*did you mean `missing`\?$/),
    expect.stringContaining('`ok` stands where one of `empty`, `problem` should'),
  ]);
});
