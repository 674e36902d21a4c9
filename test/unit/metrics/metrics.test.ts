import { describe, expect, it } from 'vitest';
import { kernelCounts } from '../../../src/faces/metrics/kernel-counts.ts';
import { mostPorts, portSeries } from '../../../src/faces/metrics/port-series.ts';
import { counted, countedSet, decisionFor, makeMetrics, scrape } from './scraping.ts';

describe('metrics', () => {
  it('counts by service and port, the halves of every address together', async () => {
    const metrics = makeMetrics();
    metrics.passed(decisionFor('web', 'db'), 120);
    const series = await scrape(metrics);
    const web = 'service="web",port="80",protocol="tcp"';
    expect(series.get(`dockwall_packets_total{${web},verdict="allowed"}`)).toBe(12);
    expect(series.get(`dockwall_packets_total{${web},verdict="denied"}`)).toBe(3);
    expect(series.get(`dockwall_connections_total{${web}}`)).toBe(3);
    expect(
      series.get('dockwall_packets_total{service="db",port="81",protocol="tcp",verdict="allowed"}'),
    ).toBe(1);
    expect(series.get('dockwall_set_members{set="dockwall4-trusted"}')).toBe(3);
    expect(series.get('dockwall_pass_duration_seconds_bucket{le="0.25"}')).toBe(1);
    expect(series.get('dockwall_last_success_timestamp_seconds')).toBe(1_764_068_645);
    expect(series.get('dockwall_source_age_seconds{source="home.example"}')).toBe(40);
  });

  it('lets series go with what they are about', async () => {
    let sources = [{ name: 'a', networks: 1, age: undefined, lastError: 'x', failures: 2 }];
    const metrics = makeMetrics({ sources: () => sources });
    metrics.passed(decisionFor('web'), 1);
    expect([...(await scrape(metrics)).keys()].join('\n')).toMatch(/service="web"/);
    metrics.passed(decisionFor('other'), 1);
    sources = [];
    const names = [...(await scrape(metrics)).keys()].join('\n');
    expect(names).not.toMatch(/service="web"|source="a"/);
    expect(names).toMatch(/service="other"/);
  });

  it('tells failures and repairs, and that a wall was missing at the last look', async () => {
    const metrics = makeMetrics({ healthy: () => false, configProblems: () => 2 });
    metrics.saw({ backends: ['nft'], families: [4], tables: [], sets: [], foreign: [] });
    metrics.failed(3);
    metrics.drifted([{ kind: 'jump', what: 'gone' }]);
    const series = await scrape(metrics);
    expect(series.get('dockwall_gate_up{family="4"}')).toBe(0);
    expect(series.get('dockwall_passes_total{result="failure"}')).toBe(1);
    expect(series.get('dockwall_drift_repaired_total{kind="jump"}')).toBe(1);
    expect(series.get('dockwall_drift_repaired_total{kind="front"}')).toBe(0);
    expect(series.get('dockwall_healthy')).toBe(0);
    expect(series.get('dockwall_config_problems')).toBe(2);
  });

  it('goes on without what the kernel does not tell', async () => {
    const metrics = makeMetrics({ counts: async () => Promise.reject(new Error('no ipset')) });
    metrics.passed(decisionFor('web'), 1);
    const series = await scrape(metrics);
    expect(series.get('dockwall_healthy')).toBe(1);
    expect([...series.keys()].join('\n')).not.toMatch(/dockwall_packets_total|dockwall_set_members/);
  });

  it('tells ports beyond a bound together, so that nobody can fill a Prometheus', () => {
    const names = Array.from({ length: mostPorts + 5 }, (_, index) => `c${index}`);
    const ports = Object.fromEntries(names.map((_, index) => [`0.0.0.0/1,tcp:${80 + index}`, 1]));
    const series = portSeries(decisionFor(...names).policy, [countedSet('count-passed', ports)]);
    expect(series).toHaveLength(mostPorts + 1);
    expect(series.at(-1)).toMatchObject({ service: '(others)', counts: { passed: 5 } });
  });

  it('counts a port that two containers claim for the one that runs', () => {
    const { policy } = decisionFor('old', 'new');
    const [first, second] = policy.services;
    if (first === undefined || second === undefined) throw new Error('no services');
    const rivals = [
      { ...first, active: false },
      { ...second, ports: first.ports.map((port) => ({ ...port })) },
    ];
    expect(portSeries({ ...policy, services: rivals }, counted).map(({ service }) => service)).toEqual([
      'new',
    ]);
  });
});

describe('the counts of the kernel', () => {
  it('are read at most once a second, however many ask', async () => {
    let now = 0;
    const runs: string[] = [];
    const ask = kernelCounts(
      async ({ args, input }) => {
        runs.push([...args, input].join(' ').trim());
        const list =
          'Name: dockwall4-count-passed\nType: hash:net,port\nNumber of entries: 2\n\nName: other\nNumber of entries: 9\n';
        const saved =
          'create dockwall4-count-passed hash:net,port family inet counters\nadd dockwall4-count-passed 0.0.0.0/1,tcp:80 packets 4 bytes 9\n';
        return { stdout: args[0] === 'list' ? list : saved, stderr: '', exitCode: 0 };
      },
      () => now,
    );
    const [one] = await Promise.all([ask(), ask()]);
    now = 900;
    await ask();
    expect(runs).toEqual(['list -t', 'restore save dockwall4-count-passed']);
    expect(one.sizes).toEqual(new Map([['dockwall4-count-passed', 2]]));
    expect(one.counted[0]?.packets).toEqual(new Map([['0.0.0.0/1,tcp:80', 4]]));
    now = 1000;
    await ask();
    expect(runs).toHaveLength(4);
  });
});
