import { isIPv4 } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { runDockwall } from '../dockwall.ts';
import { testImage } from '../engine.ts';
import { until } from '../poll.ts';
import type { Stage } from './stage.ts';

/** Milliseconds from Docker's `start` event to the first answer that a stranger gets; negative where that came first. */
export interface Latency {
  readonly family: 'IPv4' | 'IPv6';
  readonly guarded: boolean;
  readonly ms: number;
}

/** So many starts with dockwall and as many without, in turns: what else the machine does befalls both alike. */
const startsPerTurn = 5;

/** Between two starts, ms: one after the other without a rest is a storm, in which passes are made to wait. */
const rest = 3000;

/**
 * Measures how long after its `start` event the public port of a new container answers X: `docker run` of a container with
 * `dockwall.public`, each on a port of its own. Leaves dockwall running.
 * @param starts of each kind, at least.
 */
export async function measureStart(stage: Stage, starts: number): Promise<readonly Latency[]> {
  const samples: Latency[] = [];
  let port = 8100;
  for (let turn = 0; turn * startsPerTurn < starts; turn++) {
    for (const guarded of [true, false]) {
      await set(stage, guarded);
      for (let n = 0; n < startsPerTurn; n++) {
        for (const { family, ms } of await start(stage, (port += 1))) samples.push({ family, guarded, ms });
      }
    }
  }
  await set(stage, true);
  return samples;
}

async function set(stage: Stage, guarded: boolean): Promise<void> {
  if (guarded === stage.guarded) return;
  if (guarded) {
    await stage.guard();
    return;
  }
  await stage.dockwall.stop();
  const down = await runDockwall(stage.lab, ['down']);
  if (down.exitCode !== 0) throw new Error(`measuring without dockwall: down failed: ${down.stderr}`);
}

async function start(stage: Stage, port: number): Promise<readonly Omit<Latency, 'guarded'>[]> {
  await sleep(rest);
  const { engine } = stage.lab;
  const targets = stage.both(port, 'tcp-echo').filter(({ ip }) => stage.setup.userlandProxy || isIPv4(ip));
  const prober = await stage.client('X').probe(targets, { every: 2 });
  const [since] = (await engine.exec(['date', '+%s.%N'])).stdout.split('\n');
  const label = ['--label', 'dockwall.public=*', '--publish', `${port}:80`];
  const id = await engine.docker('run', '--detach', ...label, testImage, '--tcp', '80');
  await until({ what: `X to reach port ${port}`, ms: 10_000 }, async () =>
    (await prober.look()).targets.every(({ opened }) => opened.length > 0),
  );
  const report = await prober.stop();
  const filters = ['--filter', 'event=start', '--filter', `container=${id.trim()}`];
  const now = (await engine.exec(['date', '+%s.%N'])).stdout.trim();
  const times = ['--since', since ?? '', '--until', now, '--format', '{{.TimeNano}}'];
  const event = await engine.docker('events', ...times, ...filters);
  await engine.docker('rm', '--force', id.trim());
  // of one machine, one clock
  const started = Number(BigInt(event.trim()) / 1000n) / 1000;
  return report.targets.map(({ target, opened: [first = Number.NaN] }) => ({
    family: isIPv4(target.ip) ? 'IPv4' : 'IPv6',
    ms: report.began + first - started,
  }));
}
