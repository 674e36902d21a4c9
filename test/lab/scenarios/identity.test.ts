import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Target } from '../agent/protocol.ts';
import { runService, type Service, type ServiceSpec } from '../containers.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { Roll } from './roll.ts';
import { Stage } from './stage.ts';
import { reaching, watching } from './watch.ts';

// Addresses and ports that change hands: S5, S6.

describe.skipIf(skipWithoutLab()).each(engines('nft'))('who is who, Docker $title', (setup) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    await stage.guard();
  });
  afterEach(async () => stage.clear());
  afterAll(async () => stage.close());

  /** IPv6 is docker-proxy's on these networks. */
  const ways = (port: number): readonly Target[] => stage.both(port).slice(0, setup.userlandProxy ? 2 : 1);
  const both = [8001, 8002].flatMap((port) => [
    { proto: 'tcp', ip: '192.0.2.10', port } as const,
    { proto: 'tcp', ip: '2001:db8:1::10', port } as const,
  ]);
  const allowed = (more: Partial<ServiceSpec> = {}): Promise<Service> =>
    runService(stage.lab.engine, {
      name: 'allowed',
      publish: ['8001:80'],
      labels: { 'dockwall.allow': 'web' },
      ...more,
    });
  const closed = (more: Partial<ServiceSpec> = {}): Promise<Service> =>
    runService(stage.lab.engine, { name: 'closed', publish: ['8002:80'], ...more });

  it('S6: the address of a container that was removed, recreated, or moved goes to another', async () => {
    await watching({ stage, closed: both, every: 1 }, async () => {
      await watching({ stage, who: ['G'], closed: ways(8002), every: 1 }, async () => {
        const first = await allowed();
        const address = await first.v4();
        await reaching(stage, 'G', ways(8001));
        await first.remove();
        const second = await closed();
        expect(await second.v4()).toBe(address);
        await allowed();
        await reaching(stage, 'G', ways(8001));

        // nobody is there to notice
        await stage.dockwall.kill();
        await stage.lab.engine.docker('rm', '--force', 'allowed', 'closed');
        const third = await closed();
        expect(await third.v4()).toBe(address);
        await allowed();
        await reaching(stage, 'G', ways(8001));
        await stage.guard();
      });
    });
  });

  it('S6: the engine restarts, and its containers change addresses', async () => {
    const flags = ['--restart=always'];
    await watching({ stage, closed: both, every: 1 }, async () => {
      await watching({ stage, who: ['G'], closed: ways(8002), every: 1 }, async () => {
        const first = await allowed({ flags });
        await closed({ flags });
        const address = await first.v4();
        await stage.dockwall.kill();
        await first.stop();
        await stage.lab.engine.restart();
        await reaching(stage, 'T', ways(8002));
        await first.start();
        expect([address, await first.v4()].toSorted()).toHaveLength(2);
        await stage.guard();
        await reaching(stage, 'G', ways(8001));
        await reaching(stage, 'T', [...ways(8001), ...ways(8002)]);
      });
    });
  });

  /** `connect` of the one and `disconnect` of the other come in any order. */
  async function swap(out: string, into: string): Promise<void> {
    const start = `docker start ${into} 2>/dev/null`;
    const script = `docker stop -t 0 ${out} & until ${start}; do sleep 0.01; done; wait`;
    await stage.lab.engine.exec(['sh', '-c', script], { timeout: 20_000 });
  }

  it('S5, S6: two containers with one address, in turns', async () => {
    const { engine } = stage.lab;
    await engine.docker('network', 'create', '--subnet', '172.30.0.0/24', 'mine');
    const same = { network: 'mine', flags: ['--ip', '172.30.0.9'] };
    await watching({ stage, closed: both, every: 1 }, async () => {
      await watching({ stage, who: ['G'], closed: ways(8002), every: 1 }, async () => {
        const first = await allowed(same);
        await first.stop();
        const second = await closed(same);
        for (let turn = 0; turn < 2; turn++) {
          await swap('closed', 'allowed');
          await first.waitServing();
          await reaching(stage, 'G', ways(8001));
          await swap('allowed', 'closed');
          await second.waitServing();
          await reaching(stage, 'T', ways(8002));
        }
      });
    });
  });

  it('S6: a port that was public goes to a container that opens nothing', async () => {
    const { engine } = stage.lab;
    const pages = ways(8001).map(({ ip }) => `http://${ip.includes(':') ? `[${ip}]` : ip}:8001/`);
    const roll = new Roll(stage.client('X'), pages);
    let answers: ReadonlyMap<string, number>;
    // so many events that passes are made wait: each of what follows happens between two of them
    const quiet = '/run/lab-quiet';
    const churn = `rm -f ${quiet}; until [ -e ${quiet} ]; do docker rm $(docker create lab/service); done`;
    const noise = engine.exec(['timeout', '120', 'sh', '-c', churn], { timeout: 130_000 });
    const run = 'docker run -d --name heir -p 8001:80 lab/service --name heir --tcp 80';
    const sh = async (script: string): Promise<unknown> => engine.exec(['sh', '-ec', script]);
    try {
      for (let turn = 0; turn < 2; turn++) {
        await allowed({ name: 'public', labels: { 'dockwall.public': '*' } });
        await reaching(stage, 'X', ways(8001));
        await sh(run.replace('run -d', 'create'));
        await sh('docker stop -t 0 public; exec docker start heir');
        await reaching(stage, 'T', ways(8001));
        await sh('docker rm -f heir; exec docker start public');
        await reaching(stage, 'X', ways(8001));
        await sh(`docker stop -t 0 public; exec ${run}`);
        await reaching(stage, 'T', ways(8001));
        await sh('docker rm -f heir; exec docker start public');
        await reaching(stage, 'X', ways(8001));
        await sh(`docker rm -f public; exec ${run}`);
        await reaching(stage, 'T', ways(8001));
        await engine.docker('rm', '--force', 'heir');
      }
    } finally {
      answers = await roll.stop();
      await engine.exec(['touch', quiet]);
      await noise;
    }
    expect(answers.get('public')).toBeGreaterThan(0);
    expect(answers.get('heir')).toBeUndefined();
  });

  it('S5: a container that gets a second network, which becomes its way out, and loses it again', async () => {
    const { engine } = stage.lab;
    await engine.docker('network', 'create', '--subnet', '172.30.0.0/24', 'middle');
    await engine.docker('network', 'create', '--subnet', '172.30.1.0/24', 'above');
    await stage.client('N').exec(['ip', 'route', 'replace', '172.30.0.0/15', 'via', stage.host.v4]);
    const direct = ['172.30.0.2', '172.30.1.2'].map((ip) => ({ proto: 'tcp', ip, port: 80 }) as const);
    await watching({ stage, who: ['N'], closed: [...both, ...direct], every: 1 }, async () => {
      await watching({ stage, closed: both, every: 1 }, async () => {
        await watching({ stage, who: ['G'], closed: ways(8002), every: 1 }, async (watch) => {
          await allowed({ network: 'middle' });
          await closed({ network: 'middle' });
          for (let turn = 0; turn < 2; turn++) {
            const served = await watch.keepReaching('G', ways(8001));
            await engine.docker('network', 'connect', 'above', 'allowed');
            await engine.docker('network', 'connect', 'above', 'closed');
            await reaching(stage, 'G', ways(8001));
            await stage.pass();
            await engine.docker('network', 'disconnect', 'above', 'allowed');
            await engine.docker('network', 'disconnect', 'above', 'closed');
            await served.end();
          }
          await reaching(stage, 'T', [...ways(8001), ...ways(8002)]);
        });
      });
    });
  });
});
