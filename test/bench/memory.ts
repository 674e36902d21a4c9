import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Case } from './case.ts';
import { serveDocker } from './fake-docker.ts';
import { residentMemory } from './guarded-host.ts';
import { imageEnv } from './image-env.ts';
import { longList, scratch, write } from './lists.ts';

// What a list of 100,000 costs the running daemon, against one without; both as the Dockerfile runs it. The Docker beside it is a
// socket that has no containers.

const main = new URL('../../dist/main.js', import.meta.url).pathname;

/** Between two looks at its size; the daemon's own pass is each second meanwhile, and it is changed in between. */
const settle = 12_000;

async function sizeWith(folder: string, config: string): Promise<number> {
  const state = path.join(folder, `state-${config.length}`);
  const run = path.join(folder, 'run');
  for (const one of [state, run]) mkdirSync(one, { recursive: true });
  const file = path.join(folder, 'dockwall.yml');
  writeFileSync(file, config);
  const child = spawn(process.execPath, [main, 'run'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      ...imageEnv,
      DOCKER_HOST: `unix://${folder}/docker.sock`,
      DOCKWALL_CONFIG_FILE: file,
      DOCKWALL_RUNTIME_DIR: run,
      DOCKWALL_STATE_DIR: state,
      DOCKWALL_SCHEDULE: '* * * * * *',
    },
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4000)));
  await sleep(settle);
  if (child.exitCode !== null) throw new Error(`the daemon ended with ${child.exitCode}:\n${said}`);
  // ten of the list are others now, as every day
  if (config.includes('list.txt'))
    write(folder, 'list.txt', [
      ...longList().slice(10),
      ...Array.from({ length: 10 }, (_, one) => `203.0.113.${one * 2}`),
    ]);
  await sleep(settle / 2);
  const size = residentMemory(child.pid);
  child.kill();
  await new Promise((resolve) => child.on('exit', resolve));
  return size;
}

export async function memory(): Promise<Case> {
  const folder = scratch();
  const docker = await serveDocker(path.join(folder, 'docker.sock'), []);
  return {
    name: 'memory of the daemon with 100,000 networks',
    against: 'without them',
    unit: 'MB',
    rounds: 1,
    promise: { more: 60 },
    ours: async () => {
      write(folder, 'list.txt', longList());
      return sizeWith(folder, 'groups: {web: [{file: list.txt}]}\nlogLevel: debug\n');
    },
    theirs: async () => sizeWith(folder, 'groups: {web: []}\nlogLevel: debug\n'),
    close: async () => {
      docker.close();
    },
  };
}
