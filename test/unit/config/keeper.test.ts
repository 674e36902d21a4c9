import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigKeeper } from '../../../src/config/keeper.ts';

let folder = '';
let file = '';
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dockwall-keeper-'));
  file = path.join(folder, 'dockwall.yml');
});
afterEach(async () => rm(folder, { recursive: true }));

const now = 1_700_000_000_000;
const makeKeeper = (): ConfigKeeper => new ConfigKeeper({ DOCKWALL_CONFIG_FILE: file }, () => now);

/** Saved so many milliseconds ago. */
async function save(text: string, ago: number): Promise<void> {
  await writeFile(file, text);
  await utimes(file, (now - ago) / 1000, (now - ago) / 1000);
}

test('a file that is being written is left alone until it rests: emptied, it would be a configuration that trusts nobody', async () => {
  const keeper = makeKeeper();
  await save('trusted: [203.0.113.4]', 60_000);
  await keeper.reload();
  await save('', 20);
  expect(await keeper.reloadIfChanged()).toBeUndefined();
  expect(keeper.inForce().config.trusted.networks).toEqual(['203.0.113.4']);
  await save('trusted: [203.0.113.5]', 200);
  expect(await keeper.reloadIfChanged()).toMatchObject({ changed: true });
  expect(keeper.inForce().config.trusted.networks).toEqual(['203.0.113.5']);
  expect(await keeper.reloadIfChanged()).toBeUndefined();
});

test('a file from the future, by a wrong clock, is taken as it is', async () => {
  const keeper = makeKeeper();
  await save('trusted: [203.0.113.4]', 60_000);
  await keeper.reload();
  await save('trusted: [203.0.113.5]', -3_600_000);
  expect(await keeper.reloadIfChanged()).toMatchObject({ changed: true });
});

test('which file is to be watched', () => {
  expect(new ConfigKeeper({}).file).toBe('/etc/dockwall/dockwall.yml');
  expect(new ConfigKeeper({ DOCKWALL_CONFIG_FILE: file }).file).toBe(file);
  expect(
    new ConfigKeeper({ DOCKWALL_CONFIG: 'default: open', DOCKWALL_CONFIG_FILE: file }).file,
  ).toBeUndefined();
});
