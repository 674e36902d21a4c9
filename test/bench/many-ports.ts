import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { until } from '../lab/poll.ts';
import { type Case, took } from './case.ts';
import { manyPorts, serveDocker } from './fake-docker.ts';
import { imageEnv } from './image-env.ts';
import { scratch } from './lists.ts';

// What one container with very many ports costs everybody else: the same daemon, as the Dockerfile runs it, with one port and with all.

const main = new URL('../../dist/main.js', import.meta.url).pathname;
const run = promisify(execFile);

interface Figures {
  /** From Docker's `create` event to the last port in the kernel's set, ms. */
  readonly known: number;
  /** Resident memory after it, MB. */
  readonly memory: number;
  readonly status: number;
  readonly explain: number;
}

/** Whether the kernel's sets hold this UDP port: with addresses, or where a container has very many of them without. */
async function holds(role: 'published' | 'public', port: number): Promise<boolean> {
  const answers = [
    run('ipset', ['test', `dockwall4-${role}`, `192.0.2.1,udp:${port}`]),
    run('ipset', ['test', `dockwall4-u-${role}`, String(port)]),
  ].map(async (answer) =>
    answer.then(
      () => true,
      () => false,
    ),
  );
  return (await Promise.all(answers)).includes(true);
}

async function play(count: number, how: 'published' | 'declared'): Promise<Figures> {
  const folder = scratch();
  const socket = path.join(folder, 'docker.sock');
  const docker = await serveDocker(socket, []);
  const file = path.join(folder, 'dockwall.yml');
  writeFileSync(file, 'trusted: [203.0.113.4]\n');
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
  const last = 20_000 + count - 1;
  const role = how === 'published' ? 'published' : 'public';
  const known = await took(async () => {
    docker.create(manyPorts(count, how));
    await until({ what: 'the last port to be known', ms: 60_000, every: 2 }, async () => holds(role, last));
  });
  await until({ what: 'the port to be open', ms: 60_000, every: 50 }, async () => holds('public', last));
  const text = readFileSync(`/proc/${daemon.pid}/smaps_rollup`, 'latin1');
  const figures = {
    known,
    memory: Number(/^Rss:\s+(\d+) kB$/m.exec(text)?.[1]) / 1024,
    status: await took(async () => dockwall('status')),
    explain: await took(async () => dockwall('explain', '198.51.100.7', `${last}/udp`)),
  };
  daemon.kill();
  await ended;
  await dockwall('down');
  await run('ip', ['link', 'del', 'docker0']);
  docker.close();
  return figures;
}

/** 10,001 published and 16,384 declared ports; how many times one port's figure they may take. */
const plays = [
  { name: '10,001 published UDP ports', count: 10_001, how: 'published' },
  { name: '16,384 declared UDP ports', count: 16_384, how: 'declared' },
] as const;

interface Played {
  readonly many: readonly Figures[];
  readonly one: readonly Figures[];
}

const rounds = 3;

/** Played once, for all the figures that are read of it. */
async function playAll(count: number, how: 'published' | 'declared'): Promise<Played> {
  const many: Figures[] = [];
  const one: Figures[] = [];
  for (let round = 0; round < rounds; round += 1) {
    many.push(await play(count, how));
    one.push(await play(1, how));
  }
  return { many, one };
}

export const manyPortCases: readonly (() => Promise<Case>)[] = plays.flatMap(({ name, count, how }) => {
  let played: Promise<Played> | undefined;
  const figure =
    (what: string, key: keyof Figures, promise: Case['promise']): (() => Promise<Case>) =>
    async () => {
      played ??= playAll(count, how);
      const { many, one } = await played;
      let [a, b] = [0, 0];
      return {
        name: `${name}: ${what}`,
        against: 'one port',
        unit: key === 'memory' ? 'MB' : 'ms',
        rounds,
        promise,
        ours: async () => many[a++]?.[key] ?? Number.NaN,
        theirs: async () => one[b++]?.[key] ?? Number.NaN,
      };
    };
  return [
    figure(how === 'published' ? 'create to closed' : 'create to open', 'known', { times: 8 }),
    figure('memory', 'memory', { more: 60 }),
    figure('status', 'status', { times: 3 }),
    figure('explain of one port', 'explain', { times: 2 }),
  ];
});
