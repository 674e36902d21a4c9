import { describe, expect, test } from 'vitest';
import { membersOf, peerList } from '../policy/inventories.ts';
import { config, lines, problems } from './loading.ts';

function sentence(text: string): string {
  return lines(problems(text)).join('\n').replace(/^\S+ /u, '');
}

describe('members of groups', () => {
  test.each([
    ['"interface:wg+"', 'groups.g[0]: `wg+` is a pattern: name each interface, or write `auto`'],
    [
      '"interface:docker0"',
      "groups.g[0]: `docker0` is a bridge of Docker's own, and traffic between containers is never touched",
    ],
    [
      '"ipset:a b"',
      'groups.g[0]: `a b` is not the name of an ipset: those have up to 31 letters, digits, `_`, `-`, `.` and `:`, as `ipset list -n` shows them',
    ],
    [
      '{ipset: dockwall4-deny}',
      "groups.g[0]: `dockwall4-deny` is a set of dockwall's own: write the name of the group instead",
    ],
    ['https://example.org/list', 'groups.g[0]: a list is written `{url: https://example.org/list}`'],
    [
      'other',
      'groups.g[0]: `other` is not an address, and a group cannot hold another group: write addresses or CIDRs',
    ],
    ['10', 'groups.g[0]: `10` is not an address: an IPv4 address has four numbers with dots between them'],
    ['300.1.1.1', 'groups.g[0]: `300.1.1.1` is not an address: `300` is more than 255'],
    [
      '0x7f.1',
      'groups.g[0]: `0x7f.1` is not an address: write an IPv4 or IPv6 address such as `203.0.113.7` or `2001:db8::7`',
    ],
    [
      'fe80::1%eth0',
      'groups.g[0]: `fe80::1%eth0` is not an address that can be matched: leave out the zone id (the part from `%` on)',
    ],
    ['2001:db8::', 'groups.g[0]: put quotes around an address that ends with a colon: "2001:db8::"'],
    [
      '{a: b}',
      'groups.g[0]: a map (keys with values) stands where an address should: write one address, CIDR or range in each entry, or a list as `{url: ...}`, `{file: ...}`, `{preset: ...}` or `{country: ...}`',
    ],
    ['[10.0.0.1]', 'groups.g[0]: a list stands where an address, CIDR or range should'],
    ['~', 'groups.g[0]: nothing stands where an address, CIDR or range should'],
    ['""', 'groups.g[0]: an address is missing: write one address, a CIDR or a range'],
  ])('%s', (entry, problem) => {
    expect(sentence(`groups: {g: [${entry}]}`)).toBe(problem);
  });

  test('a map where the list should be', () => {
    expect(sentence('groups: {g: {url: x}}')).toBe(
      'groups.g: a map (keys with values) stands where a list should',
    );
    expect(sentence('groups: [10.0.0.1]')).toBe(
      'groups: a list stands where a map (keys with values) should',
    );
  });

  test('a group may be empty, and one text', () => {
    const { groups } = config('groups: {a: , b: [], c: "10.0.0.1, 10.0.0.0"}');
    expect([...groups]).toEqual([
      ['a', membersOf()],
      ['b', membersOf()],
      ['c', membersOf('10.0.0.0/31')],
    ]);
  });
});

test('sources that are no addresses', () => {
  const text =
    'trusted: [Home.Example.ORG., home.example.org, "interface:wg0", {ipset: crowdsec-blacklists}, 10.0.0.1]';
  expect(config(text).trusted).toEqual({
    networks: ['10.0.0.1'],
    interfaces: ['wg0'],
    ipsets: ['crowdsec-blacklists'],
    sources: [{ kind: 'name', name: 'home.example.org' }],
    groups: [],
  });
});

