import { describe, expect, test } from 'vitest';
import { formatProblem } from '../../../src/reach/config/problem.ts';
import { entriesOf, everyRight, membersOf, peerList } from '../policy/inventories.ts';
import { config, lines, problems, warnings } from './loading.ts';

const defaults = {
  default: 'closed',
  interfaces: 'auto',
  schedule: '*/30 * * * * *',
  driftCheck: 3000,
  mark: 0x1000,
  connmark: 0x80,
  trusted: peerList(),
  deny: peerList(),
  groups: new Map(),
  services: new Map(),
  labels: everyRight,
  guard: 'on',
  blocked: 'on',
  listen: undefined,
  maxGrant: 86_400_000,
  logLevel: 'info',
  logFormat: 'text',
};

describe('defaults', () => {
  test.each([
    ['no file', undefined],
    ['an empty file', ''],
    ['comments only', '# trusted: [203.0.113.4]\n'],
    ['an empty document', '---\n'],
    ['keys with nothing behind them', 'trusted:\n# - 203.0.113.4\ninterfaces: ~\nmark: null\ngroups:\n'],
    ['a byte order mark', '\uFEFFdefault: closed'],
  ])('%s', (_, text) => {
    expect(config(text)).toEqual(defaults);
    expect(warnings(text)).toEqual([]);
  });
});

describe('sources of configuration', () => {
  test('the whole file', () => {
    const text = `
default: open
interfaces: [eth0, wlan0]
schedule: "*/5 * * * *"
driftCheck: 500ms
mark: 0x1000
connmark: 0x40
trusted: [203.0.113.4, office, private]
deny: bans 192.0.2.66
groups:
  office: [198.51.100.0/25, 198.51.100.128/25, "2001:db8::/48"]
  bans: 192.0.2.1-192.0.2.2
services:
  nginx-proxy: {public: [http, https], allow: {ssh: [office]}}
labels: {keys: [allow]}
guard: off
blocked: off
maxGrant: 12h
logLevel: debug
logFormat: json
`;
    expect(config(text)).toEqual({
      default: 'open',
      interfaces: ['eth0', 'wlan0'],
      schedule: '*/5 * * * *',
      driftCheck: 500,
      mark: 0x1000,
      connmark: 0x40,
      trusted: peerList(['203.0.113.4'], ['office', 'private']),
      deny: peerList(['192.0.2.66'], ['bans']),
      groups: new Map([
        ['bans', membersOf('192.0.2.1', '192.0.2.2')],
        ['office', membersOf('198.51.100.0/24', '2001:db8::/48')],
      ]),
      services: entriesOf({
        'nginx-proxy': { 'dockwall.public': 'http,https', 'dockwall.allow.ssh': 'office' },
      }),
      labels: { ...everyRight, keys: ['allow'] },
      guard: 'off',
      blocked: 'off',
      maxGrant: 43_200_000,
      logLevel: 'debug',
      logFormat: 'json',
    });
  });

  test('every key has a variable, which wins over the file', () => {
    const env = {
      DOCKWALL_DEFAULT: 'open',
      DOCKWALL_INTERFACES: 'eth1, eth0',
      DOCKWALL_SCHEDULE: ' 0  4 * * * ',
      DOCKWALL_DRIFT_CHECK: 'off',
      DOCKWALL_MARK: '4096',
      DOCKWALL_CONNMARK: '16',
      DOCKWALL_TRUSTED: 'office 203.0.113.4',
      DOCKWALL_DENY: '192.0.2.66',
      DOCKWALL_GROUPS: 'office: [198.51.100.0/24]',
      DOCKWALL_SERVICES: '{web: {public: 80}}',
      DOCKWALL_LABELS: 'guests: off',
      DOCKWALL_GUARD: 'off',
      DOCKWALL_BLOCKED: 'off',
      DOCKWALL_MAX_GRANT: 'off',
      DOCKWALL_LOG_LEVEL: 'warn',
      DOCKWALL_LOG_FORMAT: 'json',
    };
    const file =
      'default: closed\ngroups: {lab: [10.0.0.0/8]}\nservices: {db: {public: 5432}}\ndeny: [lab]\n';
    expect(config(file, env)).toEqual({
      default: 'open',
      interfaces: ['eth0', 'eth1'],
      schedule: '0 4 * * *',
      driftCheck: 0,
      mark: 4096,
      connmark: 16,
      trusted: peerList(['203.0.113.4'], ['office']),
      deny: peerList(['192.0.2.66']),
      groups: new Map([['office', membersOf('198.51.100.0/24')]]),
      services: entriesOf({ web: { 'dockwall.public': '80' } }),
      labels: { ...everyRight, guests: 'off' },
      guard: 'off',
      blocked: 'off',
      maxGrant: 0,
      logLevel: 'warn',
      logFormat: 'json',
    });
  });

  test('a list in a variable may be written as YAML writes it', () => {
    const env = {
      DOCKWALL_TRUSTED: '[203.0.113.4, "2001:db8::1"]',
      DOCKWALL_DENY: ' [{ipset: x}, {preset: fastly}]\n',
      DOCKWALL_INTERFACES: '[eth0, eth1]',
    };
    const file =
      'trusted: [203.0.113.4, "2001:db8::1"]\ndeny: [{ipset: x}, {preset: fastly}]\ninterfaces: [eth0, eth1]';
    expect(config(undefined, env)).toEqual(config(file));
  });

  test('what is wrong in such a list is found in it', () => {
    const env = { DOCKWALL_TRUSTED: '[203.0.113.4,\n  office]', DOCKWALL_DENY: '{ipset: x}' };
    expect(lines(problems(undefined, env))).toEqual([
      'DOCKWALL_TRUSTED:2:3 trusted[1]: `office` is neither an address nor a group: the groups are private, connected',
      'DOCKWALL_DENY:1:1 deny: a map (keys with values) stands where a list should',
    ]);
    expect(lines(problems(undefined, { DOCKWALL_TRUSTED: '[203.0.113.4' }))[0]).toMatch(
      /^DOCKWALL_TRUSTED:1:\d+ trusted: this is not YAML/u,
    );
  });

  test('the groups in force are those of the last source', () => {
    const found = problems('groups: {lab: [10.0.0.0/8]}\ntrusted: [lab]', {
      DOCKWALL_GROUPS: 'labs: [10.0.0.0/8]',
    });
    expect(lines(found)).toEqual([
      '2:11 trusted[0]: `lab` is neither an address nor a group: the groups are labs, private, connected; did you mean `labs`?',
    ]);
  });

  test('an empty variable is the same as none', () => {
    expect(
      config('default: open', { DOCKWALL_DEFAULT: '', DOCKWALL_TRUSTED: ' ', DOCKWALL_CONFIG: '' }).default,
    ).toBe('open');
  });

  test('DOCKWALL_CONFIG stands in place of the file, and says so', () => {
    const env = { DOCKWALL_CONFIG: 'default: open' };
    expect(config('nonsense: [', env).default).toBe('open');
    expect(lines(warnings('x', env))).toEqual([
      'DOCKWALL_CONFIG : this stands in place of the file `dockwall.yml`, which is not read',
    ]);
    expect(warnings(undefined, { ...env, DOCKWALL_CONFIG_FILE: '/x.yml' })).toHaveLength(1);
    expect(warnings(undefined, env)).toEqual([]);
  });
});

