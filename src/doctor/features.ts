import { type ChildProcess, spawn } from 'node:child_process';
import { readlink } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { Backend } from '../diff/model.ts';
import { programOf } from '../kernel/backend.ts';
import type { Run } from '../kernel/command.ts';
import type { Feature } from './model.ts';

/** A word of a restore file, and what it stands for. */
interface Trial {
  readonly name: string;
  readonly text: string;
  readonly optional?: true;
}

const setTypes: readonly Trial[] = [
  { name: 'hash:net', text: 'create probe hash:net timeout 0 comment' },
  { name: 'hash:net,port', text: 'create probe-1 hash:net,port' },
  { name: 'hash:ip,port,net', text: 'create probe-2 hash:ip,port,net timeout 0' },
  { name: 'bitmap:port', text: 'create probe-4 bitmap:port range 0-65535' },
  { name: 'list:set', text: 'create probe-3 list:set', optional: true },
];

/** In the order in which they are tried: the set has to be there. */
const rules: readonly Trial[] = [
  { name: 'set match', text: '-m set --match-set probe src -j RETURN' },
  { name: 'SET target', text: '-j SET --add-set probe src --exist --timeout 60' },
  { name: 'conntrack match', text: '-m conntrack --ctdir REPLY -j RETURN' },
  { name: 'addrtype match', text: '-m addrtype --dst-type LOCAL -j RETURN' },
  { name: 'mark', text: '-m mark --mark 0x1/0x1 -j MARK --set-xmark 0x0/0x1' },
  { name: 'connmark', text: '-m connmark --mark 0x1/0x1 -j CONNMARK --set-xmark 0x0/0x1' },
  { name: 'comment match', text: '-m comment --comment probe -j RETURN' },
];

const timeoutMs = 10_000;

/**
 * Tries every kernel feature that the walls are made of, in a network namespace that goes with this call: nothing is written into the
 * host's. All `undefined` where there can be none (CAP_SYS_ADMIN; a privileged container has it). The kernel may load modules for it.
 */
export async function tryFeatures(run: Run, backend: Backend): Promise<readonly Feature[]> {
  const holder = await holdNamespace();
  if (holder === undefined) return [...setTypes, ...rules].map((trial) => feature(trial, undefined));
  const inside = async (program: string, args: readonly string[], input: string): Promise<boolean> => {
    const enter = [`--net=/proc/${holder.pid}/ns/net`, program, ...args];
    return run({ program: 'nsenter', args: enter, input, timeoutMs }).then(
      ({ exitCode }) => exitCode === 0,
      () => false,
    );
  };
  try {
    const found: Feature[] = [];
    for (const trial of setTypes)
      found.push(feature(trial, await inside('ipset', ['restore'], `${trial.text}\n`)));
    for (const trial of rules) {
      const input = `*mangle\n-A PREROUTING ${trial.text}\nCOMMIT\n`;
      const program = programOf({ family: 4, backend }, 'restore');
      found.push(feature(trial, await inside(program, ['--noflush', '-w', '5'], input)));
    }
    return found;
  } finally {
    holder.child.kill();
  }
}

function feature(
  { name, optional = false }: Pick<Trial, 'name'> & { readonly optional?: boolean },
  works: boolean | undefined,
): Feature {
  return { name, works, optional };
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