describe('names of groups', () => {
  test.each(['web', 'web-2', 'a_b', '2nd', 'x'.repeat(40), 'constructor', 'fe80'])('%s', (name) => {
    expect(config(`groups: {${name}: [10.0.0.1]}\ntrusted: [${name}]`).trusted.groups).toEqual([name]);
  });

  test.each([
    [
      'Web',
      '`Web` cannot name a group: a group name is lower-case letters, digits, `_` and `-`, and starts with a letter or digit; did you mean `web`?',
    ],
    [
      '-web',
      '`-web` cannot name a group: a group name is lower-case letters, digits, `_` and `-`, and starts with a letter or digit',
    ],
    [
      'my group',
      '`my group` cannot name a group: a group name is lower-case letters, digits, `_` and `-`, and starts with a letter or digit',
    ],
    ['any', 'the group `any` is built in and cannot be defined: choose another name'],
    ['private', 'the group `private` is built in and cannot be defined: choose another name'],
    ['connected', 'the group `connected` is built in and cannot be defined: choose another name'],
    ['10.0.0.1', '`10.0.0.1` is an address, not a name: a group has a name and a list of addresses'],
    ['443', '`443` could be taken for a number: give the group a name with a letter'],
    ['x'.repeat(41), `the group name \`${'x'.repeat(41)}\` is longer than 40 characters`],
  ])('%s is refused', (name, problem) => {
    expect(sentence(`groups: {${name}: [10.0.0.1]}`)).toBe(`groups.${name}: ${problem}`);
  });
});

describe('trusted and deny', () => {
  test('a wrong name beside a wrong group: nothing in the sentence steers a terminal', () => {
    const found = problems('groups: {"a\\tb": []}\ntrusted: [web]').find(({ path }) => path === 'trusted[0]');
    expect(found?.problem).toBe(
      '`web` is neither an address nor a group: the groups are a\\tb, private, connected',
    );
  });

  test('networks are merged, names sorted, built-in groups known', () => {
    expect(config('trusted: [10.0.0.1, private, connected, 10.0.0.0, private]').trusted).toEqual(
      peerList(['10.0.0.0/31'], ['connected', 'private']),
    );
  });

  test.each([
    [
      'trusted: [any]',
      'trusted[0]: `any` here would open every published port to everybody: write `default: open`, or the label `dockwall.public=*` on the containers that are meant',
    ],
    [
      'deny: any',
      'deny[0]: `any` here would refuse everybody, the trusted sources too: leave `deny` empty, unlabelled ports are closed without it',
    ],
    [
      'trusted: [10]',
      'trusted[0]: `10` is not an address: an IPv4 address has four numbers with dots between them',
    ],
    [
      'trusted: [privat]',
      'trusted[0]: `privat` is neither an address nor a group: the groups are private, connected; did you mean `private`?',
    ],
    [
      'trusted: [Private]',
      'trusted[0]: `Private` is neither an address nor a group: the groups are private, connected; did you mean `private`?',
    ],
    [
      'trusted: [localhost]',
      'trusted[0]: `localhost` is neither an address nor a group: the groups are private, connected',
    ],
    ['trusted: {a: b}', 'trusted: a map (keys with values) stands where a list should'],
  ])('%s', (text, problem) => {
    expect(sentence(text)).toBe(problem);
  });
});

describe('interfaces', () => {
  test.each<[string, 'auto' | readonly string[]]>([
    ['auto', 'auto'],
    ['[auto]', 'auto'],
    ['eth0', ['eth0']],
    ['"eth0, wlan0 eth0"', ['eth0', 'wlan0']],
    [
      '[enp3s0.100, br-lan, wg_home, a23456789012345]',
      ['a23456789012345', 'br-lan', 'enp3s0.100', 'wg_home'],
    ],
  ])('%s', (text, interfaces) => {
    expect(config(`interfaces: ${text}`).interfaces).toEqual(interfaces);
  });

  test.each([
    [
      '[]',
      'interfaces: with no interface at all nothing would be guarded: write `auto` or name the external interfaces',
    ],
    ['[auto, eth0]', 'interfaces: `auto` cannot stand beside names: write `auto` alone or only names'],
    ['eth+', 'interfaces[0]: `eth+` is a pattern: name each interface, or write `auto`'],
    [
      '[a234567890123456]',
      'interfaces[0]: `a234567890123456` is longer than the 15 bytes that Linux allows an interface name',
    ],
    ['a/b', 'interfaces[0]: `a/b` has a slash, which Linux does not allow in an interface name'],
    [
      '["eth0 eth1"]',
      'interfaces[0]: `eth0 eth1` is not an interface name: those are as `ip link` shows them, without `@` and what follows',
    ],
    [
      'eth0@if5',
      'interfaces[0]: `eth0@if5` is not an interface name: those are as `ip link` shows them, without `@` and what follows',
    ],
    [
      '["-j"]',
      'interfaces[0]: `-j` is not an interface name: those are as `ip link` shows them, without `@` and what follows',
    ],
    ['true', 'interfaces[0]: `true` is not an interface: write `auto` for every external one'],
    ['lo', 'interfaces[0]: `lo` is never external: the host could no longer reach its own containers'],
    [
      'docker0',
      "interfaces[0]: `docker0` is a bridge of Docker's own, and traffic between containers is never touched",
    ],
    [
      'br-0123456789ab',
      "interfaces[0]: `br-0123456789ab` is a bridge of Docker's own, and traffic between containers is never touched",
    ],
    ['{eth0: yes}', 'interfaces: a map (keys with values) stands where a list should'],
  ])('%s is refused', (text, problem) => {
    expect(sentence(`interfaces: ${text}`)).toBe(problem);
  });
});

