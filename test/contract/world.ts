import { setTimeout as pause } from 'node:timers/promises';
import type { ReadFile } from '../../src/reach/kernel/backend.ts';
import { type Command, type Run, runCommand } from '../../src/reach/kernel/command.ts';
import { createKernel, type Kernel } from '../../src/reach/kernel/kernel.ts';
import { FakeKernel } from './fake-kernel.ts';
import { addNamespace, removeNamespace } from './namespace.ts';

/** One netfilter, fake or real, with nothing in it. */
export interface World {
  readonly kernel: Kernel;
  readonly run: Run;
  readonly readFile: ReadFile;
  /** Every command that was run in it. */
  readonly log: Command[];
  /** The namespace, where there is one. */
  readonly namespace: string | undefined;
  /** Lets time go by. */
  readonly advance: (seconds: number) => Promise<void>;
  readonly close: () => void;
}

export function fakeWorld(): World {
  let now = 0;
  const fake = new FakeKernel({ now: () => now });
  return makeWorld(fake.run, fake.readFile, {
    namespace: undefined,
    close: () => undefined,
    advance: async (seconds) => {
      now += seconds * 1000;
    },
  });
}

/**
 * The real kernel, in a network namespace of its own. With `DOCKWALL_CONTRACT_ROOT` the tools come from the
 * root file system there (another distribution's iptables and ipset, with /proc mounted).
 */
export function realWorld(): World {
  const namespace = addNamespace();
  const root = process.env['DOCKWALL_CONTRACT_ROOT'];
  const enter = [`--net=/run/netns/${namespace}`, ...(root === undefined ? [] : ['chroot', root])];
  const run: Run = async (command) =>
    runCommand({ ...command, program: 'nsenter', args: [...enter, command.program, ...command.args] });
  const readFile: ReadFile = async (path) => {
    const { stdout, stderr, exitCode } = await run({ program: 'cat', args: [path], timeoutMs: 10_000 });
    if (exitCode === 0) return stdout;
    throw Object.assign(new Error(stderr), { code: stderr.includes('No such file') ? 'ENOENT' : 'EIO' });
  };
  return makeWorld(run, readFile, {
    namespace,
    close: () => removeNamespace(namespace),
    advance: async (seconds) => pause(seconds * 1000),
  });
}

function makeWorld(
  run: Run,
  readFile: ReadFile,
  rest: Pick<World, 'namespace' | 'advance' | 'close'>,
): World {
  const log: Command[] = [];
  const logged: Run = async (command) => {
    log.push(command);
    return run(command);
  };
  return { ...rest, run, readFile, log, kernel: createKernel(logged, { readFile }) };
}
