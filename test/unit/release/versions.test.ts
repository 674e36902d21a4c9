import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { kinds, notesOf, released, sections } from '../../../scripts/release/changelog.ts';
import { bumped, disagreements, type Project } from '../../../scripts/release/project.ts';
import { imageTags, nextVersion, parseVersion } from '../../../scripts/release/version.ts';

const changelog = `# Changelog

## [Unreleased]

### Added

- A new thing ([docs](docs/new.md#a), [web](https://example.org/x)).

## [0.1.0] - 2026-01-31

- The first.
`;

const project: Project = {
  'package.json': '{\n  "name": "x",\n  "version": "0.1.0"\n}\n',
  'package-lock.json':
    '{\n  "name": "x",\n  "version": "0.1.0",\n  "packages": {\n    "": {\n      "version": "0.1.0"\n    },\n    "node_modules/y": {\n      "version": "0.1.0"\n    }\n  }\n}\n',
  'CHANGELOG.md': changelog,
};

test.each([
  ['0.1.0', '0.1.0|0.1|latest'],
  ['1.2.3', '1.2.3|1.2|1|latest'],
  ['1.2.3-rc.1', '1.2.3-rc.1'],
])('tags of %s', (version, tags) => {
  expect(imageTags(version).join('|')).toBe(tags);
});

test.each(['v1.2.3', '1.2', '1.2.3+build', '01.2.3', '1.2.3-', '1.2.3-01', '1.2.3\n', '$(id)'])(
  '%j is no version',
  (text) => {
    expect(parseVersion(text)).toBeUndefined();
    expect(() => imageTags(text)).toThrow('is no version');
    expect(() => nextVersion('0.1.0', text)).toThrow('is no version');
  },
);

test.each([
  ['major', '1.0.0'],
  ['minor', '0.2.0'],
  ['patch', '0.1.1'],
  ['0.3.0-rc.1', '0.3.0-rc.1'],
])('0.1.0 and %s is %s', (wanted, version) => {
  expect(nextVersion('0.1.0', wanted)).toBe(version);
});

describe('notes', () => {
  it('are what stands under the heading', () => {
    expect(notesOf(changelog, '0.1.0')).toBe('- The first.');
    expect(() => notesOf(changelog, '0.2.0')).toThrow('nothing under "## [0.2.0]"');
  });

  it('lead to the files as they were then', () => {
    expect(notesOf(released(changelog, '0.2.0', '2026-02-01'), '0.2.0', 'o/r')).toBe(
      '### Added\n\n- A new thing ([docs](https://github.com/o/r/blob/v0.2.0/docs/new.md#a), [web](https://example.org/x)).',
    );
  });

  it('are refused where a heading is not in the form', () => {
    expect(() => sections('## 0.1.0\n')).toThrow('"## 0.1.0" is not');
  });
});

describe('bump', () => {
  it('changes every place, and nothing else', () => {
    const { version, project: next } = bumped(project, { wanted: 'minor', date: '2026-02-01' });
    expect(version).toBe('0.2.0');
    expect(next['package.json']).toBe(project['package.json'].replace('0.1.0', '0.2.0'));
    expect(next['package-lock.json'].match(/0\.\d\.0/gu)).toEqual(['0.2.0', '0.2.0', '0.1.0']);
    expect(next['CHANGELOG.md']).toBe(
      changelog.replace('## [Unreleased]', '## [Unreleased]\n\n## [0.2.0] - 2026-02-01'),
    );
    expect(disagreements(next, 'v0.2.0')).toEqual([]);
  });

  it('is refused where nothing is new, or the version is there', () => {
    const nothing = { ...project, 'CHANGELOG.md': changelog.replace(/### Added[^]*?(?=## \[0)/u, '') };
    expect(() => bumped(nothing, { wanted: 'minor', date: '2026-02-01' })).toThrow('say first what is new');
    expect(() => bumped(project, { wanted: '0.1.0', date: '2026-02-01' })).toThrow('already');
  });
});

describe('check', () => {
  it('takes the tag of what all say', () => {
    expect(disagreements(project, 'v0.1.0')).toEqual([]);
  });

  it.each([
    ['0.1.0', ['the tag "0.1.0" is no version such as v1.2.3']],
    ['v0.1', ['the tag "v0.1" is no version such as v1.2.3']],
    [
      'v0.2.0',
      [
        'package.json says 0.1.0, the tag 0.2.0',
        'package-lock.json says 0.1.0, the tag 0.2.0',
        'package-lock.json (packages) says 0.1.0, the tag 0.2.0',
        'the newest version in CHANGELOG.md is 0.1.0, not 0.2.0',
      ],
    ],
  ])('refuses %s', (tag, wrong) => {
    expect(disagreements(project, tag)).toEqual(wrong);
  });

  it('refuses a version without date or notes', () => {
    const empty = { ...project, 'CHANGELOG.md': '## [0.1.0]\n' };
    expect(disagreements(empty, 'v0.1.0')).toEqual([
      'CHANGELOG.md gives 0.1.0 no date',
      'CHANGELOG.md says nothing of 0.1.0',
    ]);
  });
});

describe('this project', () => {
  const read = (name: string): string => readFileSync(new URL(`../../../${name}`, import.meta.url), 'utf8');
  const own = {
    'package.json': read('package.json'),
    'package-lock.json': read('package-lock.json'),
    'CHANGELOG.md': read('CHANGELOG.md'),
  };

  it('says one version', () => {
    const { version } = JSON.parse(own['package.json']) as { readonly version: string };
    const lock = JSON.parse(own['package-lock.json']) as {
      readonly version: string;
      readonly packages: { readonly '': { readonly version: string } };
    };
    expect([lock.version, lock.packages[''].version]).toEqual([version, version]);
  });

  it('is a release, or can become one', () => {
    if (sections(own['CHANGELOG.md'])[0]?.notes === '') {
      const { version } = JSON.parse(own['package.json']) as { readonly version: string };
      expect(disagreements(own, `v${version}`)).toEqual([]);
      return;
    }
    const { version, project: next } = bumped(own, { wanted: 'minor', date: '2026-02-01' });
    expect(disagreements(next, `v${version}`)).toEqual([]);
    // the files are written as npm writes them: a release shows its own lines only
    const [a, b] = [own, next].map((one) => `${one['package.json']}${one['package-lock.json']}`.split('\n'));
    expect(b?.filter((line, at) => line !== a?.[at])).toHaveLength(3);
  });

  it('has a changelog of the kinds that there are', () => {
    const [unreleased, newest] = sections(own['CHANGELOG.md']);
    expect(unreleased?.name).toBe('Unreleased');
    for (const { notes } of sections(own['CHANGELOG.md']))
      for (const [, kind = ''] of notes.matchAll(/^### (.*)$/gmu)) expect(kinds).toContain(kind);
    const { version } = JSON.parse(own['package.json']) as { readonly version: string };
    expect([undefined, version]).toContain(newest?.name);
  });
});
