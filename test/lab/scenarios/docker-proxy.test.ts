import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Target } from '../agent/protocol.ts';
import { runService } from '../containers.ts';
import { until } from '../poll.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { Stage } from './stage.ts';
import { reaching, watching } from './watch.ts';

// What a process on the host serves, and not a rule: S12.

describe.skipIf(skipWithoutLab()).each(engines('legacy'))('docker-proxy, Docker $title', (setup) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open(setup);
  });
  afterEach(async () => stage.clear());
  afterAll(async () => stage.close());

  /** What a container on an IPv4-only network serves: IPv6 is docker-proxy's. */
  const families = (): readonly string[] =>
    setup.userlandProxy ? [stage.host.v4, stage.host.v6] : [stage.host.v4];
  const flows = (port: number, addresses = families()): readonly Target[] =>
    addresses.map((ip) => ({ proto: 'udp-flow', ip, port }));
  const names = (name: string, port: number, labels: Record<string, string> = {}) =>
    runService(stage.lab.engine, { name, publish: [`${port}:53/udp`], udp: [53], labels });

  /** Everything that reaches all machines of the host's segment, and the host among them. */
  const shouts = (port: number): readonly Target[] =>
    ['192.0.2.255', '255.255.255.255', '224.0.0.1', 'ff02::1%eth0', '2001:db8:1::'].map((ip) => ({
      proto: 'udp-flow',
      ip,
      port,
    }));
  const linkLocal = (port: number): readonly Target[] =>
    (['tcp', 'udp', 'udp-flow'] as const).map((proto) => ({
      proto,
      ip: `${stage.host.linkLocal}%eth0`,
      port,
    }));

  // Not by the echo: from 28 on docker-proxy answers from the address that was written to, which no shout has.
  const control = 'control: without walls a shout on the segment reaches a container';
  it.runIf(setup.userlandProxy)(control, async () => {
    for (const [index, target] of shouts(0).slice(0, 4).entries()) {
      const port = 5300 + index;
      const open = await names(`open${index}`, port);
      const before = await open.datagrams();
      const prober = await stage.client('N').probe([{ ...target, port }], { every: 10 });
      await until(
        { what: `a shout to ${target.ip}`, ms: 5000 },
        async () => (await open.datagrams()) > before,
      );
      await prober.stop();
    }
  });

  it('S12: a client that was sending before the container was there', async () => {
    if (!stage.guarded) await stage.guard();
    const closed = [5300, 5301].flatMap((port) => [...flows(port), ...stage.both(port, 'udp')]);
    await watching({ stage, closed, every: 1 }, async (watch) => {
      await watching({ stage, who: ['G'], closed: flows(5301), every: 1 }, async () => {
        const early = await stage.client('G').probe(flows(5300), { every: 2 });
        try {
          await names('allowed', 5300, { 'dockwall.allow': 'web' });
          await names('shut', 5301);
          await watch.keepReaching('G', flows(5300));
          await watch.keepReaching('T', [...flows(5300), ...flows(5301)]);
        } finally {
          await early.stop();
        }
      });
    });
  });

  it('S12: a neighbour that shouts at the whole segment, and one with a link-local address', async () => {
    if (!stage.guarded) await stage.guard();
    const everything = [...shouts(5300), ...linkLocal(5300)];
    const both = { publish: ['5300:53/udp', '5300:53/tcp'], tcp: [53], udp: [53] };
    await watching({ stage, who: ['N'], closed: everything, every: 1 }, async () => {
      // link-local IPv4 is not fe80::/10: nothing of this lets the neighbour in
      const labels = { 'dockwall.allow': '169.254.0.0/16' };
      const shut = await runService(stage.lab.engine, { ...both, name: 'shut', labels });
      await stage.pass();
      expect(await shut.datagrams()).toBe(0);
      await shut.remove();
    });
    if (!setup.userlandProxy) return;
    const labels = { 'dockwall.allow': '192.0.2.50,fe80::/10' };
    const near = await runService(stage.lab.engine, { ...both, name: 'near', labels });
    await reaching(stage, 'N', linkLocal(5300));
    const before = await near.datagrams();
    const prober = await stage.client('N').probe(shouts(5300).slice(0, 1), { every: 10 });
    await until({ what: 'a shout that is allowed', ms: 5000 }, async () => (await near.datagrams()) > before);
    await prober.stop();
  });
});