describe('problems', () => {
  test('all of them, in the order of the text, then of the variables', () => {
    const text = 'trusted: [1.2.3.4/33]\ntrsted: []\nmark: 3\ngroups: {web: [10.1]}\n';
    const env = { DOCKWALL_DEFAULT: 'opne', DOCKWALL_TRUSTED: 'web,wep' };
    expect(lines(problems(text, env))).toEqual([
      '1:11 trusted[0]: `/33` is not a prefix length: the prefix length of IPv4 is a number from 0 to 32',
      '2:1 trsted: `trsted` is not a key here: the keys are default, interfaces, schedule, driftCheck, mark, connmark, trusted, deny, groups, services, labels, guard, blocked, listen, maxGrant, logLevel, logFormat; did you mean `trusted`?',
      '3:7 mark: `3` is not one bit of the 32 in a packet mark: write a power of two, such as `0x1000`',
      '4:16 groups.web[0]: `10.1` is not an address: an IPv4 address has four numbers with dots between them',
      'DOCKWALL_DEFAULT default: `opne` stands where one of `closed`, `open` should; did you mean `open`?',
      'DOCKWALL_TRUSTED trusted[1]: `wep` is neither an address nor a group: the groups are web, private, connected; did you mean `web`?',
    ]);
  });

  test('a wrong value in the file is a problem also where a variable replaces it', () => {
    expect(problems('default: opne', { DOCKWALL_DEFAULT: 'open' })).toHaveLength(1);
  });

  test('unreadable groups do not make every group unknown', () => {
    expect(lines(problems('trusted: [office]', { DOCKWALL_GROUPS: 'office: [' }))).toEqual([
      'DOCKWALL_GROUPS:1:10 groups: this is not YAML: a list in brackets does not end before here: close it with `]`, and indent its lines more than its key',
    ]);
  });

  test('inline YAML counts its own lines', () => {
    const env = { DOCKWALL_GROUPS: 'web:\n  - 10.0.0.0/8\n  - 300.1.1.1\n', DOCKWALL_SERVICES: '- web' };
    expect(lines(problems(undefined, env))).toEqual([
      'DOCKWALL_GROUPS:3:5 groups.web[1]: `300.1.1.1` is not an address: `300` is more than 255',
      'DOCKWALL_SERVICES:1:1 services: this is a list, and should be keys with values (`key: value`)',
    ]);
    expect(lines(problems('x', { DOCKWALL_CONFIG: 'a\n: [' }))[0]).toMatch(
      /^DOCKWALL_CONFIG:\d:\d : this is not YAML/u,
    );
  });

  test('one entry of a list in one text is found in it', () => {
    expect(lines(problems('trusted: "10.0.0.1, 10.0.0"'))[0]).toMatch(/^1:21 trusted\[1\]/u);
  });

  test('everybody, also by way of a group or of halves', () => {
    const text = 'trusted: [world]\ndeny: ["::/1", "8000::/1"]\ngroups: {world: [0.0.0.0/0]}';
    expect(lines(problems(text))).toEqual([
      expect.stringMatching(
        /^1:10 trusted: `0\.0\.0\.0\/0` here would open every published port to everybody: write/,
      ),
      expect.stringMatching(/^2:7 deny: `::\/0` here would refuse everybody, the trusted sources too: leave/),
    ]);
    expect(lines(problems('trusted: [128.0.0.0/1, half]\ngroups: {half: [0.0.0.0/1]}'))).toHaveLength(1);
    expect(config('groups: {world: [0.0.0.0/0, "::/0"]}').groups.size).toBe(1);
  });

  test('in one line, and with the source line and a caret', () => {
    const [problem] = problems('groups:\n  web: [10.0.0.1, "a\\nb"]\n');
    expect(problem && formatProblem(problem)).toBe(
      [
        'dockwall.yml:2:19: groups.web[1]: `a\\nb` is not an address: write one address, CIDR or range here, without spaces',
        '      web: [10.0.0.1, "a\\nb"]',
        '                      ^',
      ].join('\n'),
    );
    const [variable] = problems(undefined, { DOCKWALL_TRUSTED: '1.2.3.4/33' });
    expect(variable && formatProblem(variable)).toBe(
      'environment variable DOCKWALL_TRUSTED: trusted[0]: `/33` is not a prefix length: the prefix length of IPv4 is a number from 0 to 32 (found `1.2.3.4/33`)',
    );
  });

  test('a long line is cut around the caret', () => {
    const [problem] = problems(`trusted: [${'10.0.0.1, '.repeat(100)}10.0.0]`);
    const [, source = '', caret = ''] = problem === undefined ? [] : formatProblem(problem).split('\n');
    expect(source.length).toBeLessThan(110);
    expect(source.slice(caret.length - 1)).toBe('10.0.0]');
  });
});

