import * as fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { loadConfig } from '../../../src/reach/config/load.ts';
import { formatProblem } from '../../../src/reach/config/problem.ts';
import { configKeys, twins } from '../../../src/reach/config/schema.ts';

// Hundreds of runs each, on machines that do other things too.
vi.setConfig({ testTimeout: 60_000 });

const words = [
  ...configKeys,
  'public',
  'allow',
  'office',
  'any',
  'private',
  '10.0.0.0/8',
  '::/0',
  '2001:db8::',
  'auto',
  '0x2000',
  '__proto__',
  'constructor',
  'a.example',
];
const marks = [
  ':',
  ': ',
  '\n',
  '\n  ',
  '\n  - ',
  '- ',
  '[',
  ']',
  '{',
  '}',
  ', ',
  '&a ',
  '*a',
  '"',
  "'",
  '|',
  '>',
  '#',
  '!',
  '---\n',
  '?',
  '~',
  '\t',
  '%',
  '\u0000',
  '\u2028',
];
const soup = fc.array(fc.constantFrom(...words, ...marks), { maxLength: 40 }).map((parts) => parts.join(''));
const text = fc.oneof(soup, fc.string({ unit: 'binary' }), fc.json());
/** Documents with known keys and any JSON value below them. */
const shaped = fc
  .dictionary(fc.constantFrom(...configKeys), fc.jsonValue({ maxDepth: 4 }))
  .map((value) => JSON.stringify(value));
/** Lists with known options and any text or JSON value in them. */
const list = fc
  .dictionary(
    fc.oneof(
      fc.constantFrom('url', 'file', 'preset', 'country', 'refresh', 'format', 'path', 'mayShrink'),
      fc.string(),
    ),
    fc.oneof(fc.constantFrom('https://a', '10m', 'json', 'true', 'cloudflare'), fc.string(), fc.jsonValue()),
  )
  .map((value) => `groups: {g: [${JSON.stringify(value)}]}`);
const env = fc.dictionary(
  fc.oneof(fc.constantFrom(...Object.values(twins), 'DOCKWALL_CONFIG', 'DOCKWALL_X'), fc.string()),
  fc.oneof(text, fc.constantFrom(...words)),
);

describe('no text and no variable makes it throw, and every problem can be shown', () => {
  test('YAML', () => {
    fc.assert(
      fc.property(fc.oneof(text, shaped, list), (yaml) =>
        check({ file: { path: 'x.yml', text: yaml }, env: {} }),
      ),
      { numRuns: 500 },
    );
  });

  test('variables', () => {
    fc.assert(
      fc.property(env, (variables) => check({ env: variables })),
      { numRuns: 300 },
    );
  });
});

function check(input: Parameters<typeof loadConfig>[0]): void {
  const loaded = loadConfig(input);
  if (!loaded.ok) expect(loaded.problems.length).toBeGreaterThan(0);
  for (const problem of loaded.ok ? loaded.warnings : loaded.problems) {
    expect(`${problem.path}${problem.value}${problem.problem}`).not.toMatch(/\p{Cc}/u);
    expect(formatProblem(problem).split('\n').length).toBeLessThanOrEqual(3);
  }
  // What loads is a whole configuration.
  if (loaded.ok) expect(Object.keys(loaded.config).toSorted()).toEqual(configKeys.toSorted());
}
