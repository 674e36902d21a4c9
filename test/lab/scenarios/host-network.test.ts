import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Target } from '../agent/protocol.ts';
import { runService, type Service } from '../containers.ts';
import { runDockwall } from '../dockwall.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { Stage } from './stage.ts';
import { reaching, watching } from './watch.ts';

// Containers without a network of their own: S15.

describe.skipIf(skipWithoutLab()).each(engines('legacy'))('no network of its own, Docker $title', (setup) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    await stage.guard();
  });
  afterEach(async () => stage.clear());
  afterAll(async () => stage.close());

  const everyWay = (port: number): readonly Target[] =>
    (['tcp', 'udp', 'udp-flow'] as const).flatMap((proto) => stage.both(port, proto));

  it('S15: a container on the network of the host, from its first moment to its next start', async () => {
    const closed = [8090, 8091].flatMap((port) => everyWay(port));
    await watching({ stage, closed, every: 1 }, async () => {
      await watching({ stage, who: ['G'], closed: everyWay(8091), every: 1 }, async () => {
        const service = await runService(stage.lab.engine, {
          name: 'hall',
          network: 'host',
          tcp: [8090, 8091, 8092],
          udp: [8090, 8091],
          labels: {
            'dockwall.ports': '8090,8091,8092/tcp',
            'dockwall.allow.8090': 'web',
            'dockwall.public': '8092',
          },
        });
        await reaching(stage, 'X', stage.both(8092));
        await reaching(stage, 'G', everyWay(8090));
        await service.restart();
        await reaching(stage, 'G', everyWay(8090));
        await reaching(stage, 'T', closed);
        await stage.dockwall.kill();
        await service.restart();
        await reaching(stage, 'G', everyWay(8090));
        await stage.guard();
      });
    });
  });

  it('S15: says of one that declares nothing that it is not protected', async () => {
    await runService(stage.lab.engine, { name: 'mute', network: 'host', tcp: [8093] });
    const found = await runDockwall(stage.lab, ['check']);
    expect(found.stdout).toContain(
      'NOT PROTECTED: mute (host network, no dockwall.ports): every port that it listens on is open',
    );
    expect((await runDockwall(stage.lab, ['status'])).stdout).toMatch(/^mute .*NOT PROTECTED/m);
  });

  it('S15: a container in the network of another speaks for its ports, and for nobody after it', async () => {
    const { engine } = stage.lab;
    const ways = (port: number): readonly Target[] => stage.both(port).slice(0, setup.userlandProxy ? 2 : 1);
    const owner = async (): Promise<Service> =>
      runService(engine, { name: 'owner', publish: ['8001:80', '8002:81'] });
    const guest = async (): Promise<Service> =>
      runService(engine, {
        name: 'guest',
        network: 'container:owner',
        tcp: [81],
        labels: { 'dockwall.allow.8002': 'web' },
      });
    await watching({ stage, closed: [...ways(8001), ...ways(8002)], every: 1 }, async () => {
      const first = await owner();
      await watching({ stage, who: ['G'], closed: ways(8001), every: 1 }, async () => {
        const speaker = await guest();
        // the id is what its rights hang on, and not a name that somebody else may have next
        expect(await engine.docker('inspect', '--format={{.HostConfig.NetworkMode}}', 'guest')).toMatch(
          /^container:[0-9a-f]{64}$/m,
        );
        await reaching(stage, 'G', ways(8002));
        await reaching(stage, 'T', [...ways(8001), ...ways(8002)]);
        // its words go with it
        await speaker.remove();
        await stage.pass();
        await stage.expectClosed('G', 8002);
        await guest();
        await reaching(stage, 'G', ways(8002));
      });
      // and it does not speak for the next owner of the name, whose network it is not in
      await first.remove();
      await stage.pass();
      await watching({ stage, who: ['G'], closed: [...ways(8001), ...ways(8002)], every: 1 }, async () => {
        const second = await runService(engine, {
          name: 'owner',
          publish: ['8001:80', '8002:81'],
          tcp: [80, 81],
        });
        await reaching(stage, 'T', [...ways(8001), ...ways(8002)]);
        await stage.pass();
        await second.restart();
      });
    });
  });
});
