import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { parse } from 'yaml';
import { configJsonSchema } from '../../../src/reach/config/json-schema.ts';
import { configKeys, defaults, twins } from '../../../src/reach/config/schema.ts';
import { problems } from './loading.ts';
import { schemaErrors, takes } from './schema-check.ts';

const root = new URL('../../../', import.meta.url);
const path = new URL('docs/dockwall.schema.json', root);

it('docs/dockwall.schema.json is what the schemas say (UPDATE_DOCS=1 writes it)', () => {
  const text = `${JSON.stringify(configJsonSchema(), undefined, 2)}\n`;
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(path, text);
  expect(readFileSync(path, 'utf8')).toBe(text);
});

it('says of every key what it means and what holds without it', () => {
  const { properties = {} } = configJsonSchema();
  expect(Object.keys(properties).toSorted()).toEqual(configKeys.toSorted());
  for (const key of configKeys) {
    expect(properties[key]).toMatchObject({
      default: defaults[key],
      description: expect.stringMatching(/\.$/u),
    });
    expect(JSON.stringify(properties[key])).not.toMatch(/\]\(/u);
  }
  expect(takes(JSON.stringify(defaults))).toBe(true);
});

// Each is refused by dockwall too: config.test.ts and its neighbours say with what sentence.
test.each([
  'defualt: open',
  'default: opened',
  'default: [closed]',
  'schedule: every minute',
  'driftCheck: 3 seconds',
  'driftCheck: 3',
  'mark: bit 12',
  'mark: 0',
  'trusted: [any]',
  'trusted: [{url: "http://example.org/list.txt"}]',
  'trusted: [{url: "https://example.org/list.txt", refresh: soon}]',
  'trusted: [{preset: cloudfare}]',
  'trusted: [{country: Germany}]',
  'trusted: {office: 203.0.113.4}',
  'groups: [office]',
  'groups: {Office: [203.0.113.4]}',
  'groups: {any: [203.0.113.4]}',
  'groups: {office: {203.0.113.4: yes}}',
  'groups: {bans: [{ipset: bans, missing: fine}]}',
  'groups: {bans: [{ipset: bans, lost: empty}]}',
  'services: {web: http}',
  'services: {web: }',
  'services: {web: {publik: [80]}}',
  'services: {"web 1": {public: [80]}}',
  'services: {games: {match: {}}}',
  'services: {games: {match: {nam: x}}}',
  'services: {games: {match: {name: []}}}',
  'services: {web: {allow: {80: {office: yes}}}}',
  'labels: {keys: [publik]}',
  'labels: {sources: [{url: "https://example.org/list.txt"}]}',
  'labels: {guests: maybe}',
  'guard: 1',
  'listen: everywhere',
  'listen: 70000',
  'listen: {public: yes}',
  'maxGrant: forever',
  'logFormat: auto',
])('refuses %s', (text) => {
  expect(takes(text)).toBe(false);
});

/** Configurations that stand in a text: blocks with keys of ours at the left, YAML in variables. */
function examples(text: string): readonly string[] {
  const starts = new RegExp(`^(?:${configKeys.join('|')}):(?:\\s|$)`, 'mu');
  const fenced = Array.from(text.matchAll(/^```ya?ml\n(.*?)^```/gmsu), ([, block = '']) => block);
  const rest = text.replaceAll(/^```.*?^```/gmsu, '');
  const indented = Array.from(rest.matchAll(/(?:^ {4}.*\n|^\n(?= {4}))+/gmu), ([block]) =>
    block.replaceAll(/^ {4}/gmu, ''),
  );
  return [...fenced, ...indented].filter(
    (block) => starts.test(block) && !/^services:\n(?:.*\n)*? +image:/mu.test(block),
  );
}

describe('examples', () => {
  const documents = ['README.md', ...globSync('docs/**/*.md', { cwd: root })];
  const all = documents.flatMap((file) =>
    examples(readFileSync(new URL(file, root), 'utf8')).map((text) => [file, text] as const),
  );

  it('are found', () => {
    expect(all.length).toBeGreaterThan(3);
    expect(new Set(all.map(([file]) => file))).toContain('docs/configuration.md');
  });

  it.each(all)('of %s are what the schema takes: %s', (_, text) => {
    expect(schemaErrors(text)).toEqual([]);
  });

  it.each(globSync('docs/**/*.{yml,yaml}', { cwd: root }))('%s says its schema, if it is ours', (file) => {
    const text = readFileSync(new URL(file, root), 'utf8');
    if (problems(text).length > 0 && !text.includes('yaml-language-server')) return;
    const [, schema = ''] = /^# yaml-language-server: \$schema=(\S+)\n/u.exec(text) ?? [];
    expect(new URL(schema, new URL(file, root)).href).toBe(path.href);
    expect(problems(text)).toEqual([]);
    expect(schemaErrors(text)).toEqual([]);
  });

  const composed = ['compose.example.yml', ...globSync('docs/**/*.{yml,yaml}', { cwd: root })].flatMap(
    (file) => inVariables(readFileSync(new URL(file, root), 'utf8')).map((text) => [file, text] as const),
  );

  it.each(composed)('in the variables of %s are as well: %s', (_, text) => {
    expect(schemaErrors(text)).toEqual([]);
  });

  it('are found in variables too', () => {
    expect(composed.map(([file]) => file)).toContain('compose.example.yml');
  });
});

/** What the services of a compose file have in variables of ours, as the configuration's YAML. */
function inVariables(compose: string): readonly string[] {
  const { services = {} } = (parse(compose) ?? {}) as {
    readonly services?: Readonly<
      Record<string, { readonly environment?: Readonly<Record<string, unknown>> }>
    >;
  };
  return Object.values(services).flatMap(({ environment = {} }) => {
    const values = configKeys.flatMap((key) => {
      const value = environment[twins[key]];
      if (value === undefined) return [];
      const yaml = typeof value === 'string' && ['groups', 'services', 'labels'].includes(key);
      return [[key, yaml ? (parse(value) as unknown) : value] as const];
    });
    const whole = environment['DOCKWALL_CONFIG'];
    const own = values.length === 0 ? [] : [JSON.stringify(Object.fromEntries(values))];
    return typeof whole === 'string' ? [whole, ...own] : own;
  });
}
