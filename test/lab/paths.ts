import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/** The project's own folder: what `dist`, `src` and `node_modules` are in. */
export const projectDir = path.resolve(import.meta.dirname, '../..');

/** Where finished root file systems, images and the labs' own disks live. */
export function cacheDir(): string {
  const named = process.env['DOCKWALL_LAB_CACHE'];
  const dir =
    named ?? path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'dockwall-lab');
  mkdirSync(dir, { recursive: true });
  return dir;
}

/** What Node has compiled, for agents and for dockwall as its image has it: half of what their start computes. */
export function compiledDir(): string {
  const dir = path.join(cacheDir(), 'compiled');
  mkdirSync(dir, { recursive: true });
  return dir;
}

/** Where finished images are, as tars. */
export function imagesDir(): string {
  const dir = path.join(cacheDir(), 'images');
  mkdirSync(dir, { recursive: true });
  return dir;
}

/**
 * Where the labs that exist now are written down, one folder each: short, so that a socket's path
 * stays below the kernel's 108 bytes, and gone after a reboot, as the labs themselves.
 */
export function runDir(): string {
  const dir = '/run/dockwall-lab';
  try {
    mkdirSync(dir, { recursive: true });
    accessSync(dir, constants.W_OK);
    return dir;
  } catch {
    const fallback = path.join(cacheDir(), 'run');
    mkdirSync(fallback, { recursive: true });
    return fallback;
  }
}

/** The node that the npm package `node` brings; the one we run on where that is not installed. */
export function nodeBinary(): string {
  const installed = path.join(projectDir, 'node_modules/node/bin/node');
  return existsSync(installed) ? installed : process.execPath;
}
