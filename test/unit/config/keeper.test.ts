import { mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigKeeper } from '../../../src/reach/config/keeper.ts';
import { LastGoodFile } from '../../../src/reach/config/last-good.ts';

let folder = '';
let file = '';
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dockwall-keeper-'));
  file = path.join(folder, 'dockwall.yml');
});
afterEach(async () => rm(folder, { recursive: true }));

const now = 1_700_000_000_000;
const makeKeeper = (): ConfigKeeper =>
  new ConfigKeeper({ DOCKWALL_CONFIG_FILE: file }, { wallNow: () => now });

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

describe('a mistake that a restart finds', () => {
  const good = { DOCKWALL_TRUSTED: '203.0.113.4', HOME: '/root' };
  const bad = { DOCKWALL_TRUSTED: '203.0.113.4,203.0.113.500,2001:db8::1' };

  /** A process of its own, with the memory of those before it. */
  async function start(env: Record<string, string>): Promise<ConfigKeeper> {
    const here = { ...env, DOCKWALL_STATE_DIR: path.join(folder, 'state') };
    const keeper = new ConfigKeeper(here, { wallNow: () => now, memory: new LastGoodFile(here) });
    await keeper.reload();
    return keeper;
  }

  const trusted = (keeper: ConfigKeeper): readonly string[] => keeper.inForce().config.trusted.networks;
  const keptFile = (): string => path.join(folder, 'state', 'config.good');

  test('leaves the last good one in force, and is told, however often it starts', async () => {
    await start(good);
    for (const _ of [1, 2]) {
      const keeper = await start({ DOCKWALL_TRUSTED: '203.0.113.9', DOCKWALL_DEFAULT: 'opne' });
      expect(trusted(keeper)).toEqual(['203.0.113.4']);
      expect(keeper.inForce().lockedDown).toBe(false);
      expect(keeper.problems()).toHaveLength(1);
      expect(keeper.consequence()).toBe('the last good one stays in force (of 2023-11-14T22:13:20Z)');
    }
  });

  test('goes by the newest good one alone, which a file may be too', async () => {
    await start({ DOCKWALL_DEFAULT: 'open' });
    await save('trusted: [203.0.113.7]', 60_000);
    await start({ DOCKWALL_CONFIG_FILE: file });
    await save('trusted: [', 60_000);
    const keeper = await start({ DOCKWALL_CONFIG_FILE: file });
    expect(keeper.inForce().config).toMatchObject({
      default: 'closed',
      trusted: { networks: ['203.0.113.7'] },
    });
  });

  test('without one costs the bad entries of a list alone', async () => {
    const keeper = await start(bad);
    expect(trusted(keeper)).toEqual(['203.0.113.4', '2001:db8::1']);
    expect(keeper.problems()).toEqual([expect.stringContaining('203.0.113.500')]);
    expect(keeper.consequence()).toBe('this entry is left out, and the others are in force');
    const verb = new ConfigKeeper(bad);
    expect((await verb.reload()).problems).toHaveLength(1);
  });

  test('what is left of a bad one is not a good one: the next start has it no more', async () => {
    await start(bad);
    expect((await start({ DOCKWALL_DEFAULT: 'opne' })).inForce().lockedDown).toBe(true);
  });

  test.each([
    ['a word that is none', { DOCKWALL_DEFAULT: 'opne', DOCKWALL_TRUSTED: '203.0.113.4' }],
    ['everybody refused', { DOCKWALL_DENY: 'any' }],
    ['everybody trusted, in halves', { DOCKWALL_TRUSTED: '0.0.0.0/1,128.0.0.0/1,203.0.113.500' }],
    ['an interface without which nothing is guarded there', { DOCKWALL_INTERFACES: 'eth0,br-*' }],
    ['broken YAML', { DOCKWALL_GROUPS: '{office: [' }],
  ])('without one closes all where an entry is not all that is wrong: %s', async (_, env) => {
    expect((await start(env)).inForce().lockedDown).toBe(true);
  });

  test('takes entries out of groups, services and lists of lists, each once', async () => {
    const keeper = await start({
      DOCKWALL_CONFIG: [
        'trusted: [office, ofice, {url: ftp://x}]',
        'groups: {office: [203.0.113.4, "203.0.113.x", "{"], home: 198.51.100.1 nothing/33}',
        'services: {web: {public: [http, {a: b}], allow: {ssh: [office, [x]]}}}',
      ].join('\n'),
    });
    const { config, lockedDown } = keeper.inForce();
    expect(lockedDown).toBe(false);
    expect(config.trusted.groups).toEqual(['office']);
    expect([...config.groups].map(([name, { networks }]) => [name, ...networks])).toEqual([
      ['home', '198.51.100.1'],
      ['office', '203.0.113.4'],
    ]);
    expect(config.services.get('web')?.labels).toEqual({
      'dockwall.public': 'http',
      'dockwall.allow.ssh': 'office',
    });
  });

  test('a file that is not whole is none; nor is one that another version does not find good', async () => {
    await start(good);
    const text = await readFile(keptFile(), 'utf8');
    expect(text).not.toContain('HOME');
    expect((await stat(keptFile())).mode & 0o777).toBe(0o600);
    for (const broken of ['', text.slice(0, 40), text.replace('203.0.113.4', '0.0.0.0/0'), '{"version":2}']) {
      await writeFile(keptFile(), broken);
      expect((await start({ DOCKWALL_DEFAULT: 'opne' })).inForce().lockedDown).toBe(true);
    }
  });

  test('one that could not be kept is told, and the one before it, which may open more, is gone', async () => {
    await start({ DOCKWALL_DEFAULT: 'open' });
    // A folder in the place of the file that is written first: rename and open fail.
    await mkdir(`${keptFile()}.${process.pid}.new`);
    const here = { ...good, DOCKWALL_STATE_DIR: path.join(folder, 'state') };
    const keeper = new ConfigKeeper(here, { memory: new LastGoodFile(here) });
    expect((await keeper.reload()).warnings).toEqual([
      expect.stringContaining('cannot be kept for a restart'),
    ]);
    expect((await start({ DOCKWALL_DEFAULT: 'opne' })).inForce().lockedDown).toBe(true);
  });

  test('is mended by a good one, also where that is the one in force', async () => {
    await start(good);
    await save('default: opne', 60_000);
    const keeper = await start({ ...good, DOCKWALL_CONFIG_FILE: file });
    expect(keeper.problems()).toHaveLength(1);
    await save('', 60_000);
    expect(await keeper.reload()).toMatchObject({ changed: false, problems: [] });
    expect(keeper.problems()).toEqual([]);
  });
});
