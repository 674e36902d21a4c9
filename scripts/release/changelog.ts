/** The part of CHANGELOG.md for one version: Keep a Changelog 1.1.0. */
interface Section {
  /** `Unreleased`, or a version. */
  readonly name: string;
  /** As it stands there, such as `2026-11-28`. */
  readonly date: string | undefined;
  readonly notes: string;
}

/** What Keep a Changelog calls the kinds of changes. */
export const kinds: readonly string[] = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'];

const heading = /^## \[(?<name>[^\]]+)\](?: - (?<date>\d{4}-\d{2}-\d{2}))?$/u;

/** The parts of a changelog, from the top. */
export function sections(changelog: string): readonly Section[] {
  const parts = changelog.split(/^(?=## )/mu).filter((part) => part.startsWith('## '));
  return parts.map((part) => {
    const [first = '', ...rest] = part.split('\n');
    const { name, date } = heading.exec(first)?.groups ?? {};
    if (name === undefined)
      throw new Error(`CHANGELOG.md: "${first}" is not "## [Unreleased]" or "## [1.2.3] - 2026-11-28"`);
    return { name, date, notes: rest.join('\n').trim() };
  });
}

/**
 * What a release says of itself. Links to files of the repository lead to the files as they were then: on the page of a release, a relative
 * link leads nowhere.
 */
export function notesOf(changelog: string, version: string, repository?: string): string {
  const notes = sections(changelog).find(({ name }) => name === version)?.notes ?? '';
  if (notes === '') throw new Error(`CHANGELOG.md has nothing under "## [${version}]"`);
  if (repository === undefined) return notes;
  return notes.replaceAll(
    /\]\((?![a-z]+:|#)([^)]+)\)/gu,
    `](https://github.com/${repository}/blob/v${version}/$1)`,
  );
}

/** The changelog in which what was unreleased is this version, and nothing is unreleased. */
export function released(changelog: string, version: string, date: string): string {
  const [unreleased, ...others] = sections(changelog);
  if (unreleased?.name !== 'Unreleased' || unreleased.notes === '')
    throw new Error('CHANGELOG.md has nothing under "## [Unreleased]" at the top: say first what is new');
  if (others.some(({ name }) => name === version))
    throw new Error(`CHANGELOG.md has "## [${version}]" already`);
  return changelog.replace('## [Unreleased]\n', () => `## [Unreleased]\n\n## [${version}] - ${date}\n`);
}
