import { setTimeout as sleep } from 'node:timers/promises';
import type { Target } from '../agent/protocol.ts';
import { pace } from '../campaign/record.ts';
import { until } from '../poll.ts';
import { type Prober, expectNothingOpened, expectServed, longestGap } from '../prober.ts';
import { recordProbes } from './record.ts';
import type { Stage } from './stage.ts';

/**
 * How long the probers go on after the last step, ms. What a step changes in the kernel is done when it is told, but a
 * late pass, or a rule that Docker adds after it has answered, would be seen within this time.
 */
const afterwards = 300;

/** Longer without a success than this, ms, and an allowed client was shut out. Two cores may be busy with two engines. */
const longestOutage = 1500;

export interface WatchOptions {
  readonly stage: Stage;
  /** What must never open. */
  readonly closed: readonly Target[];
  /** For whom; X unless told. */
  readonly who?: readonly string[];
  /** One attempt each this many ms, all targets in turn. */
  readonly every?: number;
}

/** A client that must be served from now on, until `end`. */
export interface Served {
  readonly end: () => Promise<void>;
}

/** In the hands of a scenario while its probers run. */
export class Watch {
  readonly #stage: Stage;
  readonly #served = new Set<Served>();
  #outage: number | undefined;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** From when it first gets in, this client has to be served on this port, in every family that Docker serves. */
  async keepServed(who: string, ...ports: readonly number[]): Promise<Served> {
    return this.keepReaching(
      who,
      ports.flatMap((port) => this.#stage.served(port)),
    );
  }

  /** The same for any targets. */
  async keepReaching(who: string, targets: readonly Target[]): Promise<Served> {
    await reaching(this.#stage, who, targets);
    const prober = await this.#stage.client(who).probe(targets, { every: 10 });
    const served: Served = {
      end: async () => {
        if (!this.#served.delete(served)) return;
        const report = await prober.stop();
        const gaps = report.targets.map((target) => longestGap(target, report.duration));
        this.#outage = Math.max(this.#outage ?? 0, ...gaps);
        expectServed(report, longestOutage);
      },
    };
    this.#served.add(served);
    return served;
  }

  /** The longest time that an allowed client was not served, ms, of those whose watch has ended. */
  get outage(): number | undefined {
    return this.#outage;
  }

  async end(): Promise<void> {
    await sleep(afterwards);
    for (const served of this.#served) await served.end();
  }
}

/** Plays a scenario while the forbidden try to get in; throws when one of them ever did, or an allowed one could not. */
export async function watching(
  options: WatchOptions,
  scenario: (watch: Watch) => Promise<void>,
): Promise<void> {
  const { stage, closed, who = ['X'], every = 2 } = options;
  const watch = new Watch(stage);
  const probers: Prober[] = [];
  for (const name of who) probers.push(await stage.client(name).probe(closed, { every: every * pace }));
  let failure: unknown;
  try {
    await scenario(watch);
    await watch.end();
  } catch (error) {
    failure = error;
  }
  const reports = await Promise.all(probers.map(async (prober) => prober.stop()));
  recordProbes(stage, reports, watch.outage);
  // what got in tells more than what the scenario stumbled over
  for (const report of reports) expectNothingOpened(report);
  if (failure !== undefined) throw failure;
}

/** Waits until this client has reached each of these. */
export async function reaching(
  stage: Stage,
  who: string,
  targets: readonly Target[],
  ms = 10_000,
): Promise<void> {
  const prober = await stage.client(who).probe(targets, { every: 10 });
  let missing: readonly string[] = [];
  try {
    await until({ what: `${who} to get in`, ms }, async () => {
      const shut = (await prober.look()).targets.filter(({ opened }) => opened.length === 0);
      missing = shut.map(({ target }) => `${target.proto} ${target.ip} ${target.port}`);
      return missing.length === 0;
    });
  } catch (error) {
    throw new Error(`${(error as Error).message}: still shut: ${missing.join(', ')}`, { cause: error });
  } finally {
    await prober.stop();
  }
}
