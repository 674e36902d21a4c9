import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runService } from '../containers.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { Stage } from './stage.ts';
import { watching } from './watch.ts';

// What is none of dockwall's business over IPv6 and UDP; the rest of S13 and S14 is in paths.test.ts.

describe.skipIf(skipWithoutLab()).each(engines('nft'))('untouched, Docker $title', (setup) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open(setup);
  });
  afterAll(async () => stage.close());

  it('S13, S14: over IPv6 and UDP: the host, neighbours on a bridge, and what containers ask for', async () => {
    const { engine, internet } = stage.lab;
    const narrow = await stage.lab.addClient({
      name: 'P',
      v4: '198.51.100.77',
      v6: '2001:db8:f::77',
      mtu: 1280,
    });
    await narrow.serve({ tcp: [7000], udp: [7000] });
    await internet.exec(['ip', 'route', 'add', '2001:db8:d::/64', 'via', stage.host.v6]);
    await engine.docker('network', 'create', '--ipv6', '--subnet', '2001:db8:d::/64', 'six');
    const common = { network: 'six', tcp: [80], udp: [80] };
    const one = await runService(engine, { ...common, name: 'one', publish: ['8001:80/tcp', '8001:80/udp'] });
    const two = await runService(engine, { ...common, name: 'two' });
    const four = await runService(engine, { name: 'four' });
    const inside = (await one.addresses()).find((address) => address.includes(':')) ?? '';
    const host = stage.client('host');

    const look = async (): Promise<Record<string, unknown>> => ({
      hostToContainer6: await host.connect(inside, 80),
      hostToContainerUdp6: (await host.udp(inside, 80)).verdict,
      hostOwnAddressUdp: (await host.udp(stage.host.v4, 8001)).verdict,
      hostLoopbackUdp: (await host.udp('127.0.0.1', 8001)).verdict,
      sameBridge6: await two.ask({ proto: 'tcp', ip: inside, port: 80 }),
      sameBridgeUdp6: await two.ask({ proto: 'udp', ip: inside, port: 80 }),
      toHost6: await two.ask({ proto: 'tcp', ip: stage.host.v6, port: 8001 }),
      toItself: await one.ask({ proto: 'tcp', ip: stage.host.v4, port: 8001 }),
      toHostUdp: await four.ask({ proto: 'udp', ip: stage.host.v4, port: 8001 }),
      outwards6: await two.ask({ proto: 'tcp', ip: narrow.v6, port: 7000 }),
      outwardsUdp6: await two.ask({ proto: 'udp', ip: narrow.v6, port: 7000 }),
      outwardsRefused6: await two.ask({ proto: 'tcp', ip: narrow.v6, port: 7001 }),
      largePackets6: await two.ask({ proto: 'tcp', ip: narrow.v6, port: 7000, bytes: 300_000, seconds: 5 }),
      largeDatagrams: await four.ask({ proto: 'udp', ip: narrow.v4, port: 7000, bytes: 4000 }),
    });

    const before = await look();
    expect(before).toMatchObject({
      hostToContainer6: 'open',
      sameBridgeUdp6: 'open',
      outwards6: 'open',
      outwardsUdp6: 'open',
      outwardsRefused6: 'refused',
      largePackets6: 'open',
    });
    await stage.guard();
    const closed = [
      ...stage.both(8001),
      ...stage.both(8001, 'udp'),
      { proto: 'tcp', ip: inside, port: 80 } as const,
    ];
    await watching({ stage, closed }, async () => {
      expect(await look()).toEqual(before);
    });
  });
});
