import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runDockwall } from '../dockwall.ts';
import { until } from '../poll.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { Mesh } from './mesh.ts';
import { Stage, usualConfig } from './stage.ts';
import { reaching, watching } from './watch.ts';

// Swarm's ports, in the mesh and in host mode; how far that goes in the lab is told in mesh.ts.

const config = `${usualConfig}
services:
  opened: {allow: [web]}
  shared: {public: [8004]}
`;

describe.skipIf(skipWithoutLab()).each(engines('legacy'))('swarm, Docker $title', (setup) => {
  let stage: Stage;
  let mesh: Mesh;

  beforeAll(async () => {
    // Docker has no swarm with live-restore
    stage = await Stage.open(setup, { liveRestore: false });
    mesh = await Mesh.open(stage);
  });
  afterAll(async () => {
    await mesh.close();
    await stage.close();
  });

  it('control: without walls the mesh and its listener are open to everybody', async () => {
    await mesh.create('opened', ['8001:80']);
    await mesh.plumb('opened', 'tcp', 8001, 80);
    await reaching(stage, 'X', mesh.doors(8001));
    expect(await stage.client('X').http(`http://${stage.host.v4}:8001/`)).toMatchObject({ body: 'opened\n' });
    expect(await mesh.arrived(8001)).toBeGreaterThan(0);
  });

  it('S12: ports of the mesh are closed unless a services: entry opens them; ports in host mode are the tasks own', async () => {
    await stage.guard({ config });
    const names = [...mesh.doors(5302, 'udp'), ...mesh.doors(5302, 'udp-flow')];
    const shut = [...mesh.doors(8002), ...names, ...mesh.doors(8003)];
    await watching({ stage, closed: [...mesh.doors(8001), ...shut], every: 1 }, async (watch) => {
      await watching({ stage, who: ['G'], closed: shut, every: 2 }, async () => {
        await watch.keepReaching('G', mesh.doors(8001));
        await mesh.create('closed', ['8002:80', '5302:53/udp'], { udp: true });
        await mesh.plumb('closed', 'tcp', 8002, 80);
        await mesh.plumb('closed', 'udp', 5302, 53);
        await mesh.create('hostly', ['mode=host,published=8003,target=80']);
        await mesh.create('shared', ['mode=host,published=8004,target=80', '8005:80']);
        const hostMode = stage.both(8004).slice(0, setup.userlandProxy ? 2 : 1);
        await watch.keepReaching('X', hostMode);
        // this node is a manager, which knows what `deploy: {labels: ...}` says
        const label = 'dockwall.public=8007';
        await mesh.create('labelled', ['mode=host,published=8007,target=80'], { label });
        await watch.keepReaching('X', stage.both(8007).slice(0, hostMode.length));
        expect(await Promise.all([8002, 5302].map(async (port) => mesh.arrived(port)))).toEqual([0, 0]);
        // the trusted come through: what was closed above was there to be reached
        await reaching(stage, 'T', [
          ...mesh.doors(8002),
          ...names,
          ...stage.both(8003).slice(0, hostMode.length),
        ]);
        expect(await mesh.arrived(8002)).toBeGreaterThan(0);
      });
    });
    const status = await runDockwall(stage.lab, ['check']);
    expect(status).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('labels: ok') as string });
  });

  it('S10: ports that services are given and lose', async () => {
    const update = ['service', 'update', '--detach', '--no-resolve-image'];
    await stage.lab.engine.docker(...update, '--publish-add', '8006:80', 'opened');
    await until({ what: 'port 8006 to be published', ms: 10_000 }, async () =>
      (await published()).includes(8006),
    );
    await stage.lab.engine.docker('service', 'rm', 'opened', 'closed');
    // the network of the mesh knows them until their tasks have ended
    await until({ what: 'ports to be given back', ms: 20_000 }, async () => {
      const ports = await published();
      return ![8001, 8002, 8006].some((port) => ports.includes(port));
    });
    expect(await published()).toContain(8005);
  });

  async function published(): Promise<readonly number[]> {
    const members = await stage.print('ipset', 'save', 'dockwall6-published');
    return [...members.matchAll(/tcp:(\d+)$/gm)].map(([, port]) => Number(port));
  }
});
