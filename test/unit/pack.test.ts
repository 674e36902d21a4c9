import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

// What somebody gets who installs the package: packed, unpacked into an empty folder beside what it depends on, and run.

const root = path.resolve(import.meta.dirname, '../..');
let folder = '';
let files: readonly string[] = [];

function run(command: string, args: readonly string[], { cwd = root, env = {} } = {}) {
  const PATH = `${path.dirname(process.execPath)}:${process.env['PATH']}`;
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, PATH, ...env },
  });
  return { status, stdout, stderr };
}

function must(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = run(command, args, { cwd });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}${stdout}`);
  return stdout;
}

/** In a copy: packing builds, and a build here would take `dist` from under whoever runs it. */
function pack(): string {
  const copy = path.join(folder, 'checkout');
  mkdirSync(copy);
  const { files: parts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    readonly files: readonly string[];
  };
  const needed = ['package.json', 'tsconfig.json', 'README.md', 'LICENSE', 'src', ...parts];
  for (const part of needed.filter((name) => name !== 'dist'))
    cpSync(path.join(root, part), path.join(copy, part), { recursive: true });
  symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
  const [packed] = JSON.parse(must('npm', ['pack', '--json', '--loglevel=error'], copy)) as readonly {
    readonly filename: string;
    readonly files: readonly { readonly path: string }[];
  }[];
  files = packed?.files.map((file) => file.path) ?? [];
  return path.join(copy, packed?.filename ?? '');
}

/** As `npm install` leaves it, without asking a registry: what the lock file says that users need, from our own node_modules. */
function install(tarball: string): void {
  const modules = path.join(folder, 'app/node_modules');
  mkdirSync(path.join(modules, '.bin'), { recursive: true });
  const lock = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly optional?: boolean }>>;
  };
  const needed = Object.entries(lock.packages).flatMap(([name, { dev, optional }]) =>
    name.startsWith('node_modules/') && !name.includes('/node_modules/') && dev !== true && optional !== true
      ? [name.slice('node_modules/'.length)]
      : [],
  );
  for (const scope of new Set(needed.map((name) => path.dirname(name))))
    mkdirSync(path.join(modules, scope), { recursive: true });
  for (const name of needed) {
    const pair = [path.join(root, 'node_modules', name), path.join(modules, name)];
    if (run('cp', ['-al', ...pair]).status !== 0) must('cp', ['-a', ...pair], root);
  }
  mkdirSync(path.join(modules, 'dockwall'));
  must('tar', ['-xzf', tarball, '--strip-components=1'], path.join(modules, 'dockwall'));
  // npm does so too
  chmodSync(path.join(modules, 'dockwall/dist/main.js'), 0o755);
  symlinkSync('../dockwall/dist/main.js', path.join(modules, '.bin/dockwall'));
}

const dockwall = (args: readonly string[], env = {}) =>
  run(path.join(folder, 'app/node_modules/.bin/dockwall'), args, { cwd: path.join(folder, 'app'), env });

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'dockwall-pack-'));
  install(pack());
}, 120_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

it('has the program, what people read, and nothing that only makes or tests it', () => {
  const tops = new Set(files.map((file) => file.split('/')[0]));
  expect(tops).toEqual(
    new Set(['CHANGELOG.md', 'LICENSE', 'README.md', 'compose.example.yml', 'dist', 'docs', 'package.json']),
  );
  for (const wanted of [
    'dist/main.js',
    'docs/dockwall.schema.json',
    'docs/status.schema.json',
    'docs/api.md',
  ])
    expect(files).toContain(wanted);
  const odd = /\.(?:map|ts|env|pem|key|log)$|(?:^|\/)(?:\.|tests?\/|golden\/)|\.test\.|secret/u;
  expect(files.filter((file) => odd.test(file))).toEqual([]);
});

it('has no native part, so that it runs wherever Node does', () => {
  const native = globSync('**/*.node', { cwd: path.join(folder, 'app/node_modules') });
  expect(native).toEqual([]);
});

it('names its version and its verbs', () => {
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    readonly version: string;
  };
  expect(dockwall(['--version'])).toEqual({ status: 0, stdout: `dockwall ${version}\n`, stderr: '' });
  const help = dockwall(['--help']);
  expect(help).toMatchObject({ status: 0, stderr: '' });
  expect(help.stdout).toMatch(/^Usage: dockwall .*\n[^]*\n {2}explain /u);
});

it('checks a configuration, and then asks Docker', () => {
  const env = { DOCKER_HOST: 'unix:///nowhere/docker.sock', DOCKWALL_CONFIG: 'trusted: [203.0.113.4]' };
  expect(dockwall(['check'], env)).toMatchObject({
    status: 5,
    stdout: 'configuration: ok\n',
    stderr: expect.stringContaining('Docker does not answer'),
  });
  const wrong = dockwall(['check'], { ...env, DOCKWALL_CONFIG: 'trustd: [203.0.113.4]' });
  expect(wrong).toMatchObject({ status: 2, stderr: expect.stringContaining('did you mean `trusted`?') });
});
