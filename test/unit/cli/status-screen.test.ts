import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import type { Observed, ObservedSet } from '../../../src/decide/diff/model.ts';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import type { DaemonReport } from '../../../src/decide/report/daemon-report.ts';
import { readStatus, type Status } from '../../../src/decide/report/status.ts';
import { jsonText } from '../../../src/decide/report/text.ts';
import { render } from '../../../src/decide/wall/render.ts';
import { statusText } from '../../../src/faces/cli/status-text.ts';
import {
  groupsOf,
  makeConfig,
  makeContainer,
  makeInventory,
  peerList,
  ports,
} from '../policy/inventories.ts';
import { statusSchema } from './status-schema.ts';

const now = Date.parse('2026-11-25T11:04:05Z');
const minute = 60_000;
const date = (ago: number): string => new Date(now - ago).toISOString();

const daemon: DaemonReport = {
  version: 1,
  dockwall: '0.1.0',
  startedAt: date(180 * minute),
  healthy: true,
  problems: [],
  lastPass: date(4000),
  nextRun: date(-26_000),
  hooks: [{ family: 4, chain: 'PREROUTING', since: date(61 * minute), repaired: 2 }],
  repaired: { jump: 2 },
  sources: [
    { name: 'home.example.org', networks: 2, ageSeconds: 40, error: null, failures: 0 },
    {
      name: 'https://lists.example/cdn.txt',
      networks: 15,
      ageSeconds: 7300,
      error: 'it answered 503',
      failures: 3,
    },
  ],
};

const config = makeConfig({
  interfaces: ['eth0'],
  trusted: peerList(['203.0.113.4']),
  groups: groupsOf({ office: ['198.51.100.0/24', '203.0.113.0/30'], web: ['192.0.2.0/24'] }),
});

/** Ten of a host at home: some with several ports, one with a long name, one that stands still, one label that is wrong. */
const containers = [
  makeContainer('nginx-proxy', {
    labels: { 'dockwall.public': 'http,https' },
    ports: ports('80:80', '443:443'),
  }),
  makeContainer('wiki', { labels: { 'dockwall.allow': 'office' }, ports: ports('8080:80') }),
  makeContainer('mail', { labels: { 'dockwall.public': '25' }, ports: ports('25:25', '143:143', '993:993') }),
  makeContainer('games', { labels: { 'dockwall.allow': 'web,office' }, ports: ports('27015:27015/udp') }),
  makeContainer('a-stack-with-a-very-long-name-db-1', { ports: ports('5432:5432') }),
  makeContainer('ftp', {
    ports: ports(...Array.from({ length: 11 }, (_, i) => `${30_000 + i}:${30_000 + i}`)),
  }),
  makeContainer('old', { ports: ports('9000:9000'), active: false }),
  makeContainer('typo', { labels: { 'dockwall.allow': 'ofice' }, ports: ports('9001:80') }),
  makeContainer('metrics', { ports: ports('127.0.0.1:9090:9090') }),
  makeContainer('git', { labels: { 'dockwall.allow': 'office' }, ports: ports('2222:22', '3000:3000') }),
];

const entry = (
  name: string,
  members: Readonly<Record<string, number>>,
  counted: Readonly<Record<string, number>> = {},
): ObservedSet => ({
  name,
  type: '',
  family: 4,
  expiring: true,
  members: new Map(Object.entries(members)),
  packets: new Map(Object.entries(counted)),
});

const sets = [
  entry('dockwall4-count-passed', {}, { '0.0.0.0/1,tcp:443': 1_234_567, '128.0.0.0/1,tcp:443': 3 }),
  entry('dockwall4-turned-away-last', {
    '203.0.113.200,tcp:8080': 86_388,
    '198.51.100.9,tcp:5432': 86_000,
    '198.18.0.7,udp:27015': 80_000,
    '198.18.0.8,udp:27015': 70_000,
  }),
  entry('dockwall4-turned-away', { '203.0.113.200,tcp:8080': 80_000 }, { '203.0.113.200,tcp:8080': 31 }),
];

const interfaces = ['lo', 'eth0', 'eth1', 'docker0', 'br-0123456789ab', 'veth1'].map((name) => ({
  name,
  networks: [],
}));

