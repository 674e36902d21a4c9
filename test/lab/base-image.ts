import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { withLock } from './lock.ts';
import { imagesDir, nodeBinary } from './paths.ts';
import { rootFs } from './root-fs.ts';
import { output, run } from './run.ts';

const caBundle = '/etc/ssl/certs/ca-certificates.crt';

/** What `docker import -c` says of a base image: how npm and node find this machine's registry and its CA. */
export async function baseChanges(kind: BaseKind): Promise<readonly string[]> {
  const envPath = 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  if (kind === 'debian') return [envPath, 'CMD ["bash"]'];
  const registry = `ENV NPM_CONFIG_REGISTRY=${(await output(['npm', 'config', 'get', 'registry'])).trim()}`;
  const ca = existsSync(caBundle)
    ? [`ENV NPM_CONFIG_CAFILE=${caBundle}`, `ENV NODE_EXTRA_CA_CERTS=${caBundle}`]
    : [];
  return [envPath, registry, ...ca, 'CMD ["node"]'];
}

async function addNpm(tree: string): Promise<void> {
  const modules = path.join(tree, 'usr/local/lib/node_modules');
  const scratch = await mkdtemp(path.join(tree, 'tmp/npm-'));
  await run(['npm', 'pack', '--silent', '--pack-destination', scratch, 'npm@11'], { timeout: 300_000 });
  await mkdir(path.join(modules, 'npm'), { recursive: true });
  const packed = (await output(['ls', scratch])).trim();
  await run([
    'tar',
    '-xzf',
    path.join(scratch, packed),
    '-C',
    path.join(modules, 'npm'),
    '--strip-components=1',
  ]);
  for (const name of ['npm', 'npx']) {
    await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, path.join(tree, 'usr/local/bin', name));
  }
  await rm(scratch, { recursive: true });
}

/** The images that a Dockerfile may start from here. */
export type BaseKind = 'debian' | 'node';

async function fill(tree: string, kind: BaseKind): Promise<void> {
  await run(['cp', '-a', await rootFs('slim'), tree]);
  // what the slim images leave out
  const left = ['var/lib/apt/lists', 'usr/share/doc', 'usr/share/man', 'usr/share/locale', 'usr/share/info'];
  for (const dir of left) await rm(path.join(tree, dir), { recursive: true, force: true });
  if (kind === 'node') {
    await copyFile(nodeBinary(), path.join(tree, 'usr/local/bin/node'));
    await addNpm(tree);
    await run(['chroot', tree, 'useradd', '--uid', '1000', '--user-group', '--create-home', 'node']);
  }
  if (existsSync(caBundle)) {
    await mkdir(path.join(tree, path.dirname(caBundle)), { recursive: true });
    await copyFile(caBundle, path.join(tree, caBundle));
  }
  // a proxy that apt has to use here, it has to use there as well
  const proxies = ['Acquire::http::Proxy', 'Acquire::https::Proxy'];
  const proxy = await output(['apt-config', 'dump', '--format', '%f "%v";%n', ...proxies]);
  if (proxy.trim()) await writeFile(path.join(tree, 'etc/apt/apt.conf.d/90proxy'), proxy);
}

/** A stand-in for `debian:trixie-slim` or `node:NN-trixie-slim`, of Debian's packages and the npm package `node`. */
export async function baseTar(kind: BaseKind): Promise<string> {
  const trusted = existsSync(caBundle) ? readFileSync(caBundle, 'utf8') : '';
  const own = readFileSync(import.meta.filename, 'utf8');
  const made = [await rootFs('slim'), own, process.versions.node, trusted];
  const hash = createHash('sha256').update(JSON.stringify(made)).digest('hex').slice(0, 10);
  const tar = path.join(imagesDir(), `${kind}-slim-${hash}.tar`);
  if (existsSync(tar)) return tar;
  return withLock(`${tar}.lock`, async () => {
    if (existsSync(tar)) return tar;
    const tree = `${tar}.tree`;
    await rm(tree, { recursive: true, force: true });
    await fill(tree, kind);
    await run(['tar', '-C', tree, '-cf', `${tar}.partial`, '.'], { timeout: 120_000 });
    await rename(`${tar}.partial`, tar);
    await rm(tree, { recursive: true, force: true });
    return tar;
  });
}
