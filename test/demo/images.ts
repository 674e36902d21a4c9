import path from 'node:path';
import type { Engine } from '../lab/engine.ts';
import { builtImageTar, dockerBuild, dockwallImageTar } from '../lab/image.ts';

const context = path.join(import.meta.dirname, 'nginx');

const standIns = { site: 'nginx:1.29', proxy: 'nginxproxy/nginx-proxy:1.7' } as const;

async function buildStandIns(engine: Engine): Promise<readonly string[]> {
  for (const [target, tag] of Object.entries(standIns)) await dockerBuild(engine, { context, tag, target });
  return Object.values(standIns);
}

/**
 * Every image of compose.example.yml under its name there, as tars: dockwall as its Dockerfile says, and stand-ins made of
 * Debian's nginx for the two that come from a registry.
 */
export async function stackImageTars(): Promise<readonly string[]> {
  const dockwall = await dockwallImageTar();
  const nginx = await builtImageTar({ name: 'nginx', context, parts: ['.'], build: buildStandIns });
  return [dockwall, nginx];
}