function found(labels: Readonly<Record<string, string>> = {}, report = daemon): Status {
  const extra = Object.keys(labels).length === 0 ? [] : [makeContainer('x', { labels, ports: ports('1:1') })];
  const inventory = makeInventory([...containers, ...extra], { interfaces });
  const policy = resolve(inventory, config);
  const observed: Observed = { backends: ['nft'], families: [4, 6], tables: [], sets, foreign: [] };
  const plan = { sets: [], tables: [], destroy: [] };
  const from = {
    host: {
      interfaces,
      listeners: [],
    },
    snapshot: { containers: [], networks: [], details: new Map() },
    config: { config, lockedDown: false },
    answers: new Map(),
  };
  const facts = {
    version: '28.5.2',
    apiVersion: '1.51',
    firewall: 'iptables',
    rootless: false,
    osType: 'linux',
    desktop: false,
    liveRestore: false,
    swarm: 'no',
  } as const;
  const engine = { facts, findings: [] };
  return readStatus(
    { observed, policy, plan, engine, ruleset: render(policy, 'asked'), foreign: [], from },
    { daemon: report, now },
  );
}

describe('status on a screen', () => {
  it('has room for ten services on 80 columns and 24 lines', () => {
    const quiet = { ...daemon, hooks: [], sources: daemon.sources.slice(0, 1) };
    const lines = statusText({ ...found({}, quiet), problems: [], uncovered: [] }, { width: 80, now }).split(
      '\n',
    );
    // the last line is the shell's
    expect(lines.length, lines.join('\n')).toBeLessThanOrEqual(23);
    for (const { name } of containers) expect(lines.join('\n')).toContain(name.slice(0, 18));
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });

  it('tells a bad day in a few lines more, none of them too long', () => {
    const lines = statusText(found(), { width: 80, now }).split('\n');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines).toEqual([
      expect.stringMatching(/^Docker 28\.5\.2: API 1\.51, iptables; policy [0-9a-f]{12}$/) as string,
      'IPv4 and IPv6: gate NOT IN PLACE (nft), no DOCKER chain: the gate stands alone',
      'dockwall 0.1.0: up 3 h, last pass 4 s ago, next in 26 s',
      'Put back since then: PREROUTING (IPv4) 2 times, 1 h ago',
      'NOT COVERED: what comes in by eth1 (see interfaces: in the configuration)',
      '',
      'SERVICE               PORTS           WHO MAY REACH THEM    LET IN  NEW  REFUSED',
      'nginx-proxy           80,443          everybody             1.2M    0    0',
      'wiki                  8080            trusted, office (2)   -       -    -',
      'mail                  25              everybody             -       -    -',
      'mail                  143,993         trusted only          -       -    -',
      'games                 27015/udp       trusted, web, office  -       -    -',
      'a-stack-with-a-very-  5432            trusted only          -       -    -',
      'long-name-db-1',
      'ftp                   30000-30010     trusted only          -       -    -',
      'old (stopped)         9000            trusted only          -       -    -',
      'typo                  9001            trusted only          -       -    -',
      'metrics               127.0.0.1:9090  this host only        -       -    -',
      'git                   2222,3000       trusted, office (2)   -       -    -',
      '',
      'Turned away last, and packets of each (more: dockwall blocked):',
      '  203.0.113.200  8080/tcp   wiki                                31  12 s ago',
      '  198.51.100.9   5432/tcp   a-stack-with-a-very-long-name-db-1  1   6 min ago',
      '  198.18.0.7     27015/udp  games                               1   1 h ago',
      'Sources: 1 is well, last heard of within 40 s',
      'Source https://lists.example/cdn.txt: it answered 503; its 15 networks of 2 h',
      '    ago stay in force',
      'Problems (such a container opens nothing):',
      '  typo: dockwall.allow=ofice: no group is named "ofice" (did you mean "office"?)',
    ]);
  });

  it('is what its schema says (UPDATE_DOCS=1 writes docs/status.schema.json)', () => {
    const path = new URL('../../../docs/status.schema.json', import.meta.url);
    const text = `${JSON.stringify(z.toJSONSchema(statusSchema), undefined, 2)}\n`;
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(path, text);
    expect(readFileSync(path, 'utf8')).toBe(text);
    type Promised = z.infer<typeof statusSchema>;
    expectTypeOf<keyof Status>().toEqualTypeOf<keyof Promised>();
    expectTypeOf<keyof Status['services'][0]>().toEqualTypeOf<keyof Promised['services'][0]>();
    expect(() => statusSchema.parse(JSON.parse(jsonText(found())))).not.toThrow();
  });

  it('shows hostile labels harmlessly in JSON too, and not all of 10 kB', () => {
    const hostile = `\u202E\u001B[31m\u009B<script>\n\u2028${'x'.repeat(10_000)}`;
    const status = found({ 'dockwall.description': hostile, 'dockwall.allow': hostile });
    const text = jsonText(status);
    // eslint-disable-next-line no-control-regex -- that none is left is the point
    expect(text.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001F\u007F-\u009F\u2028-\u202E<]/);
    expect(text.length).toBeLessThan(20_000);
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(status)));
  });
});
