import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import path from 'node:path';
import { type BaseKind, baseChanges, baseTar } from './base-image.ts';
import { withBuilder } from './builder.ts';
import type { Engine } from './engine.ts';
import type { Lab } from './lab.ts';
import { imagesDir, projectDir } from './paths.ts';

/** The name of the image that is built. */
export const dockwallImage = 'dockwall:lab';

const contextParts = [
  '.dockerignore',
  'Dockerfile',
  'LICENSE',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'src',
];

function filesOf(context: string, name: string): readonly string[] {
  const file = path.join(context, name);
  if (!existsSync(file)) return [];
  if (!statSync(file).isDirectory()) return [name];
  return readdirSync(file, { recursive: true, encoding: 'utf8' })
    .map((below) => path.join(name, below))
    .filter((below) => statSync(path.join(context, below)).isFile());
}

/** Changes when anything does that the image could be made of. */
function contextHash(context: string, bases: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify(bases));
  for (const file of contextParts.flatMap((part) => filesOf(context, part)).toSorted()) {
    hash.update(`${file}\0`).update(readFileSync(path.join(context, file)));
  }
  return hash.digest('hex').slice(0, 10);
}

function baseKind(name: string): BaseKind {
  const plain = name.replace(/^docker\.io\/library\//, '');
  if (/^node:[\w.-]*trixie[\w.-]*$/.test(plain)) return 'node';
  if (/^debian:trixie[\w.-]*$/.test(plain)) return 'debian';
  throw new Error(`building an image: the lab has no stand-in for FROM ${name}`);
}

/** The images that a Dockerfile starts from, and what stands in for each. */
export function baseImages(dockerfile: string): ReadonlyMap<string, BaseKind> {
  const stages = new Set<string>();
  const bases = new Map<string, BaseKind>();
  for (const [, from = '', stage] of dockerfile.matchAll(/^FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?/gim)) {
    if (!stages.has(from)) bases.set(from, baseKind(from));
    if (stage !== undefined) stages.add(stage);
  }
  return bases;
}

async function importBase(engine: Engine, name: string, kind: BaseKind): Promise<void> {
  const tar = await baseTar(kind);
  const key = `lab/base:${path.basename(tar, '.tar')}`;
  const known = await engine.exec(['docker', 'image', 'inspect', key], { allowFailure: true });
  if (known.exitCode !== 0) {
    const changes = (await baseChanges(kind)).flatMap((change) => ['--change', change]);
    await engine.exec(['docker', 'import', ...changes, '-', key], { inputFile: tar, timeout: 300_000 });
  }
  await engine.docker('tag', key, name);
}

// Layers of the last build are worth keeping for the next, tars and layers of older ones are not.
async function forgetOld(engine: Engine): Promise<void> {
  await engine.docker('image', 'prune', '--force', '--filter', 'until=72h');
  const tars = readdirSync(imagesDir()).filter((name) => /^dockwall-\w+\.tar$/.test(name));
  const age = (name: string): number => statSync(path.join(imagesDir(), name)).mtimeMs;
  const old = tars.toSorted((a, b) => age(b) - age(a)).slice(3);
  for (const name of old) rmSync(path.join(imagesDir(), name), { force: true });
}

/** The image of a Dockerfile as a tar; built again only when its sources change. The project's own unless told. */
export async function dockwallImageTar(context: string = projectDir): Promise<string> {
  const bases = baseImages(readFileSync(path.join(context, 'Dockerfile'), 'utf8'));
  const hash = contextHash(context, await Promise.all([...bases.values()].map(baseTar)));
  const tar = path.join(imagesDir(), `dockwall-${hash}.tar`);
  if (existsSync(tar)) return tar;
  return withBuilder(context, async (engine) => {
    if (existsSync(tar)) return tar;
    for (const [name, kind] of bases) await importBase(engine, name, kind);
    // the legacy builder: BuildKit would ask a registry what the base image is
    const build = ['docker', 'build', '--network', 'host', '--tag', dockwallImage, '/lab/context'];
    await engine.exec(build, { env: { DOCKER_BUILDKIT: '0' }, timeout: 15 * 60_000 });
    const partial = `${path.basename(tar)}.partial`;
    await engine.exec(['docker', 'save', '--output', `/lab/images/${partial}`, dockwallImage], {
      timeout: 300_000,
    });
    await rename(`${tar}.partial`, tar);
    await forgetOld(engine);
    return tar;
  });
}

/** Loads the built image into a lab's engine, as `dockwallImage`. */
export async function loadDockwallImage(lab: Lab, context?: string): Promise<string> {
  const tar = await dockwallImageTar(context);
  await lab.engine.exec(['docker', 'load'], { inputFile: tar, timeout: 300_000 });
  return dockwallImage;
}