describe('warnings', () => {
  test('a variable that dockwall does not know; its value may be secret', () => {
    const env = {
      DOCKWALL_TRUSTD: 'hunter2',
      dockwall_mark: '1',
      DOCKWALL_RUNTIME_DIR: '/run/dockwall',
      PATH: '/bin',
    };
    const found = warnings(undefined, env);
    expect(lines(found)).toEqual([
      'DOCKWALL_TRUSTD : dockwall does not know `DOCKWALL_TRUSTD` and leaves it aside; did you mean `DOCKWALL_TRUSTED`?',
      'dockwall_mark : dockwall does not know `dockwall_mark` and leaves it aside; did you mean `DOCKWALL_MARK`?',
    ]);
    expect(JSON.stringify(found)).not.toContain('hunter2');
  });

  test.each([
    ['0x4000', 'kube-proxy (0x4000 and 0x8000)'],
    ['0x20000', 'tailscale (0xff0000) and by Calico (0xffff0000)'],
    ['0x80000000', 'Calico (0xffff0000)'],
  ])('the mark %s has another user', (mark, users) => {
    expect(lines(warnings(`mark: ${mark}`))).toEqual([
      `1:7 mark: this bit of the packet mark is used by ${users}: choose another if that runs on this host`,
    ]);
  });

  test.each([
    ['0x800', 'mwan3 (0x3f00) and by wg-quick (0xca6c)'],
    ['0x40000', 'tailscale (0xff0000) and by Calico (0xffff0000)'],
  ])('the connection mark %s has another user', (connmark, users) => {
    expect(lines(warnings(`connmark: ${connmark}`))).toEqual([
      `1:11 connmark: this bit of the connection mark is used by ${users}: choose another if that runs on this host`,
    ]);
  });

  test('one bit for both marks', () => {
    expect(lines(warnings('connmark: 0x1000'))).toEqual([
      '1:11 connmark: this is the bit of `mark` too: rules that restore the mark of a connection would let refused packets pass',
    ]);
  });
});
