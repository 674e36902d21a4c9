import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { decide } from '../../src/decide/pass/decide.ts';
import { lockText } from '../../src/reach/kernel/nft/lock-text.ts';
import { renderScenario, untouched } from './render.ts';
import { readScenarios } from './scenario.ts';

const file = new URL('../../docs/rules.md', import.meta.url);
const scenario = readScenarios().find(({ name }) => name === 'nginx-proxy');
const texts = scenario && renderScenario(scenario);
const golden = (name: string): string => texts?.get(name) ?? '';

/** One table of a restore file as `iptables -S` lists it: chains, then rules, ids left out. */
function table(rules: string, name: string): string {
  const body = rules.split(`*${name}\n`)[1]?.split('COMMIT')[0] ?? '';
  return body
    .trim()
    .split('\n')
    .map((line) => line.replace(/^:(\S+) .*/, '-N $1').replace(/"dockwall:\S+ /, '"'))
    .join('\n');
}

/** Members of every set of one family, the two halves of all addresses as `*`. */
function sets(restore: string, family: number): string {
  const members = new Map<string, Set<string>>();
  for (const line of restore.split('\n')) {
    const [verb, name = '', member = ''] = line.split(' ');
    if (!name.startsWith(`dockwall${family}-`)) continue;
    const known = members.get(name) ?? new Set();
    members.set(name, known);
    if (verb === 'add') known.add(member.replace(/^(0\.0\.0\.0|128\.0\.0\.0|::|8000::)\/1/, '*'));
  }
  return [...members].map(([name, held]) => `${name.padEnd(24)} ${[...held].sort().join(' ') || '(empty)'}`).join('\n');
}

/** As it is written in one transaction, a command a line. */
function lock(): string {
  const last = scenario?.moments.at(-1);
  const plan = scenario && last && decide({ ...last, observed: { ...untouched, lock: { kind: 'none' } } }, scenario.config).plan;
  const change = plan?.lock?.after;
  return change?.kind === 'write' ? lockText(change.lock, 'persist', false).replaceAll(/; (?=add |flush )/g, '\n') : '';
}

function document(): string {
  const rules = golden('v4.rules');
  const code = (text: string): string => `\`\`\`\n${text}\n\`\`\`\n`;
  return [
    '# The rules, as rendered\n',
    'For the stack of `compose.example.yml`, IPv4 (IPv6 is alike). Made by a test from `test/golden/nginx-proxy`, so it cannot grow old;',
    '`UPDATE_GOLDEN=1 npx vitest run --config test/vitest.config.ts --project unit test/golden` writes it anew. Each comment also carries an id',
    'before the words, left out here. `*` stands for every address.\n',
    '## The front (filter)\n',
    code(table(rules, 'filter')),
    '## The gate (mangle)\n',
    code(table(rules, 'mangle')),
    '## The lock (nftables, both families)\n',
    code(lock()),
    '## The sets\n',
    code(sets(golden('sets.restore'), 4)),
  ].join('\n');
}

it('docs/rules.md shows what is rendered', () => {
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, document());
  expect(existsSync(file)).toBe(true);
  expect(readFileSync(file, 'utf8')).toBe(document());
});
