import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MeasureName } from '../campaign/record.ts';
import { runService } from '../containers.ts';
import { until } from '../poll.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { record } from './record.ts';
import { Stage } from './stage.ts';

// How long after a container's start event a stranger gets in where everybody may, with dockwall and without.

const starts = 6;

describe.skipIf(skipWithoutLab()).each(engines)('a public port answers, Docker $title', (setup) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open(setup);
  });
  afterAll(async () => stage.close());

  // how much later than without dockwall is the campaign's to judge, from all setups together: six starts on a busy machine tell little
  it('start: a public port answers a stranger', async () => {
    const without = await latencies('start latency without dockwall');
    await stage.guard();
    const behind = await latencies('start latency');
    console.info(`Docker ${setup.title}: ${words(without)} without dockwall, ${words(behind)} with it`);
    expect([...without, ...behind]).toHaveLength(2 * starts);
  });

  /** `docker run`, the hardest case: Docker tells nothing of the container before it starts. */
  async function latencies(name: MeasureName): Promise<readonly number[]> {
    const found: number[] = [];
    for (let n = 0; n < starts; n++) {
      const port = 8001 + n;
      const prober = await stage.client('X').probe(stage.served(port), { every: 2 });
      const labels = { 'dockwall.public': '*' };
      const since = Date.now();
      const service = await runService(stage.lab.engine, { name: `s${n}`, publish: [`${port}:80`], labels });
      await until({ what: 'X to get in over every family', ms: 5000 }, async () => {
        return (await prober.look()).targets.every(({ opened }) => opened.length > 0);
      });
      const { startedAt, targets } = await prober.stop();
      const started = await startEvent(service.name, since);
      // when the later of the families answered; docker-proxy's sockets do so before the start event
      const ms = startedAt + Math.max(...targets.map(({ opened: [first = Number.NaN] }) => first)) - started;
      found.push(ms);
      record(stage, name, ms);
    }
    await stage.clear();
    return found;
  }

  /** When Docker said that the container has started, ms since 1970. */
  async function startEvent(container: string, since: number): Promise<number> {
    const time = (ms: number): string => (ms / 1000).toFixed(3);
    const range = ['--since', time(since), '--until', time(Date.now())];
    const filter = ['--filter', 'event=start', '--filter', `container=${container}`];
    const nanoseconds = await stage.lab.engine.docker(
      'events',
      ...range,
      ...filter,
      '--format',
      '{{.TimeNano}}',
    );
    return Number(nanoseconds) / 1e6;
  }
});

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function words(values: readonly number[]): string {
  return `${Math.round(median(values))} ms at the median (${Math.round(Math.min(...values))} to ${Math.round(Math.max(...values))})`;
}
