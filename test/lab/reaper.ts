import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, rmdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { cacheDir } from './paths.ts';
import { type ProcessRef, bootId, isAlive, processesInNamespaces, signal } from './processes.ts';
import { type LabState, labDir, listStates } from './state.ts';

// Everything here is synchronous: it also has to work in an exit handler, where nothing else runs any more.

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function killAll(find: () => readonly ProcessRef[]): void {
  const deadline = performance.now() + 5000;
  for (let found = find(); found.length > 0 && performance.now() < deadline; found = find()) {
    for (const process of found) signal(process, 'SIGKILL');
    pause(5);
  }
}

function namespaceInodes(names: readonly string[]): ReadonlySet<number> {
  const inodes = new Set<number>();
  const own = statSync('/proc/self/ns/net');
  for (const name of names) {
    const file = `/run/netns/${name}`;
    const found = existsSync(file) ? statSync(file) : own;
    // a name whose namespace is not mounted is a plain file on another device; ours is never a lab's
    if (found.dev === own.dev && found.ino !== own.ino) inodes.add(found.ino);
  }
  return inodes;
}

/** The folder of a lab's containers in each cgroup hierarchy; empty ones stay behind when processes are killed. */
export function cgroupParent(labId: string): string {
  return `/dockwall-lab-${labId}`;
}

function removeCgroups(dir: string): void {
  try {
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      if (entry.isDirectory()) removeCgroups(path.join(dir, entry.name));
    }
    rmdirSync(dir);
  } catch {
    // a process is still leaving, and an empty folder harms nobody; or another run clears the same away
  }
}

function cgroupRoots(): readonly string[] {
  const root = '/sys/fs/cgroup';
  if (!existsSync(root)) return [];
  return [root, ...readdirSync(root).map((name) => path.join(root, name))];
}

// Engine data can take seconds to delete: it is put aside at once, and deleted by somebody who need not be waited for.
function discard(dir: string): void {
  const trash = path.join(cacheDir(), 'trash');
  mkdirSync(trash, { recursive: true });
  try {
    renameSync(dir, path.join(trash, randomUUID()));
  } catch (error) {
    // never made, or another run has put it aside
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  const old = readdirSync(trash).map((name) => path.join(trash, name));
  if (old.length > 0) spawn('rm', ['-rf', '--', ...old], { detached: true, stdio: 'ignore' }).unref();
}

/** Ends everything in a lab and removes every trace of it. Safe to call twice, and on half a lab. */
export function removeLab(state: LabState): void {
  const booted = state.bootId !== bootId();
  killAll(() => (booted ? [] : state.cells.filter((cell) => isAlive(cell))));
  const inodes = namespaceInodes(state.namespaces);
  killAll(() => processesInNamespaces(inodes));
  for (const name of state.namespaces) {
    if (existsSync(`/run/netns/${name}`)) spawnSync('ip', ['netns', 'del', name], { stdio: 'ignore' });
  }
  for (const root of cgroupRoots()) removeCgroups(path.join(root, cgroupParent(state.id)));
  discard(state.disk);
  rmSync(labDir(state.id), { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
}

/** Clears away the labs whose owner died without doing it, and all from before the machine was booted; says which. */
export function reap(): readonly string[] {
  const dead = listStates().filter(
    (state) => state.bootId !== bootId() || (!state.keep && !isAlive(state.owner)),
  );
  for (const state of dead) removeLab(state);
  return dead.map((state) => state.id);
}
