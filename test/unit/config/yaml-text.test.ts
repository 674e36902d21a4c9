import { describe, expect, test } from 'vitest';
import { config, lines, problems } from './loading.ts';

describe('what is no configuration', () => {
  test.each([
    [
      'a duplicate key',
      'mark: 1\nmark: 2',
      '2:1 mark: the key `mark` stands here a second time: put both together',
    ],
    [
      'a duplicate key with quotes',
      'groups:\n  "80a": []\n  80a: []',
      '3:3 groups.80a: the key `80a` stands here a second time: put both together',
    ],
    ['a tab', 'trusted:\n\t- 10.0.0.1', '2:1 : YAML is not indented with tabs: use spaces'],
    [
      'a syntax error',
      'trusted: [10.0.0.1',
      '1:19 : this is not YAML: a list in brackets does not end before here: close it with `]`, and indent its lines more than its key',
    ],
    [
      'a brace that is not closed',
      'groups: {office: [10.0.0.1]\ntrusted: []',
      '2:1 : this is not YAML: a map in braces does not end before here: close it with `}`, and indent its lines more than its key',
    ],
    [
      'a brace alone',
      '{default: open',
      '1:15 : this is not YAML: a map in braces does not end: close it with `}`',
    ],
    [
      'a quote that is not closed',
      'trusted: "10.0.0.1\ndeny: []',
      '2:9 : this is not YAML: a quote before here does not end: close it with `"`',
    ],
    [
      'a missing colon above other keys',
      'default open\ntrusted: []',
      '1:1 : this is not YAML: a key and its colon stand in one line (`key: value`): is a colon missing here?',
    ],
    [
      'a missing colon below them',
      'trusted: []\ndefault open',
      '2:1 : this is not YAML: a colon is missing after this key (`key: value`)',
    ],
    [
      'keys of one map at different columns',
      'groups:\n  a: []\n   b: []',
      '3:1 : this is not YAML: the keys of one map start in one column, and here is one that does not: check the spaces in front of it',
    ],
    [
      'entries of one list at different columns',
      'trusted:\n  - a\n - b',
      '3:1 : this is not YAML: the entries of one list start in one column, and here is one that does not: check the spaces in front of it',
    ],
    [
      'two colons in a line',
      'services: web: {}',
      '1:11 : this is not YAML: two keys in one line: start a new line after the first, or put quotes around a text with a colon in it',
    ],
    ['a star', 'services: {web: {public: *}}', '1:26 : this is not YAML: `*` needs quotes here: `"*"`'],
    [
      'a text that begins with what YAML keeps for itself',
      'trusted: @office',
      '1:10 : this is not YAML: a text that begins with `@` needs quotes',
    ],
    ['a bracket too many', 'trusted: []]', '1:12 : this is not YAML: `]` is one too many'],
    [
      'a missing comma',
      'trusted: ["a" "b"]',
      '1:15 : this is not YAML: a comma is missing between two entries',
    ],
    [
      'text behind a text in quotes',
      'trusted: "a" b',
      '1:14 : this is not YAML: the value has ended before this: put quotes around all of it, or start a new line',
    ],
    [
      'two documents',
      'default: open\n---\ndefault: closed',
      '2:1 : a second document starts here: write everything in one, without `---` between',
    ],
    ['what the parser quotes', '%\u0001', '1:1 : this is not YAML: Unknown directive %\\u{1}'],
    ['a list', '- trusted', '1:1 : this is a list, and should be keys with values (`key: value`)'],
    ['a text', 'trusted', '1:1 : this is text, and should be keys with values (`key: value`)'],
    ['a tag', 'default: !open x', '1:10 : Unresolved tag: !open: leave the tag out'],
    [
      'binary',
      'default: !!binary b3Blbg==',
      '1:19 default: this kind of value has no use here: write plain text',
    ],
    [
      'an alias without anchor',
      'trusted: [*office]',
      '1:11 trusted[0]: there is no finished anchor `&office` above this alias',
    ],
    [
      'an alias inside its anchor',
      'trusted: &a [*a]',
      '1:14 trusted[0]: there is no finished anchor `&a` above this alias',
    ],
    [
      'a list as a key',
      'groups: {? [a] : b}',
      '1:12 groups: a key is plain text; an address with colons needs quotes: "2001:db8::7"',
    ],
    [
      'a key that objects have anyway',
      'groups: {__proto__: [10.0.0.1]}',
      '1:10 groups: a key is plain text; an address with colons needs quotes: "2001:db8::7"',
    ],
    [
      'too deep',
      `trusted: ${'['.repeat(30)}${']'.repeat(30)}`,
      `1:30 trusted${'[0]'.repeat(20)}: this is nested too deeply`,
    ],
  ])('%s', (_, text, line) => {
    expect(lines(problems(text))).toContain(line);
  });

  test('one place, one problem', () => {
    expect(problems('trusted: [*office]')).toHaveLength(1);
  });
});

describe('what is fine', () => {
  test('anchors', () => {
    const text = 'groups: {office: &office [198.51.100.0/24]}\ntrusted: *office\ndeny: []';
    expect(config(text).trusted.networks).toEqual(['198.51.100.0/24']);
  });

  test('values are what was written, whatever YAML makes of them', () => {
    const text = 'services: {web: {public: [0080, 1e3], description: yes, ports: 0x50}}';
    expect(config(text).services.get('web')?.labels).toEqual({
      'dockwall.public': '0080,1e3',
      'dockwall.description': 'yes',
      'dockwall.ports': '0x50',
    });
  });

  test('plain IPv6 addresses', () => {
    expect(config('trusted: [2001:db8::1, ::1, 2001:db8:1::/48]').trusted.networks).toHaveLength(3);
  });
});

describe('size', () => {
  test('aliases of aliases are stopped', () => {
    const levels = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    const text = levels.map((name, index) => {
      const below = index === 0 ? '10.0.0.1' : `*${levels[index - 1] ?? ''}`;
      return `${name}: &${name} [${Array.from({ length: 20 }, () => below).join(', ')}]`;
    });
    const started = performance.now();
    expect(lines(problems(text.join('\n')))).toContainEqual(
      expect.stringContaining('aliases repeat more than 100000 values'),
    );
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test.each([
    ['brackets', '['.repeat(20_000)],
    ['closing braces', '}'.repeat(10_000)],
    ['keys', Array.from({ length: 10_000 }, (_, index) => `k${index}: 1`).join('\n')],
    ['names', `groups: {${Array.from({ length: 10_000 }, (_, index) => `K${index}: 1`).join(', ')}}`],
  ])(
    'many %s end in problems, in seconds',
    (_, text) => {
      expect(problems(text).length).toBeGreaterThan(0);
    },
    60_000,
  );

  test('many networks are fine', () => {
    const entries = Array.from({ length: 20_000 }, (_, index) => `  - 10.${index >> 8}.${index & 255}.1`);
    expect(config(`trusted:\n${entries.join('\n')}`).trusted.networks).toHaveLength(20_000);
  });
});
