import { spawnSync } from 'node:child_process';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { statusSchema } from '../../unit/cli/status-schema.ts';
import { runService } from '../containers.ts';
import { runDockwall } from '../dockwall.ts';
import { until } from '../poll.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { Stage, usualConfig } from './stage.ts';

// What people and programs see of it: who was let in and turned away, what stands, and the numbers for Prometheus.

describe.skipIf(skipWithoutLab()).each(engines('legacy'))('what is seen, Docker $title', (setup) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    await stage.guard();
  });
  afterEach(async () => stage.clear());
  afterAll(async () => stage.close());

  const run = async (name: string, port: number, labels: Record<string, string> = {}) =>
    runService(stage.lab.engine, { name, publish: [`${port}:80`], labels, tcp: [80] });

  async function status(): Promise<z.infer<typeof statusSchema>> {
    const { stdout } = await runDockwall(stage.lab, ['status', '--json']);
    return statusSchema.parse(JSON.parse(stdout));
  }

  /** The series of a scrape, by what stands before the value. */
  async function scrape(): Promise<ReadonlyMap<string, number>> {
    const lines = (await stage.dockwall.ask('/metrics')).split('\n').filter((line) => /^[a-z]/.test(line));
    return new Map(lines.map((line) => [line.replace(/ \S+$/, ''), Number(line.replace(/^.* /, ''))]));
  }

  it('who was turned away, by which port and how often; and one of them is let in', async () => {
    await run('wiki', 8002, { 'dockwall.allow': 'web' });
    await stage.waitOpen('G', 8002);
    await stage.expectClosed('X', 8002);
    const x = stage.client('X');
    const listed = await runDockwall(stage.lab, ['blocked', '--json']);
    const { blocked } = JSON.parse(listed.stdout) as { blocked: readonly Record<string, unknown>[] };
    // what Docker does not serve at all is none of ours: the guard drops it
    const mine = blocked.filter(({ port, by }) => port === 8002 && by === 'gate');
    const served = stage.served(8002).map(({ ip }) => (ip.includes(':') ? x.v6 : x.v4));
    expect(new Set(mine.map(({ source }) => source))).toEqual(new Set(served));
    for (const one of mine) {
      expect(one).toMatchObject({ protocol: 'tcp', services: ['wiki'] });
      expect(one['packets']).toBeGreaterThan(0);
    }
    const table = (await runDockwall(stage.lab, ['blocked'])).stdout.split('\n');
    const number = /^(\d+) .*8002\/tcp +wiki /.exec(
      table.find((line) => line.includes(` ${x.v4} `)) ?? '',
    )?.[1];
    const granted = await runDockwall(stage.lab, ['blocked', '--grant', number ?? '', 'web', '1h']);
    expect(granted).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(x.v4) });
    expect(await x.connect(stage.host.v4, 8002)).toBe('open');
    expect(await x.connect(stage.host.v6, 8002)).not.toBe('open');
    await stage.print('ipset', 'del', 'dockwall4-src-web', x.v4);
  });

  it('what was let in, to the trusted and through docker-proxy as well', async () => {
    await run('shop', 8001, { 'dockwall.public': '*' });
    await run('closed', 8003);
    await stage.waitOpen('T', 8003);
    await stage.expectOpen('X', 8001);
    await stage.expectClosed('X', 8003);
    const found = await status();
    const counts = (name: string) => found.services.find((one) => one.name === name)?.ports[0]?.counts;
    const served = stage.served(8001).length;
    expect(counts('shop')?.connections).toBeGreaterThanOrEqual(served);
    expect(counts('shop')?.accepted).toBeGreaterThan(counts('shop')?.connections ?? 0);
    expect(counts('shop')?.refused).toBe(0);
    expect(counts('closed')?.connections).toBeGreaterThanOrEqual(served);
    expect(counts('closed')?.refused).toBeGreaterThan(0);
    expect(found.refusals.some(({ port, services }) => port === 8003 && services[0] === 'closed')).toBe(true);
  });

  it('what stands, since when, and how often it was put back', async () => {
    const hook = async (chain: string) =>
      (await status()).walls[0]?.gate.hooks.find((one) => one.chain === chain);
    expect(await hook('FORWARD')).toMatchObject({ inPlace: true, repaired: 0 });
    await stage.print('iptables', '-t', 'mangle', '-D', 'FORWARD', '1');
    const repaired = await until({ what: 'the jump to be back', ms: 15_000, every: 200 }, async () => {
      const now = await hook('FORWARD');
      return now?.inPlace === true && now.repaired === 1 ? now : undefined;
    });
    const { daemon } = await status();
    expect(Date.parse(repaired.since ?? '')).toBeGreaterThan(Date.parse(daemon?.startedAt ?? ''));
    expect(daemon).toMatchObject({ healthy: true, repaired: { jump: 1 } });
    const text = (await runDockwall(stage.lab, ['status'])).stdout;
    expect(text).toMatch(/^dockwall \d\S+: up .*, last pass .*, next in \d+ s$/m);
    expect(text).toMatch(/^Put back since then: FORWARD \(IPv4\) once, /m);
  });

  it('numbers for Prometheus; those of what is gone go', async () => {
    await run('shop', 8001, { 'dockwall.public': '*' });
    await stage.waitOpen('X', 8001);
    const port = 'service="shop",port="8001",protocol="tcp"';
    const series = await until({ what: 'the series of the port', ms: 10_000, every: 200 }, async () => {
      const all = await scrape();
      return (all.get(`dockwall_connections_total{${port}}`) ?? 0) > 0 ? all : undefined;
    });
    expect(series.get(`dockwall_packets_total{${port},verdict="allowed"}`)).toBeGreaterThan(0);
    expect(series.get(`dockwall_packets_total{${port},verdict="denied"}`)).toBe(0);
    for (const family of [4, 6]) {
      expect(series.get(`dockwall_gate_up{family="${family}"}`)).toBe(1);
    }
    expect(series.get('dockwall_front_up{family="4"}')).toBe(1);
    expect(series.get('dockwall_healthy')).toBe(1);
    expect(series.get('dockwall_passes_total{result="success"}')).toBeGreaterThan(0);
    expect(series.get('dockwall_rules{table="mangle",family="4"}')).toBeGreaterThan(40);
    expect(series.get('dockwall_set_members{set="dockwall4-trusted"}')).toBe(1);
    expect(Date.now() / 1000 - (series.get('dockwall_last_success_timestamp_seconds') ?? 0)).toBeLessThan(60);
    const input = await stage.dockwall.ask('/metrics');
    const checked = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
    if (checked.error === undefined) expect(checked).toMatchObject({ status: 0, stderr: '' });
    await stage.lab.engine.docker('rm', '--force', 'shop');
    await until({ what: 'the series to go', ms: 10_000, every: 200 }, async () => {
      const names = [...(await scrape()).keys()];
      return !names.some((name) => name.includes('service="shop"'));
    });
  });

  it('nobody, where addresses must not be kept', async () => {
    await run('closed', 8003);
    await stage.waitOpen('T', 8003);
    await stage.configure(`${usualConfig}blocked: off\n`);
    await stage.expectClosed('X', 8003);
    expect(await stage.print('ipset', 'list', '-n')).not.toContain('turned-away');
    expect((await runDockwall(stage.lab, ['blocked'])).stdout).toContain('blocked: off');
    expect((await status()).services[0]?.ports[0]?.counts?.refused).toBeGreaterThan(0);
    await stage.configure(usualConfig);
  });

  it('changes in plain words', async () => {
    const from = stage.dockwall.lines.length;
    await run('wiki', 8002, { 'dockwall.allow': 'web' });
    await stage.dockwall.waitForLog(
      ({ msg }) => msg === 'opened  8002/tcp of wiki to web (dockwall.allow=web)',
      10_000,
      from,
    );
    await stage.lab.engine.docker('rm', '--force', 'wiki');
    await stage.dockwall.waitForLog(
      ({ msg }) => msg === 'gone    8002/tcp of wiki: not published any more',
      10_000,
      from,
    );
    expect(stage.dockwall.text).toMatch(
      /dockwall \d\S+ guards .* \(Docker \d.*both walls in iptables-\w+\); next look at/,
    );
  });
});
