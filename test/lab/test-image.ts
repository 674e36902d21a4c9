import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  readFile,
  readdir,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { withLock } from './lock.ts';
import { imagesDir } from './paths.ts';
import { output, run } from './run.ts';

const programs = { serve: 'inside/serve.pl', ask: 'inside/ask.pl' };
const source = (file: string): string => path.join(import.meta.dirname, file);

async function libraries(root: string): Promise<readonly string[]> {
  const listed = await output(['chroot', root, 'ldd', '/usr/bin/perl']);
  return [...listed.matchAll(/(\/\S+) \(0x/g)].map(([, file]) => file ?? '');
}

async function perlFiles(root: string): Promise<readonly string[]> {
  const list = await readFile(path.join(root, 'var/lib/dpkg/info/perl-base.list'), 'utf8');
  const wanted = list.split('\n').filter((file) => file.includes('/perl-base/'));
  return ['/usr/bin/perl', ...wanted];
}

async function copyInto(tree: string, root: string, file: string): Promise<void> {
  const stat = await lstat(path.join(root, file)).catch(() => undefined);
  if (stat?.isDirectory()) return;
  await mkdir(path.dirname(path.join(tree, file)), { recursive: true });
  await copyFile(path.join(root, file), path.join(tree, file));
  if (stat) await chmod(path.join(tree, file), stat.mode);
}

async function fill(tree: string, root: string): Promise<void> {
  for (const dir of ['bin', 'etc', 'tmp', 'www', 'usr/bin'])
    await mkdir(path.join(tree, dir), { recursive: true });
  for (const file of [...(await libraries(root)), ...(await perlFiles(root))])
    await copyInto(tree, root, file);
  await copyInto(tree, root, '/bin/busybox');
  const applets = (await output(['chroot', root, 'busybox', '--list'])).split('\n');
  const present = new Set(await readdir(path.join(tree, 'bin')));
  for (const applet of applets) {
    if (applet && !present.has(applet)) await symlink('busybox', path.join(tree, 'bin', applet));
  }
  for (const [name, file] of Object.entries(programs)) {
    await copyFile(source(file), path.join(tree, 'bin', name));
    await chmod(path.join(tree, 'bin', name), 0o755);
  }
  await writeFile(path.join(tree, 'etc/passwd'), 'root:x:0:0:root:/:/bin/sh\n');
}

/** The image of the lab's containers as a tar: busybox, and perl-base for `serve` and `ask`. Made once a root. */
export async function testImageTar(root: string): Promise<string> {
  const sources = [...Object.values(programs).map(source), import.meta.filename].map((file) =>
    readFileSync(file, 'utf8'),
  );
  const hash = createHash('sha256')
    .update(JSON.stringify([root, ...sources]))
    .digest('hex')
    .slice(0, 10);
  const tar = path.join(imagesDir(), `service-${hash}.tar`);
  if (existsSync(tar)) return tar;
  return withLock(`${tar}.lock`, async () => {
    if (existsSync(tar)) return tar;
    const tree = `${tar}.tree`;
    await rm(tree, { recursive: true, force: true });
    await fill(tree, root);
    await run(['tar', '-C', tree, '--owner=0', '--group=0', '-cf', `${tar}.partial`, '.']);
    await rename(`${tar}.partial`, tar);
    await rm(tree, { recursive: true, force: true });
    return tar;
  });
}
