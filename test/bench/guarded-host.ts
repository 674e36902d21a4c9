import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { until } from '../lab/poll.ts';
import { type Answered, type FakeDocker, serveDocker } from './fake-docker.ts';
import { imageEnv } from './image-env.ts';
import { scratch } from './lists.ts';

const main = new URL('../../dist/main.js', import.meta.url).pathname;

/** Runs a program to its end; throws where it fails. */
export const run = promisify(execFile);

/** A host that a dockwall guards. */
export interface GuardedHost {
  readonly docker: FakeDocker;
  /** A verb, beside the daemon; what it says. */
  readonly dockwall: (...args: readonly string[]) => Promise<string>;
  /** Resident memory of the daemon, MB. */
  readonly memory: () => number;
  readonly close: () => Promise<void>;
}

/** Resident memory of a process, MB. */
export function residentMemory(pid: number | undefined): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  return Number(/^Rss:\s+(\d+) kB$/m.exec(text)?.[1]) / 1024;
}

/** Its Docker is a socket that answers, its kernel the one of this network namespace, its daemon run as the Dockerfile runs it, and well. */
export async function guardedHost(first: readonly Answered[]): Promise<GuardedHost> {
  const folder = scratch();
  const socket = path.join(folder, 'docker.sock');
  const docker = await serveDocker(socket, first);
  const file = path.join(folder, 'dockwall.yml');
  writeFileSync(file, 'trusted: [203.0.113.4]\ngroups: {office: [198.51.100.0/24]}\n');
  const env = {
    ...imageEnv,
    PATH: process.env['PATH'],
    DOCKER_HOST: `unix://${socket}`,
    DOCKWALL_CONFIG_FILE: file,
    DOCKWALL_RUNTIME_DIR: folder,
    DOCKWALL_STATE_DIR: folder,
  };
  const dockwall = async (...args: readonly string[]): Promise<string> =>
    (await run(process.execPath, [main, ...args], { env, maxBuffer: 2 ** 26 })).stdout;
  await run('ip', ['link', 'add', 'docker0', 'type', 'bridge']);
  const daemon = spawn(process.execPath, [main, 'run'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(daemon, 'exit');
  await until({ what: 'the daemon to be well', ms: 30_000, every: 100 }, async () =>
    dockwall('health').then(
      () => true,
      () => false,
    ),
  );
  return {
    docker,
    dockwall,
    memory: () => residentMemory(daemon.pid),
    close: async () => {
      daemon.kill();
      await ended;
      await dockwall('down');
      await run('ip', ['link', 'del', 'docker0']);
      docker.close();
    },
  };
}
