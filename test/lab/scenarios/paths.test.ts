import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runService } from '../containers.ts';
import { until } from '../poll.ts';
import { expectNothingOpened } from '../prober.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { Stage } from './stage.ts';
import { watching } from './watch.ts';

// The ways into a container, and the ways that are none of dockwall's business: S12, S13, S14; and two controls.

describe.skipIf(skipWithoutLab()).each(engines('nft'))('paths, Docker $title', (setup) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open(setup);
  });
  afterEach(async () => stage.clear());
  afterAll(async () => stage.close());

  const closed = { name: 'closed', publish: ['8001:80'] };

  // first, while dockwall has never run here
  it('control: without walls the same probe fails the test', async () => {
    await runService(stage.lab.engine, closed);
    const targets = stage.served(8001);
    const prober = await stage.client('X').probe(targets, { every: 2 });
    await until({ what: 'X to get in', ms: 5000 }, async () => {
      return (await prober.look()).targets.every(({ opened }) => opened.length > 0);
    });
    const report = await prober.stop();
    const told = targets.map(({ ip }) => (ip === stage.host.v6 ? `tcp [${ip}]:8001` : `tcp ${ip}:8001`));
    for (const text of told) expect(() => expectNothingOpened(report)).toThrow(text);
  });

  it('S13, S14: what never passes the walls is as before', async () => {
    const { engine } = stage.lab;
    const narrow = await stage.lab.addClient({
      name: 'P',
      v4: '198.51.100.77',
      v6: '2001:db8:f::77',
      mtu: 1280,
    });
    await narrow.serve({ tcp: [7000], udp: [7000] });
    await stage.lab.internet.serve({ dns: { ttl: 1, names: { 'www.example.org': ['198.51.100.77'] } } });
    await runService(engine, closed);
    await engine.docker('network', 'create', 'other');
    const neighbour = await runService(engine, { name: 'neighbour' });
    const stranger = await runService(engine, { name: 'stranger', network: 'other' });
    const inside = await (await runService(engine, { name: 'target', publish: ['8002:80'] })).v4();

    const look = async (): Promise<Record<string, unknown>> => {
      const host = stage.client('host');
      const ask = { proto: 'tcp', seconds: 2 } as const;
      const name = ['docker', 'exec', 'neighbour', 'nslookup', 'www.example.org', stage.lab.internet.v4];
      return {
        hostOwnAddress: await stage.connect('host', 8001),
        hostLoopback: await host.connect('127.0.0.1', 8001),
        hostLoopback6: await host.connect('::1', 8001),
        hostToContainer: await host.connect(inside, 80),
        containerToHost: await neighbour.ask({ ...ask, ip: stage.host.v4, port: 8001 }),
        sameBridge: await neighbour.ask({ ...ask, ip: inside, port: 80 }),
        acrossNetworks: await stranger.ask({ ...ask, ip: stage.host.v4, port: 8002 }),
        acrossDirectly: await stranger.ask({ ...ask, ip: inside, port: 80 }),
        outwards: await neighbour.ask({ ...ask, ip: narrow.v4, port: 7000 }),
        outwardsUdp: await neighbour.ask({ proto: 'udp', ip: narrow.v4, port: 7000 }),
        outwardsRefused: await neighbour.ask({ ...ask, ip: narrow.v4, port: 7001 }),
        largePackets: await neighbour.ask({ ...ask, ip: narrow.v4, port: 7000, bytes: 300_000, seconds: 5 }),
        names: /198\.51\.100\.77/.test((await engine.exec(name, { allowFailure: true })).stdout),
      };
    };

    const before = await look();
    expect(before).toMatchObject({
      hostOwnAddress: stage.setup.userlandProxy ? ['open', 'open'] : ['open', 'refused'],
      containerToHost: 'open',
      sameBridge: 'open',
      outwards: 'open',
      outwardsUdp: 'open',
      largePackets: 'open',
      names: true,
    });
    await stage.guard();
    await watching({ stage, closed: [...stage.both(8001), ...stage.both(8002)] }, async () => {
      expect(await look()).toEqual(before);
    });
  });

  it('S12: IPv6 to an IPv4-only network and to an IPv6 one, and link-local clients', async () => {
    const { engine } = stage.lab;
    if (!stage.guarded) await stage.guard();
    const linkLocal = (port: number) => ({ proto: 'tcp' as const, ip: `${stage.host.linkLocal}%eth0`, port });
    const ports = [8001, 8002];
    const near = [...ports.flatMap((port) => stage.both(port)), ...ports.map(linkLocal)];
    await watching({ stage, who: ['N'], closed: near, every: 1 }, async () => {
      await watching(
        { stage, closed: ports.flatMap((port) => stage.both(port)), every: 1 },
        async (watch) => {
          const labels = { 'dockwall.allow': 'web' };
          await engine.docker('network', 'create', '--ipv6', '--subnet', '2001:db8:d::/64', 'six');
          await runService(engine, { name: 'four', publish: ['8001:80'], labels });
          await runService(engine, { name: 'six', publish: ['8002:80'], network: 'six', labels });
          await runService(engine, {
            name: 'near',
            publish: ['8003:80'],
            labels: { 'dockwall.allow': 'private' },
          });
          await watch.keepServed('G', ...ports);
          await stage.pass();
          // the network's own IPv6, by DNAT
          if (engine.options.ip6tables) {
            expect(await stage.client('G').connect(stage.host.v6, 8002)).toBe('open');
          }
          // fe80::/10 is in the group `private`; docker-proxy serves such clients, whatever the network
          if (setup.userlandProxy) {
            expect(await stage.client('N').connect(`${stage.host.linkLocal}%eth0`, 8003)).toBe('open');
          }
          await stage.expectClosed('N', 8003);
        },
      );
    });
  });

  // last: it leaves the host without walls
  it.skipIf(!setup.userlandProxy)(
    'control: with the gate and the lock taken out behind its back, X gets in over IPv6',
    async () => {
      if (!stage.guarded) await stage.guard();
      await runService(stage.lab.engine, closed);
      await stage.pass();
      await stage.expectClosed('X', 8001);
      await stage.dockwall.kill();
      // the guard of the new container may be up still
      for (const [chain, ours] of [
        ['PREROUTING', 'GATE'],
        ['INPUT', 'INPUT'],
      ]) {
        const unhook = `ip6tables -t mangle -S ${chain} | sed -n '/-j DOCKWALL-${ours}$/ s/^-A/-t mangle -D/p' | xargs ip6tables`;
        await stage.print('sh', '-ec', unhook);
      }
      await stage.print('nft', 'delete', 'table', 'inet', 'dockwall-lock');
      expect(await stage.client('X').connect(stage.host.v6, 8001)).toBe('open');
      expect(await stage.client('X').connect(stage.host.v4, 8001)).toBe('timeout');
    },
  );
});
