import type { ObservedSet } from '../../../src/decide/diff/model.ts';
import type { Decision } from '../../../src/decide/pass/decide.ts';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import { render } from '../../../src/decide/wall/render.ts';
import { Metrics, type MetricsParts } from '../../../src/faces/metrics/metrics.ts';
import { makeConfig, makeContainer, makeInventory, ports } from '../policy/inventories.ts';

/** A set of the counts, IPv4. */
export function countedSet(role: string, packets: Readonly<Record<string, number>>): ObservedSet {
  return {
    name: `dockwall4-${role}`,
    type: 'hash:net,port',
    family: 4,
    expiring: false,
    members: new Map(Object.keys(packets).map((member) => [member, 0])),
    packets: new Map(Object.entries(packets)),
  };
}

export const counted = [
  countedSet('count-passed', { '0.0.0.0/1,tcp:80': 5, '128.0.0.0/1,tcp:80': 7, '0.0.0.0/1,tcp:81': 1 }),
  countedSet('count-begun', { '0.0.0.0/1,tcp:80': 2, '128.0.0.0/1,tcp:80': 1 }),
  countedSet('count-refused', { '0.0.0.0/1,tcp:80': 3 }),
];

/** What a pass has decided for containers of these names, the first with port 80, the next with 81, and so on. */
export function decisionFor(...names: readonly string[]): Decision {
  const containers = names.map((name, index) => makeContainer(name, { ports: ports(`${80 + index}:80`) }));
  const policy = resolve(makeInventory(containers), makeConfig());
  return {
    policy,
    ruleset: render(policy, 'asked'),
    observed: { backends: ['nft'], families: [4, 6], tables: [], sets: [], foreign: [] },
    foreign: [],
    plan: { sets: [], tables: [], destroy: [] },
    engine: { facts: undefined, findings: [] },
  };
}

export function makeMetrics(parts: Partial<MetricsParts> = {}): Metrics {
  return new Metrics({
    version: '0.1.0',
    counts: async () => ({ sizes: new Map([['dockwall4-trusted', 3]]), counted }),
    sources: () => [{ name: 'home.example', networks: 2, age: 40_000, lastError: undefined, failures: 0 }],
    healthy: () => true,
    configProblems: () => 0,
    now: () => 1_764_068_645,
    ...parts,
  });
}

/** The series of a scrape, by what stands before the value. */
export async function scrape(metrics: Metrics): Promise<ReadonlyMap<string, number>> {
  const lines = (await metrics.metricsText()).split('\n').filter((line) => /^[a-z]/.test(line));
  return new Map(lines.map((line) => [line.replace(/ \S+$/, ''), Number(line.replace(/^.* /, ''))]));
}
