import { released, sections } from './changelog.ts';
import { nextVersion, parseVersion } from './version.ts';

/** The texts that say a version. */
export interface Project {
  readonly 'package.json': string;
  readonly 'package-lock.json': string;
  readonly 'CHANGELOG.md': string;
}

interface Package {
  readonly version: string;
  readonly packages?: { readonly ''?: { readonly version?: string } };
}

/** Everything in which a tag and the project do not agree, a sentence each. */
export function disagreements(project: Project, tag: string): readonly string[] {
  const version = tag.replace(/^v/u, '');
  if (!tag.startsWith('v') || parseVersion(version) === undefined)
    return [`the tag "${tag}" is no version such as v1.2.3`];
  const said = JSON.parse(project['package.json']) as Package;
  const lock = JSON.parse(project['package-lock.json']) as Package;
  const places: readonly (readonly [string, string | undefined])[] = [
    ['package.json', said.version],
    ['package-lock.json', lock.version],
    ['package-lock.json (packages)', lock.packages?.['']?.version],
  ];
  const wrong = places.flatMap(([place, found]) =>
    found === version ? [] : [`${place} says ${found ?? 'nothing'}, the tag ${version}`],
  );
  return [...wrong, ...changelogProblems(project['CHANGELOG.md'], version)];
}

function changelogProblems(changelog: string, version: string): readonly string[] {
  const section = sections(changelog).find(({ name }) => name !== 'Unreleased');
  if (section?.name !== version)
    return [`the newest version in CHANGELOG.md is ${section?.name ?? 'none'}, not ${version}`];
  return [
    ...(section.date === undefined ? [`CHANGELOG.md gives ${version} no date`] : []),
    ...(section.notes === '' ? [`CHANGELOG.md says nothing of ${version}`] : []),
  ];
}

/** The project with another version: `1.2.3`, or `major`, `minor`, `patch`. */
export function bumped(
  project: Project,
  { wanted, date }: { readonly wanted: string; readonly date: string },
): { readonly version: string; readonly project: Project } {
  const { version: now } = JSON.parse(project['package.json']) as Package;
  const version = nextVersion(now, wanted);
  return {
    version,
    project: {
      'package.json': withVersion(project['package.json'], version),
      'package-lock.json': withVersion(project['package-lock.json'], version),
      'CHANGELOG.md': released(project['CHANGELOG.md'], version, date),
    },
  };
}

/** The text of a package.json or package-lock.json with another version of the package itself. */
function withVersion(text: string, version: string): string {
  const json = JSON.parse(text) as Package;
  const root = json.packages?.[''];
  const packages = root === undefined ? {} : { packages: { ...json.packages, '': { ...root, version } } };
  return `${JSON.stringify({ ...json, version, ...packages }, undefined, 2)}\n`;
}
