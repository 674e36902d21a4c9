import { mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ClientSpec } from './addresses.ts';
import type { EngineOptions } from './engine-options.ts';
import { runDir } from './paths.ts';
import { type ProcessRef, bootId, processRef } from './processes.ts';

/** A lab as written down: all that another process needs to use it, or to clear it away. */
export interface LabState {
  readonly id: string;
  /** Of which boot its processes are: start times count from there. */
  readonly bootId: string;
  /** Whoever made it; a lab whose owner is dead is cleared away by the next one that starts. */
  readonly owner: ProcessRef;
  /** Made to outlive its owner (`lab -- up`). */
  readonly keep: boolean;
  /** The folder on a real disk: engine data, logs. */
  readonly disk: string;
  /** Names under /run/netns, written down before they are made. */
  readonly namespaces: readonly string[];
  /** Process 1 of each cell; its end is the end of everything in the cell. */
  readonly cells: readonly ProcessRef[];
  readonly clients: readonly ClientSpec[];
  readonly engine?: {
    readonly options: EngineOptions;
    readonly cell: ProcessRef;
    readonly daemon?: ProcessRef;
  };
}

/** The folder of one lab below the run folder: state, sockets. */
export function labDir(id: string): string {
  return path.join(runDir(), id);
}

/** Writes the state whole or not at all. */
export function writeState(state: LabState): void {
  const file = path.join(labDir(state.id), 'state.json');
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, JSON.stringify(state, null, 2));
  renameSync(`${file}.new`, file);
}

export function readState(id: string): LabState | undefined {
  try {
    return JSON.parse(readFileSync(path.join(labDir(id), 'state.json'), 'utf8')) as LabState;
  } catch {
    return undefined;
  }
}

/** Every lab that exists on this machine. */
export function listStates(): readonly LabState[] {
  return readdirSync(runDir())
    .map((id) => readState(id))
    .filter((state) => state !== undefined);
}

/** The state of a lab that this process is about to make. */
export function newState(lab: Pick<LabState, 'id' | 'disk' | 'namespaces'> & Partial<LabState>): LabState {
  const owner = processRef(process.pid);
  if (!owner) throw new Error('reading our own start time: no /proc?');
  return { bootId: bootId(), owner, keep: false, cells: [], clients: [], ...lab };
}
