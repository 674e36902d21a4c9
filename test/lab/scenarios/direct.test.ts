import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Target } from '../agent/protocol.ts';
import { runService } from '../containers.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { Stage } from './stage.ts';
import { reaching, watching } from './watch.ts';

// Ways around the port that was published: container addresses, loopback, another address of the host. S23.

/** The Docker host has a second address of each family. */
const second = { v4: '192.0.2.11', v6: '2001:db8:1::11' };

describe.skipIf(skipWithoutLab()).each(engines('legacy'))('direct ways, Docker $title', (setup) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    await stage.print('ip', 'addr', 'add', `${second.v4}/24`, 'dev', 'ext0');
    await stage.print('ip', 'addr', 'add', `${second.v6}/64`, 'dev', 'ext0', 'nodad');
    const neighbour = stage.client('N');
    // everything behind the host is reached through it, and so is its own loopback
    await neighbour.exec(['ip', 'route', 'add', '172.16.0.0/12', 'via', stage.host.v4]);
    await neighbour.exec(['ip', 'rule', 'add', 'pref', '10', 'to', '127.0.0.1', 'lookup', '100']);
    await neighbour.exec(['ip', 'rule', 'del', 'pref', '0']);
    await neighbour.exec(['ip', 'rule', 'add', 'pref', '20', 'lookup', 'local']);
    await neighbour.exec([
      'ip',
      'route',
      'add',
      '127.0.0.1',
      'via',
      stage.host.v4,
      'dev',
      'eth0',
      'src',
      '192.0.2.50',
      'table',
      '100',
    ]);
    // the host would send it to the router for addresses that it does not know yet
    const eager = ['all.route_localnet=1', 'all.accept_redirects=0', 'eth0.accept_redirects=0'];
    await neighbour.exec(['sysctl', '-q', '-w', ...eager.map((one) => `net.ipv4.conf.${one}`)]);
    // kube-proxy, for one, leaves a host like this
    await stage.print('sysctl', '-q', '-w', 'net.ipv4.conf.all.route_localnet=1');
  });
  afterEach(async () => stage.clear());
  afterAll(async () => stage.close());

  const tcpAndUdp = (ip: string, port: number): readonly Target[] =>
    (['tcp', 'udp', 'udp-flow'] as const).map((proto) => ({ proto, ip, port }));
  const run = async (
    name: string,
    publish: readonly string[],
    labels: Record<string, string> = {},
    network?: string,
  ) =>
    runService(stage.lab.engine, {
      name,
      publish: publish.flatMap((port) => [`${port}/tcp`, `${port}/udp`]),
      labels,
      tcp: [53],
      udp: [53],
      ...(network === undefined ? {} : { network }),
    });

  // first, while dockwall has never run here: up to 27, Docker lets a neighbour do all of this
  it.runIf(setup.version !== '28')(
    'control: without walls a neighbour reaches addresses and loopback',
    async () => {
      const service = await run('open', ['127.0.0.1:8001:53']);
      await reaching(stage, 'N', tcpAndUdp(await service.v4(), 53));
      if (setup.userlandProxy) await reaching(stage, 'N', tcpAndUdp('127.0.0.1', 8001).slice(0, 1));
    },
  );

  it('S23: a neighbour that sends to the addresses of containers', async () => {
    if (!stage.guarded) await stage.guard();
    const { engine } = stage.lab;
    const first = ['172.17.0.2', '172.17.0.3', '172.30.0.2'];
    await watching(
      { stage, who: ['N'], closed: first.flatMap((ip) => tcpAndUdp(ip, 53)), every: 1 },
      async (watch) => {
        expect(await (await run('open', ['8001:53'], { 'dockwall.public': '*' })).v4()).toBe(first[0]);
        expect(await (await run('unpublished', [])).v4()).toBe(first[1]);
        await engine.docker('network', 'create', '--subnet', '172.30.0.0/24', 'mine');
        await run('mine', ['8002:53'], {}, 'mine');
        await watch.keepReaching('T', stage.both(8001).slice(0, setup.userlandProxy ? 2 : 1));
        await stage.pass();
      },
    );
    // the trusted reach what Docker itself lets through
    const router = ['ip', 'route', 'replace', '172.16.0.0/12', 'via', stage.host.v4];
    await stage.lab.internet.exec(router);
    if (setup.version !== '28') await reaching(stage, 'T', tcpAndUdp(first[2] ?? '', 53));
  });

  it('S23: a bridge named like an interface of the host, made while dockwall runs and joined at once', async () => {
    if (!stage.guarded) await stage.guard();
    const { engine } = stage.lab;
    await run('early', []);
    await engine.docker('network', 'disconnect', 'bridge', 'early');
    const closed = [{ proto: 'tcp', ip: '172.30.1.2', port: 53 }] as const;
    await watching({ stage, who: ['N'], closed, every: 1 }, async () => {
      // the gate learns the bridge with the next pass; until then it is the front, or Docker itself from 28 on, that drops
      const options = '--subnet 172.30.1.0/24 -o com.docker.network.bridge.name=lan0';
      const join = `docker network create ${options} lan; exec docker network connect lan early`;
      await engine.exec(['sh', '-ec', join]);
      await stage.pass();
    });
  });

  it('S23: ports bound to loopback, and packets to it that a neighbour has crafted', async () => {
    if (!stage.guarded) await stage.guard();
    const closed = ['127.0.0.1', stage.host.v4, stage.host.v6, second.v4].flatMap((ip) =>
      tcpAndUdp(ip, 8001),
    );
    await watching({ stage, who: ['N'], closed, every: 1 }, async () => {
      await watching({ stage, closed: closed.slice(3), every: 1 }, async () => {
        // whatever a label says
        await run('loopback', ['127.0.0.1:8001:53'], { 'dockwall.public': '*' });
        await stage.pass();
        expect(await stage.client('host').connect('127.0.0.1', 8001)).toBe('open');
      });
    });
  });

  it('S23: one port on two addresses of the host belongs to two containers', async () => {
    if (!stage.guarded) await stage.guard();
    const { v4, v6 } = stage.host;
    const sixth = setup.userlandProxy;
    const of = (name: 'mine' | 'other') => {
      const addresses = name === 'mine' ? [v4, v6] : [second.v4, second.v6];
      return addresses.slice(0, sixth ? 2 : 1).flatMap((ip) => tcpAndUdp(ip, 8001));
    };
    const bound = (ips: readonly string[]): readonly string[] =>
      ips.slice(0, sixth ? 2 : 1).map((ip) => `${ip.includes(':') ? `[${ip}]` : ip}:8001:53`);
    await watching({ stage, closed: [...of('mine'), ...of('other')], every: 1 }, async () => {
      await watching({ stage, who: ['G'], closed: of('other'), every: 1 }, async () => {
        await run('mine', bound([v4, v6]), { 'dockwall.allow': 'web' });
        await run('other', bound([second.v4, second.v6]), { 'dockwall.allow': '192.0.2.50,2001:db8:1::50' });
        await reaching(stage, 'G', of('mine'));
        await reaching(stage, 'N', of('other'));
        await reaching(stage, 'T', [...of('mine'), ...of('other')]);
      });
    });
    await watching({ stage, who: ['N'], closed: of('mine'), every: 2 }, async () => {});
  });

  it('S10: containers on a bridge named like the host interfaces: outwards and among each other', async () => {
    if (!stage.guarded) await stage.guard();
    const { engine } = stage.lab;
    await stage.lab.internet.serve({ tcp: [7000] });
    await engine.docker('network', 'create', '-o', 'com.docker.network.bridge.name=eth7', 'odd');
    const [one, two] = [await run('one', ['8001:53'], {}, 'odd'), await run('two', [], {}, 'odd')];
    expect(await one.ask({ proto: 'tcp', ip: stage.lab.internet.v4, port: 7000 })).toBe('open');
    expect(await one.ask({ proto: 'tcp', ip: await two.v4(), port: 53 })).toBe('open');
    await stage.pass();
    expect(await two.ask({ proto: 'tcp', ip: stage.host.v4, port: 8001 })).toBe('open');
  });
});
