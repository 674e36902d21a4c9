import { appendFileSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { notesOf } from './changelog.ts';
import { releasedCompose } from './compose.ts';
import { bumped, disagreements, type Project } from './project.ts';
import { imageTags, parseVersion } from './version.ts';

// npm run release: the steps of a release that are not Docker's, for people and for .github/workflows/release.yml. See docs/releases.md.

const usage = `npm run release -- VERB

  bump VERSION|major|minor|patch    package.json, package-lock.json and CHANGELOG.md get the version
  check TAG                         whether the tag is what all of them say
  tags VERSION                      the tags of the image, one a line
  notes VERSION [--repository O/R]  what CHANGELOG.md says of it
  assets FOLDER --image IMAGE       the files that go with a release: compose files with that image, the JSON Schema
`;

const root = path.resolve(import.meta.dirname, '../..');
const read = (name: string): string => readFileSync(path.join(root, name), 'utf8');

function readProject(): Project {
  return {
    'package.json': read('package.json'),
    'package-lock.json': read('package-lock.json'),
    'CHANGELOG.md': read('CHANGELOG.md'),
  };
}

/** Those with a sidecar that a checkout builds. */
function composeFiles(): readonly string[] {
  const all = ['compose.example.yml', ...globSync('docs/recipes/*.{yml,yaml}', { cwd: root })];
  return all.filter((file) => read(file).includes('image: dockwall:latest'));
}

/** Gives the lines to print. */
type Verb = (
  argument: string,
  options: { readonly repository?: string; readonly image?: string },
) => readonly string[];

const verbs: Readonly<Record<string, Verb>> = {
  bump(wanted) {
    const date = new Date().toISOString().slice(0, 10);
    const { version, project } = bumped(readProject(), { wanted, date });
    for (const [name, text] of Object.entries(project)) writeFileSync(path.join(root, name), text);
    return [
      `Everything says ${version} now. Look at it, then:`,
      `  git commit --all --message "Release ${version}"`,
      `  git tag --annotate v${version} --message "dockwall ${version}"`,
      `  git push --follow-tags`,
    ];
  },
  check(tag) {
    const wrong = disagreements(readProject(), tag);
    if (wrong.length > 0) throw new Error(wrong.join('\n'));
    const version = tag.slice(1);
    const said = { version, prerelease: String(parseVersion(version)?.pre !== undefined) };
    const outputs = process.env['GITHUB_OUTPUT'];
    if (outputs !== undefined)
      appendFileSync(
        outputs,
        Object.entries(said)
          .map(([name, value]) => `${name}=${value}\n`)
          .join(''),
      );
    return [`${tag} is what package.json, package-lock.json and CHANGELOG.md say.`];
  },
  tags: (version) => imageTags(version),
  notes: (version, { repository }) => [notesOf(read('CHANGELOG.md'), version, repository)],
  assets(folder, { image }) {
    if (image === undefined) throw new Error('--image is missing');
    mkdirSync(folder, { recursive: true });
    const assets: readonly (readonly [string, string])[] = [
      ['dockwall.schema.json', read('docs/dockwall.schema.json')],
      ...composeFiles().map((file) => [path.basename(file), releasedCompose(read(file), image)] as const),
    ];
    return assets.map(([name, text]) => {
      const file = path.join(folder, name);
      writeFileSync(file, text);
      return file;
    });
  },
};

function run(): readonly string[] {
  const options = { repository: { type: 'string' }, image: { type: 'string' } } as const;
  const { positionals, values } = parseArgs({ options, allowPositionals: true });
  const [name = '', argument, ...more] = positionals;
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (verb === undefined || argument === undefined || more.length > 0) throw new Error(usage);
  return verb(argument, values);
}

try {
  console.log(run().join('\n'));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
