import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { rename, rm, utimes } from 'node:fs/promises';
import path from 'node:path';
import { type BaseKind, baseChanges, baseTar } from './base-image.ts';
import { withBuilder } from './builder.ts';
import type { Engine } from './engine.ts';
import type { Lab } from './lab.ts';
import { imagesDir, projectDir } from './paths.ts';

/** The name of the image that is built. */
export const dockwallImage = 'dockwall:lab';

/** The name that compose.example.yml gives to the image that it builds. */
const composeImage = 'dockwall:latest';

const dockwallParts = [
  '.dockerignore',
  'Dockerfile',
  'LICENSE',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'src',
];

/** Images to build from a Dockerfile. */
export interface BuildSpec {
  /** Of the tar in the cache. */
  readonly name: string;
  /** A folder of this machine; the builder sees it as /lab/context. */
  readonly context: string;
  /** The files and folders in it that the images are made of. */
  readonly parts: readonly string[];
  /** Builds them; gives the names to save. */
  readonly build: (engine: Engine) => Promise<readonly string[]>;
}

function filesOf(context: string, name: string): readonly string[] {
  const file = path.join(context, name);
  if (!existsSync(file)) return [];
  if (!statSync(file).isDirectory()) return [name];
  return readdirSync(file, { recursive: true, encoding: 'utf8' })
    .map((below) => path.join(name, below))
    .filter((below) => statSync(path.join(context, below)).isFile());
}

// Raised when the way images are built changes: older ones are then built anew.
const recipe = '3';

/** Changes when anything does that the images could be made of. */
function contextHash({ context, parts }: BuildSpec, bases: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify([recipe, bases]));
  for (const file of parts.flatMap((part) => filesOf(context, part)).toSorted()) {
    hash.update(`${file}\0`).update(readFileSync(path.join(context, file)));
  }
  return hash.digest('hex').slice(0, 10);
}

function baseKind(name: string): BaseKind {
  const plain = name.replace(/^docker\.io\/library\//, '').replace(/@.*/, '');
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

/** The same without digests: what stands in for a base has another, and no tag can have one. */
export function withoutDigests(dockerfile: string): string {
  return dockerfile.replaceAll(/^(FROM\s.*?)@sha256:[0-9a-f]{64}/gim, '$1');
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

/** `docker build` of a context, which the builder sees as its own, with a way to the package registries. */
export async function dockerBuild(
  engine: Engine,
  { context, tag, target }: { readonly context: string; readonly tag: string; readonly target?: string },
): Promise<void> {
  const input = withoutDigests(readFileSync(path.join(context, 'Dockerfile'), 'utf8'));
  const stage = target === undefined ? [] : ['--target', target];
  // the legacy builder: BuildKit would ask a registry what the base image is
  const build = [
    'docker',
    'build',
    '--network',
    'host',
    '--tag',
    tag,
    ...stage,
    '--file',
    '-',
    '/lab/context',
  ];
  await engine.exec(build, { input, env: { DOCKER_BUILDKIT: '0' }, timeout: 15 * 60_000 });
}

// Every change of the sources makes another tar of a quarter of a gigabyte: the latest few are kept.
async function forgetOld(name: string): Promise<void> {
  const tars = readdirSync(imagesDir())
    .filter((file) => file.startsWith(`${name}-`) && file.endsWith('.tar'))
    .map((file) => path.join(imagesDir(), file));
  const byAge = tars.toSorted((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  for (const old of byAge.slice(6)) await rm(old, { force: true });
}

/** Images of a Dockerfile as a tar; built again only when what they are made of changes. */
export async function builtImageTar(spec: BuildSpec): Promise<string> {
  const bases = baseImages(readFileSync(path.join(spec.context, 'Dockerfile'), 'utf8'));
  const hash = contextHash(spec, await Promise.all([...bases.values()].map(baseTar)));
  const tar = path.join(imagesDir(), `${spec.name}-${hash}.tar`);
  if (!existsSync(tar)) {
    await withBuilder(spec.context, async (engine) => {
      if (existsSync(tar)) return;
      for (const [name, kind] of bases) await importBase(engine, name.replace(/@.*/, ''), kind);
      const images = await spec.build(engine);
      const partial = `${path.basename(tar)}.partial`;
      await engine.exec(['docker', 'save', '--output', `/lab/images/${partial}`, ...images], {
        timeout: 300_000,
      });
      await rename(`${tar}.partial`, tar);
      await forgetOld(spec.name);
    });
  }
  await utimes(tar, new Date(), new Date());
  return tar;
}

/** The image of a Dockerfile as a tar, also under the name that compose.example.yml has for it. */
export async function dockwallImageTar(context: string = projectDir): Promise<string> {
  const build = async (engine: Engine): Promise<readonly string[]> => {
    await dockerBuild(engine, { context, tag: dockwallImage });
    await engine.docker('tag', dockwallImage, composeImage);
    return [dockwallImage, composeImage];
  };
  return builtImageTar({ name: 'dockwall', context, parts: dockwallParts, build });
}

/** Loads the images of a tar into a lab's engine. */
export async function loadImages(lab: Lab, tar: string): Promise<void> {
  await lab.engine.exec(['docker', 'load'], { inputFile: tar, timeout: 300_000 });
}
