import { expect, it } from 'vitest';
import { foldAlike } from '../../../src/decide/policy/problem-line.ts';
import type { ServiceStatus } from '../../../src/decide/report/status-services.ts';
import { columns, fold, wrap } from '../../../src/decide/report/text.ts';
import { blockedText } from '../../../src/faces/cli/blocked.ts';
import { groupTable } from '../../../src/faces/cli/group-table.ts';
import { serviceTable } from '../../../src/faces/cli/status-table.ts';
import { doctorText } from '../../../src/faces/doctor/text.ts';

// On a terminal of 80 columns what matters is broken between words, and never cut or left to the terminal.

const longest = (text: string): number => Math.max(...text.split('\n').map(({ length }) => length));

it('doctor keeps to the width of the terminal', () => {
  const lines = [
    { topic: 'configuration', kind: 'ok', text: 'word '.repeat(40).trim() },
    { topic: 'boot', kind: 'note', text: 'short', advice: 'and do '.repeat(30).trim() },
  ] as const;
  expect(longest(doctorText(lines, 80))).toBeLessThanOrEqual(80);
  expect(longest(doctorText(lines, 200))).toBeLessThanOrEqual(100);
  expect(longest(doctorText(lines))).toBeGreaterThan(90);
});

it('status says why a service is not protected, in lines below each other', () => {
  const bare: ServiceStatus = {
    name: 'homeassistant',
    project: null,
    entry: null,
    running: true,
    description: '',
    ports: [],
    notProtected: ['host network, no dockwall.ports'],
  };
  const long: ServiceStatus = {
    name: 'an-example-stack-web-1',
    project: null,
    entry: null,
    running: true,
    description: '',
    notProtected: [],
    ports: [
      {
        hostPort: '192.0.2.10:8443',
        routed: false,
        containerPort: '443',
        protocol: 'tcp',
        families: [4],
        held: false,
        reach: 'some',
        allow: ['office'],
        deny: ['bans'],
        because: null,
        counts: null,
      },
    ],
  };
  const text = serviceTable([bare, long], new Map(), 80);
  expect(longest(text)).toBeLessThanOrEqual(80);
  const who = (line: string): string => line.slice(text.indexOf('WHO'), text.indexOf('LET IN'));
  const words = text.split('\n').map(who).join(' ').replaceAll(/\s+/g, ' ');
  expect(text).toMatch(/^an-example-stack-.*\nweb-1 /m);
  expect(words).toContain('NOT PROTECTED: host network, no dockwall.ports');
  expect(words).toContain('claimed, not held; trusted, office, never bans');
});

it("check's table puts what is wrong below its row", () => {
  const member = {
    kind: 'url',
    name: `https://lists.example.org/${'x'.repeat(60)}.txt`,
    networks: 4182,
    age: 90_000,
  } as const;
  const error = 'no answer within 10 s, and what it said last stays in force until it does again';
  const groups = [
    {
      name: 'a-group-with-a-long-name-indeed',
      kind: 'group',
      networks: 4182,
      members: [{ ...member, error }],
    },
  ] as const;
  const text = groupTable(groups, 78);
  expect(longest(text)).toBeLessThanOrEqual(78);
  expect(text.replaceAll(/\s+/g, ' ')).toContain(`PROBLEM: ${error}`);
  expect(groupTable(groups)).toMatch(/IN ALL {2}PROBLEM$/m);
});

it('columns stand below each other where characters are wide, and give way where there is no room', () => {
  const rows = [
    ['SERVICE', 'PORT'],
    ['資料庫', '5432'],
    ['wiki', '80'],
  ];
  expect(columns(rows)).toBe('SERVICE  PORT\n資料庫   5432\nwiki     80');
  expect(fold('資料庫 資料庫', 7)).toEqual(['資料庫', '資料庫']);
  expect(fold('  2001:db8::1', 10)).toEqual(['  2001:', 'db8::1']);
  expect(fold('資料庫資料庫', 7)).toEqual(['資料庫', '資料庫']);
  expect(wrap('  https://lists.example.org/a-path/list.txt fails', 24)).toEqual([
    '  https://lists.example.',
    '    org/a-path/list.txt',
    '    fails',
  ]);
});

it('blocked keeps addresses whole, and grants their notes', () => {
  const blocked = blockedText(
    [
      {
        source: '2001:db8:1234:5678:9abc::5000',
        protocol: 'tcp',
        port: 20_000,
        services: ['nextcloud-production-cluster-north-1-reverse-proxy'],
        by: 'gate',
        packets: 4711,
        firstSeen: 4000,
        lastSeen: 12,
      },
    ],
    0,
    80,
  );
  expect(longest(blocked)).toBeLessThanOrEqual(80);
  expect(blocked).toContain('2001:db8:1234:5678:9abc::5000  20000/tcp');
  expect(blocked.replaceAll(/\s+/g, '')).toContain('reverse-proxy');
});

it('what is said of many alike is said once', () => {
  const lines = ['a: x=1: wrong', 'b: y=2: bad', 'c: x=1: wrong', 'd: x=1: wrong', 'no colon'];
  expect(foldAlike(lines, 2)).toEqual(['a, c and 1 more: x=1: wrong', 'b: y=2: bad', 'no colon']);
  expect(foldAlike(lines)[0]).toBe('a, c, d: x=1: wrong');
});
