import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { configPath, readConfig } from '../../../src/reach/config/read.ts';

let directory = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dockwall-config-'));
  await writeFile(join(directory, 'good.yml'), '\uFEFFdefault: open\n');
  await writeFile(join(directory, 'latin1.yml'), Buffer.from([0x23, 0xe9, 0x0a]));
  await writeFile(join(directory, 'large.yml'), '#'.repeat(1024 * 1024 + 1));
  await writeFile(join(directory, 'private.yml'), '');
  await chmod(join(directory, 'private.yml'), 0);
  await mkdir(join(directory, 'directory.yml'));
  await symlink('circle.yml', join(directory, 'circle.yml'));
});

afterAll(async () => {
  await rm(directory, { recursive: true });
});

describe('which file', () => {
  test.each([
    [{}, '/etc/dockwall/dockwall.yml'],
    [{ DOCKWALL_CONFIG_FILE: '' }, '/etc/dockwall/dockwall.yml'],
    [{ DOCKWALL_CONFIG_FILE: '/x.yml' }, '/x.yml'],
  ])('%j names %s', (env, path) => {
    expect(configPath(env)).toBe(path);
  });

  test('the usual one', async () => {
    const path = join(directory, 'good.yml');
    expect(await readConfig({}, path)).toEqual({
      ok: true,
      input: { env: {}, file: { path, text: 'default: open\n' } },
    });
  });

  test('the usual one may be missing', async () => {
    expect(await readConfig({ A: 'b' }, join(directory, 'missing.yml'))).toEqual({
      ok: true,
      input: { env: { A: 'b' } },
    });
  });

  test('the one that is named', async () => {
    const env = { DOCKWALL_CONFIG_FILE: join(directory, 'good.yml') };
    const read = await readConfig(env, join(directory, 'missing.yml'));
    expect(read.ok && read.input.file?.text).toBe('default: open\n');
  });

  test('none where DOCKWALL_CONFIG has the text', async () => {
    const env = { DOCKWALL_CONFIG: 'default: open', DOCKWALL_CONFIG_FILE: join(directory, 'missing.yml') };
    expect(await readConfig(env)).toEqual({ ok: true, input: { env } });
  });
});

describe('files that cannot be read', () => {
  test.each([
    [
      'missing.yml',
      'the configuration file cannot be read: there is no file of that name; is it mounted into the container?',
    ],
    [
      'directory.yml',
      'this is a directory, not a file: Docker makes one when the file to be mounted does not exist on the host',
    ],
    ['latin1.yml', 'this is not UTF-8 text: save the file as UTF-8'],
    ['large.yml', 'this is larger than 1 MiB, which no configuration is: is it the right file?'],
    ['circle.yml', 'the configuration file cannot be read: its symbolic links go in a circle'],
    ['good.yml/x.yml', 'the configuration file cannot be read: a part of the path is not a directory'],
  ])('%s', async (name, problem) => {
    const path = join(directory, name);
    expect(await readConfig({ DOCKWALL_CONFIG_FILE: path })).toEqual({
      ok: false,
      problems: [{ where: path, path: '', value: '', problem }],
    });
  });

  test('a device is no configuration', async () => {
    const read = await readConfig({ DOCKWALL_CONFIG_FILE: '/dev/zero' });
    expect(!read.ok && read.problems[0]?.problem).toBe('this is not a regular file: name one with YAML text');
  });

  // Root may read everything; it is told the same by a file that is somebody's pipe or directory, above.
  if (process.getuid?.() !== 0) {
    test('a file that others own', async () => {
      const read = await readConfig({ DOCKWALL_CONFIG_FILE: join(directory, 'private.yml') });
      expect(!read.ok && read.problems[0]?.problem).toBe(
        'the configuration file cannot be read: permission denied',
      );
    });
  }
});
