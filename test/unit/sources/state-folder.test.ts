import { chmod, mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { SourceKey } from '../../../src/decide/policy/config.ts';
import type { LastGood } from '../../../src/reach/sources/model.ts';
import { StateFolder } from '../../../src/reach/sources/state-folder.ts';
import { cidr } from '../policy/inventories.ts';

const key = 'home.example.org' as SourceKey;
const other = 'https://example.org/list a.*.b' as SourceKey;
const good: LastGood = {
  networks: ['203.0.113.1', '198.51.100.0/24', '2001:db8::/48'].map(cidr),
  at: 1_700_000_000_000,
  validators: { etag: 'W/"a\nb"', lastModified: 'Tue, 01 Jan 2030 00:00:00 GMT' },
};

let root = '';
let state: StateFolder;
const folder = (): string => path.join(root, 'new', 'state');

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'dockwall-state-'));
  state = new StateFolder(folder());
});
afterEach(async () => rm(root, { recursive: true }));

async function only(): Promise<string> {
  const [name = ''] = await readdir(folder());
  return path.join(folder(), name);
}

it('no folder is no memory', async () => {
  expect(await state.readAll()).toEqual({ answers: new Map(), problems: [] });
  expect(await state.read(key)).toBeUndefined();
});

it('what is written is read again, by another process too', async () => {
  await state.write(key, good);
  await state.write(other, { networks: [], at: 5 });
  expect(await new StateFolder(folder()).readAll()).toEqual({
    answers: new Map([
      [key, good],
      [other, { networks: [], at: 5, validators: undefined }],
    ]),
    problems: [],
  });
  expect(await state.read(key)).toEqual(good);
  await state.write(key, { ...good, networks: [] });
  expect((await state.read(key))?.networks).toEqual([]);
  expect(await readdir(folder())).toHaveLength(2);
});

it.each<[string, (file: string) => Promise<void>]>([
  ['cut off', async (file) => truncate(file, 150)],
  ['empty', async (file) => truncate(file, 0)],
  ['no JSON', async (file) => writeFile(file, 'hello\n10.0.0.1\n')],
  [
    'another network',
    async (file) => writeFile(file, (await readFile(file, 'utf8')).replace('203.0.113.1', '203.0.113.2')),
  ],
  [
    'a newer version',
    async (file) => writeFile(file, (await readFile(file, 'utf8')).replace('"version":1', '"version":2')),
  ],
])('a file that is broken (%s) is none, and named', async (_, damage) => {
  await state.write(key, good);
  const file = await only();
  await damage(file);
  expect(await state.readAll()).toEqual({
    answers: new Map(),
    problems: [`${file} cannot be read and is left aside`],
  });
  expect(await state.read(key)).toBeUndefined();
  await state.write(key, good);
  expect(await state.read(key)).toEqual(good);
});

it('a half-written file of a killed process is nothing', async () => {
  await state.write(key, good);
  await writeFile(`${await only()}.7.new`, '{"vers');
  expect(await state.readAll()).toEqual({ answers: new Map([[key, good]]), problems: [] });
});

it('only the root may read: URLs may have secrets in them', async () => {
  await state.write(key, good);
  await chmod(folder(), 0o700);
  const { mode } = await (await import('node:fs/promises')).stat(await only());
  expect(mode & 0o777).toBe(0o600);
});

it('what is out of use for 30 days goes', async () => {
  await state.write(key, good);
  const old = await only();
  await utimes(old, new Date(0), new Date(0));
  await state.write(other, good);
  const day = 86_400_000;
  await state.prune([key], 100 * day);
  expect(await state.read(key)).toEqual(good);
  await state.prune([], Date.now() + 29 * day);
  expect([...(await state.readAll()).answers.keys()]).toEqual([other]);
  await state.prune([], Date.now() + 31 * day);
  expect(await readdir(folder())).toEqual([]);
});
