import { expect, it } from 'vitest';
import { groupTable } from '../../../src/cli/group-table.ts';
import type { ServiceStatus } from '../../../src/cli/status-services.ts';
import { narrowRows } from '../../../src/cli/status-table.ts';
import { columns } from '../../../src/cli/text.ts';
import { doctorText } from '../../../src/doctor/text.ts';

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
  const text = columns(narrowRows([bare, long], new Map(), 80));
  expect(longest(text)).toBeLessThanOrEqual(80);
  const words = text.replaceAll(/\s+(?:-\s+)*/g, ' ');
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
