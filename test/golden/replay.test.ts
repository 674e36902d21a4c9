import { describe, expect, it } from 'vitest';
import { isEmpty } from '../../src/decide/diff/diff.ts';
import { createKernel, type Kernel } from '../../src/reach/kernel/kernel.ts';
import { decide } from '../../src/decide/pass/decide.ts';
import { bootstrapGate } from '../../src/daemon/bootstrap.ts';
import { FakeKernel, Killed } from '../contract/fake-kernel.ts';
import { type Moment, readScenarios, type Scenario } from './scenario.ts';

/** What Docker 28 has put there before us, and somebody else's rules around it. */
const before = `*nat
:PREROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -j DOCKER
COMMIT
*filter
:FORWARD ACCEPT [0:0]
:DOCKER - [0:0]
-A FORWARD -j DOCKER
-A DOCKER -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
*mangle
:PREROUTING ACCEPT [0:0]
-A PREROUTING -m comment --comment "not ours" -j ACCEPT
COMMIT
`;

const empty: Moment = {
  snapshot: { containers: [], networks: [], details: new Map() },
  host: { interfaces: [], listeners: [] },
};

/** A machine, and a dockwall process on it that can be restarted. */
class Bench {
  readonly fake = new FakeKernel();
  private kernel: Kernel | undefined;
  private readonly scenario: Scenario;

  constructor(scenario: Scenario) {
    this.scenario = scenario;
  }

  async prepare(): Promise<this> {
    for (const program of ['iptables-nft-restore', 'ip6tables-nft-restore']) {
      const input = program.startsWith('ip6') ? before.replace('172.17.0.2/32', '2001:db8::2/128') : before;
      await this.fake.run({ program, args: ['--noflush'], input, timeoutMs: 1000 });
    }
    const input = this.scenario.foreign;
    await this.fake.run({ program: 'ipset', args: ['restore'], input, timeoutMs: 1000 });
    return this;
  }

  /** A fresh process with no memory: the gate first, as at every start. */
  async restart(): Promise<void> {
    this.fake.restart();
    this.kernel = createKernel(this.fake.run, { readFile: this.fake.readFile });
    await bootstrapGate(this.kernel, {
      host: empty.host,
      inForce: this.scenario.config,
      answers: new Map(),
    });
  }

  /** One pass in this moment, and a second one that must find nothing to do. */
  async pass(moment: Moment): Promise<string> {
    if (this.kernel === undefined) await this.restart();
    const plan = await this.plan(moment);
    if (!isEmpty(plan)) await this.kernel?.apply(plan);
    const writes = this.fake.writes;
    expect(await this.plan(moment)).toEqual({ sets: [], tables: [], destroy: [] });
    expect(this.fake.writes).toBe(writes);
    return this.fake.dump();
  }

  private async plan(moment: Moment): Promise<ReturnType<typeof decide>['plan']> {
    const observed = await this.kernel?.observe();
    if (observed === undefined) throw new Error('no process runs');
    return decide({ ...moment, observed }, this.scenario.config).plan;
  }
}

function turned({ snapshot, host }: Moment): Moment {
  const { containers, networks, details } = snapshot;
  return {
    host,
    snapshot: { containers: containers.toReversed(), networks: networks.toReversed(), details },
  };
}

/** Other ways through the same moments; each must leave the same kernel behind as each moment alone. */
const ways: Readonly<Record<string, (moments: readonly Moment[]) => readonly Moment[]>> = {
  forwards: (moments) => moments,
  reversed: (moments) => moments.toReversed(),
  'with empties between': (moments) => moments.flatMap((moment) => [empty, moment, empty]),
  squashed: (moments) => moments.slice(-1),
  'there and back': (moments) => [...moments, ...moments.toReversed()],
  'listed the other way round': (moments) => moments.flatMap((moment) => [turned(moment), moment]),
};

describe.each(readScenarios().map((scenario) => [scenario.name, scenario] as const))('%s', (_, scenario) => {
  const alone = async (moment: Moment): Promise<string> => (await new Bench(scenario).prepare()).pass(moment);

  it.each(Object.entries(ways))('%s', async (_, way) => {
    const bench = await new Bench(scenario).prepare();
    for (const moment of way(scenario.moments)) expect(await bench.pass(moment)).toBe(await alone(moment));
  });

  it('restarted midway', async () => {
    const bench = await new Bench(scenario).prepare();
    for (const moment of [...scenario.moments, ...scenario.moments.toReversed()]) {
      await bench.restart();
      expect(await bench.pass(moment)).toBe(await alone(moment));
    }
  });

  it('killed at every write, before, after and in the middle of it', async () => {
    const moments = [empty, ...scenario.moments];
    for (let nth = 1; nth <= 4; nth += 1) {
      for (const how of ['kill-before', 'kill-after', 'kill-within'] as const) {
        const bench = await new Bench(scenario).prepare();
        for (const moment of moments) {
          await bench.pass(empty);
          bench.fake.inject(how === 'kill-within' ? { nth, of: 'write', how, lines: 3 } : { nth, of: 'write', how });
          await bench.pass(moment).catch((error: unknown) => expect(error).toBeInstanceOf(Killed));
          await bench.restart();
          expect(await bench.pass(moment)).toBe(await alone(moment));
        }
      }
    }
  });
});
