import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { until } from '../lab/poll.ts';
import { type Case, took } from './case.ts';
import { containers, serveDocker } from './fake-docker.ts';
import { imageEnv } from './image-env.ts';
import { scratch } from './lists.ts';

// How long a person waits for an answer on a host with 100 services, as whole processes, against a Node that does nothing.

const main = new URL('../../dist/main.js', import.meta.url).pathname;
const services = 100;
const run = promisify(execFile);

/** 300 ms, where `node -e 0` takes 25: on two cores of today. Loading the program is most of it. */
const promise = { times: 12 };

interface Host {
  readonly dockwall: (...args: readonly string[]) => Promise<string>;
  readonly close: () => Promise<void>;
}

/** A host that a dockwall guards: its Docker is a socket that answers, its kernel the one of this network namespace. */
async function guardedHost(): Promise<Host> {
  const folder = scratch();
  const socket = path.join(folder, 'docker.sock');
  const docker = await serveDocker(socket, containers(services));
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
    dockwall,
    close: async () => {
      daemon.kill();
      await ended;
      await dockwall('down');
      await run('ip', ['link', 'del', 'docker0']);
      docker.close();
    },
  };
}

async function verb(argv: readonly string[], expected: RegExp): Promise<Case> {
  const { dockwall, close } = await guardedHost();
  await dockwall(...argv);
  return {
    name: `${argv[0]} with ${services} services`,
    against: 'node -e 0',
    unit: 'ms',
    rounds: 15,
    promise,
    ours: async () => {
      let said = '';
      const time = await took(async () => (said = await dockwall(...argv)));
      if (!expected.test(said)) throw new Error(`${argv.join(' ')}:\n${said}`);
      return time;
    },
    theirs: async () =>
      took(async () => run(process.execPath, ['-e', '0'], { env: { ...process.env, ...imageEnv } })),
    close,
  };
}

export const answering: readonly (() => Promise<Case>)[] = [
  async () => verb(['status'], /service-99/),
  async () => verb(['explain', '198.51.100.7', 'service-99:http'], /^let in: .*agrees/s),
];
