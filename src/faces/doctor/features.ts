import { type ChildProcess, spawn } from 'node:child_process';
import { readlink } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { Backend } from '../../decide/diff/model.ts';
import { programOf } from '../../reach/kernel/backend.ts';
import type { Run } from '../../reach/kernel/command.ts';
import type { Feature } from './model.ts';
import { ruleTrials, setTrials, type Trial } from './trials.ts';

const timeoutMs = 10_000;

/**
 * Tries every kernel feature that the walls are made of, in a network namespace that goes with this call: nothing is written into the
 * host's. All `undefined` where there can be none (CAP_SYS_ADMIN; a privileged container has it). The kernel may load modules for it.
 */
export async function tryFeatures(run: Run, backend: Backend): Promise<readonly Feature[]> {
  const holder = await holdNamespace();
  if (holder === undefined) return together([...setTrials, ...ruleTrials], () => undefined);
  const enter = [`--net=/proc/${holder.pid}/ns/net`];
  const inside = async (program: string, args: readonly string[], input: string): Promise<boolean> =>
    run({ program: 'nsenter', args: [...enter, program, ...args], input, timeoutMs }).then(
      ({ exitCode }) => exitCode === 0,
      () => false,
    );
  try {
    const works = new Map<Trial, boolean>();
    for (const trial of setTrials) works.set(trial, await inside('ipset', ['restore'], trial.text));
    const restore = programOf({ family: 4, backend }, 'restore');
    for (const trial of ruleTrials)
      works.set(trial, await inside(restore, ['--noflush', '-w', '5'], trial.text));
    return together([...setTrials, ...ruleTrials], (trial) => works.get(trial));
  } finally {
    holder.child.kill();
  }
}

/** A feature that several trials take works where all of them do. */
function together(
  trials: readonly Trial[],
  works: (trial: Trial) => boolean | undefined,
): readonly Feature[] {
  const found = new Map<string, Feature>();
  for (const trial of trials) {
    const { name, optional = false } = trial;
    const before = found.get(name)?.works ?? true;
    found.set(name, { name, works: before ? works(trial) : false, optional });
  }
  return [...found.values()];
}

/** A process that does nothing in a namespace of its own; it ends with its input, so with us at the latest. */
async function holdNamespace(): Promise<{ readonly pid: number; readonly child: ChildProcess } | undefined> {
  const child = spawn('unshare', ['--net', 'cat'], { stdio: ['pipe', 'ignore', 'ignore'] });
  let ended = false;
  child.on('error', () => (ended = true));
  child.on('exit', () => (ended = true));
  const ours = await readlink('/proc/self/ns/net').catch(() => '');
  for (let looks = 0; looks < 100; looks += 1) {
    if (ended || child.pid === undefined) return undefined;
    const theirs = await readlink(`/proc/${child.pid}/ns/net`).catch(() => ours);
    if (theirs !== ours) return { pid: child.pid, child };
    await pause(20);
  }
  child.kill();
  return undefined;
}
