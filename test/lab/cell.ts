import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { until } from './poll.ts';
import { type ProcessRef, firstChild, isAlive } from './processes.ts';

/** A place from this machine that a cell sees, at another path. */
export interface Mount {
  readonly from: string;
  readonly to: string;
  readonly readOnly?: boolean;
}

/** What a cell is: a network namespace, a root nobody can dirty, and what is mounted into it. */
export interface CellSpec {
  /** The name of a network namespace; this machine's own when undefined (only for building images). */
  readonly netns?: string;
  readonly root: string;
  /** An empty folder of this machine, only used to mount on. */
  readonly scratch: string;
  readonly mounts?: readonly Mount[];
  /** Small files written into the root before the command starts. */
  readonly files?: Readonly<Record<string, string>>;
}

function entry(spec: CellSpec): string[] {
  const argv = ['sh', path.join(import.meta.dirname, 'enter-root.sh'), spec.root, spec.scratch];
  for (const [name, text] of Object.entries(spec.files ?? {})) argv.push('--file', name, text);
  for (const mount of spec.mounts ?? []) argv.push(mount.readOnly ? '--ro' : '--bind', mount.from, mount.to);
  return [...argv, '--'];
}

/**
 * The argv that runs a command as process 1 of a new cell: like a container made of the plain tools, with
 * `network_mode: host` where the host is a network namespace. SIGKILL to process 1 ends all that is in it.
 */
export function cellArgv(spec: CellSpec, command: readonly string[]): readonly [string, ...string[]] {
  mkdirSync(spec.scratch, { recursive: true });
  const inside = ['--mount', '--propagation', 'private', '--pid', '--fork', ...entry(spec), ...command];
  if (spec.netns === undefined) return ['unshare', ...inside];
  return ['nsenter', `--net=/run/netns/${spec.netns}`, 'unshare', ...inside];
}

/** The argv that runs one more command in a cell that exists. */
export function inCellArgv(cell: ProcessRef, command: readonly string[]): readonly [string, ...string[]] {
  if (!isAlive(cell)) throw new Error('running a command in a cell: the cell has ended');
  const ns = `/proc/${cell.pid}/ns`;
  return ['nsenter', `--net=${ns}/net`, `--mount=${ns}/mnt`, `--pid=${ns}/pid`, ...command];
}

/**
 * The process that runs the command itself: `nsenter --pid` and `unshare --pid` stay as its parent and pass no
 * signal on, so it is the child that has to be signalled, and whose pid is kept.
 */
export async function innerProcess(outer: ChildProcess): Promise<ProcessRef> {
  const pid = outer.pid;
  if (pid === undefined) throw new Error('starting a cell: nsenter could not be run');
  return until({ what: 'the process in the cell', ms: 5000, every: 2 }, () => {
    if (outer.exitCode !== null) throw new Error(`starting a cell: exit ${outer.exitCode}`);
    return firstChild(pid);
  });
}

/** Starts a command of a cell that outlives us, its output going to an open file. */
export async function spawnDetached(argv: readonly [string, ...string[]], log: number): Promise<ProcessRef> {
  const [file, ...args] = argv;
  const child = spawn(file, args, { detached: true, stdio: ['ignore', log, log], env: cellEnv() });
  child.unref();
  return innerProcess(child);
}

/** Nothing of this machine's environment gets in. */
export function cellEnv(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    LC_ALL: 'C',
    ...extra,
  };
}