describe('driftCheck', () => {
  test.each([
    ['3s', 3000],
    ['500ms', 500],
    ['2 m', 120_000],
    ['24h', 86_400_000],
    ['off', 0],
    ['0', 0],
  ])('%s', (text, driftCheck) => {
    expect(config(`driftCheck: ${text}`).driftCheck).toBe(driftCheck);
  });

  test.each([
    [
      '3',
      'driftCheck: `3` is not a time: write a number with `ms`, `s`, `m`, `h` or `d`, such as `3s`, or `off`',
    ],
    ['10ms', 'driftCheck: `10ms` is not from `500ms` to `24h`; `off` switches it off'],
    ['25h', 'driftCheck: `25h` is not from `500ms` to `24h`; `off` switches it off'],
    ['[3s]', 'driftCheck: a list stands where a time such as `3s` should'],
  ])('%s is refused', (text, problem) => {
    expect(sentence(`driftCheck: ${text}`)).toBe(problem);
  });
});

describe('maxGrant', () => {
  test.each([
    ['2h', 7_200_000],
    ['24d', 24 * 86_400_000],
    ['off', 0],
  ])('%s', (text, maxGrant) => {
    expect(config(`maxGrant: ${text}`).maxGrant).toBe(maxGrant);
  });

  test.each(['500ms', '25d'])('%s is refused', (text) => {
    expect(sentence(`maxGrant: ${text}`)).toBe(
      `maxGrant: \`${text}\` is not from \`1s\` to \`24d\`; \`off\` switches it off`,
    );
  });
});

describe('mark', () => {
  test.each([
    ['0x2000', 0x2000],
    ['8192', 8192],
    ['1', 1],
    ['0X80000000', 2 ** 31],
    ['"0x1000"', 0x1000],
  ])('%s', (text, mark) => {
    expect(config(`mark: ${text}`).mark).toBe(mark);
  });

  test.each(['0', '3', '0x3000', '0x100000000', '4294967296', '-1', '1.0', '1e3', '010', 'x', '0x'])(
    '%s is refused',
    (text) => {
      expect(sentence(`mark: ${text}`)).toContain('is not one bit of the 32 in a packet mark');
      expect(sentence(`connmark: ${text}`)).toContain('is not one bit of the 32 in a connection mark');
    },
  );
});

describe('schedule', () => {
  test.each(['* * * * *', '*/30 * * * * *', '0 0 4 * * mon'])('%s', (schedule) => {
    expect(config(`schedule: "${schedule}"`).schedule).toBe(schedule);
  });

  test.each(['@every 30s', '@hourly', '* * * *', '* * * * * * *', '61 * * * *', 'soon', ''])(
    '%j is refused',
    (schedule) => {
      expect(sentence(`schedule: "${schedule}"`)).toMatch(/^schedule: .* is not a schedule/u);
    },
  );

  test('a list is no schedule', () => {
    expect(sentence('schedule: [1, 2]')).toBe('schedule: a list stands where a cron expression should');
  });
});
