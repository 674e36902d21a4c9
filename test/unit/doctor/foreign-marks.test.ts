import { expect, it } from 'vitest';
import { examine, exitCodeOf } from '../../../src/faces/doctor/examine.ts';
import type { Run } from '../../../src/reach/kernel/command.ts';
import { parseNftMarks, parseRules, readForeignMarks } from '../../../src/reach/kernel/foreign-marks.ts';
import { stageHost, type Staging } from './staged-host.ts';

// Texts as nft 1.0.6 and 1.1, and ip of iproute2 6, print them.

it.each<[string, Staging, RegExp, number]>([
  [
    'our bit in a routing rule',
    {
      view: {
        foreignMarks: parseRules(
          '[{"priority":32765,"src":"all","fwmark":"0x1000","fwmask":"0x1000","table":"100"}]',
          4,
        ),
      },
    },
    /^problem mark: .*routed by rules of others: ip rule 32765 \(IPv4\)/,
    1,
  ],
  [
    'a routing rule that compares all of the mark',
    {
      view: {
        foreignMarks: parseRules('[{"priority":32764,"src":"all","fwmark":"0x1","table":"101"}]', 6),
      },
    },
    /^note mark: routing rules of others compare .*ip rule 32764 \(IPv6\)/,
    0,
  ],
  [
    'another mark of a routing rule',
    {
      view: {
        foreignMarks: parseRules(
          '[{"priority":5210,"fwmark":"0x80000","fwmask":"0xff0000","table":"main"}]',
          4,
        ),
      },
    },
    /^ok mark: /,
    0,
  ],
  ...(
    [
      ['0x00000005', 'problem'],
      ['ct mark', 'problem'],
      ['meta mark | 0x00001000', 'problem'],
      ['meta mark & 0xffff00ff', 'problem'],
      ['meta mark and 0xffff0fff or 0x1', 'problem'],
      ['meta mark & 0xfffffff0 | 0x00000001', 'ok'],
      ['meta mark or 0x1', 'ok'],
    ] as const
  ).map(([value, kind]): [string, Staging, RegExp, number] => [
    `nft: meta mark set ${value}`,
    {
      view: {
        foreignMarks: parseNftMarks(`table inet other {\n\tchain c {\n\t\tmeta mark set ${value}\n\t}\n}\n`),
      },
    },
    kind === 'ok' ? /^ok mark: / : /^problem mark: .*of the packet mark: nft inet other c$/,
    kind === 'ok' ? 0 : 1,
  ]),
])('%s', async (_, staging, line, exitCode) => {
  const view = await stageHost(staging);
  const lines = examine(view);
  const words = lines.map(({ kind, topic, text }) => `${kind} ${topic}: ${text}`);
  expect(words).toContainEqual(expect.stringMatching(line));
  expect(exitCodeOf(view, lines)).toBe(exitCode);
});

it("dockwall's own table is nobody else's, whatever it writes", async () => {
  const asked: string[] = [];
  const run: Run = async ({ program, args }) => {
    asked.push([program, ...args].join(' '));
    return {
      stdout: program === 'nft' ? '\t\tct mark set ct mark | 0x00000080 drop\n' : '[]',
      stderr: '',
      exitCode: 0,
    };
  };
  const lines = (await readForeignMarks(['inet dockwall-lock', 'ip mangle', 'inet other'], run)).length;
  expect(lines).toBe(1);
  expect(asked.filter((one) => one.startsWith('nft'))).toEqual(['nft list table inet other']);
});
