import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runService, type Service } from '../containers.ts';
import { runDockwall } from '../dockwall.ts';
import { until } from '../poll.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { Stage } from './stage.ts';
import { watching } from './watch.ts';

// Bridges that are Docker's by name only. L is on a LAN behind the host's bridge br0, M behind one that is made while dockwall runs.

const cables = {
  L: {
    name: 'lan1',
    client: ['198.51.100.210', '2001:db8:e::210'],
    own: ['198.51.100.211', '2001:db8:e::211'],
  },
  M: {
    name: 'lan2',
    client: ['198.51.100.220', '2001:db8:f::220'],
    own: ['198.51.100.221', '2001:db8:f::221'],
  },
} as const;

const bridgeName = 'com.docker.network.bridge.name';

describe.skipIf(skipWithoutLab()).each(engines('legacy'))('bridges, Docker $title', (setup) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    for (const [name, { name: device, client, own }] of Object.entries(cables))
      await stage.lab.addCabledClient(
        { name, v4: client[0], v6: client[1] },
        { name: device, v4: own[0], v6: own[1] },
      );
    await makeBridge('br0', 'L');
    await stage.guard();
    await serve('closed', 8001);
    await stage.pass();
  });
  afterEach(async () => {
    const { engine } = stage.lab;
    const others = await engine.docker('ps', '--all', '--quiet', '--filter', 'label=other');
    if (others !== '') await engine.docker('rm', '--force', ...others.split('\n'));
    await engine.docker('network', 'prune', '--force');
    await stage.pass();
  });
  afterAll(async () => stage.close());

  it('S27: a network whose bridge has a pattern for a name', async () => {
    await watching({ stage, who: ['X', 'N', 'L'], closed: stage.both(8001) }, async (watch) => {
      // Docker itself takes the pattern: `-i e+` and `-o docker0 -j DROP` of its isolation shut out everybody while this network exists,
      // but where a `RETURN -i e+` of its nat table leaves the port to docker-proxy
      const served = setup.userlandProxy ? await watch.keepServed('T', 8001) : undefined;
      await network('odd', 'e+');
      await serve('on-odd', 8002, 'odd');
      await stage.pass();
      await served?.end();
    });
    await stage.dockwall.waitForLog(({ msg }) => /^network problem: .*: no rule can name/.test(String(msg)));
    const told = stage.dockwall.lines.filter(({ msg }) => String(msg).startsWith('network problem'));
    expect(told.map(({ value }) => value)).toEqual(['e+']);
  });

  it('S27: a network that names a bridge of the host, with a LAN behind it', async () => {
    await watching({ stage, who: ['X', 'L'], closed: stage.both(8001) }, async (watch) => {
      const served = await watch.keepServed('T', 8001);
      await network('theirs', 'br0');
      await serve('on-theirs', 8003, 'theirs');
      await stage.pass();
      await served.end();
    });
    const { stdout } = await runDockwall(stage.lab, ['check']);
    expect(stdout).toMatch(/theirs \(bridge br0 is shared with lan1\)/);
  });

  it('S27: a bridge called like those of Docker, made while dockwall runs', async () => {
    await watching({ stage, who: ['M'], closed: stage.both(8001) }, async () => {
      await makeBridge('br-lan', 'M');
      await until({ what: 'the gate to let go of what goes to br-lan', ms: 5000 }, async () =>
        (await stage.print('iptables', '-t', 'mangle', '-S', 'DOCKWALL-FORWARD')).includes('-o br-lan '),
      );
    });
  });

  it('S27: containers on a network that nobody knows yet', async () => {
    const { engine } = stage.lab;
    await stage.dockwall.kill();
    await engine.docker('network', 'create', 'fresh');
    const [one, two] = [await serve('one', 8004, 'fresh'), await serve('two', 8005, 'fresh')];
    await watching({ stage, who: ['X', 'N'], closed: stage.both(8001) }, async () => {
      expect(await one.ask({ proto: 'tcp', ip: await two.v4(), port: 80 })).toBe('open');
      expect(await two.ask({ proto: 'tcp', ip: await one.v4(), port: 80 })).toBe('open');
    });
    await stage.guard();
  });

  async function serve(name: string, port: number, on?: string): Promise<Service> {
    const labels = on === undefined ? {} : { other: '' };
    return runService(stage.lab.engine, {
      name,
      publish: [`${port}:80`],
      labels,
      tcp: [80],
      ...(on === undefined ? {} : { network: on }),
    });
  }

  async function network(name: string, bridge: string): Promise<void> {
    await stage.lab.engine.docker('network', 'create', '-o', `${bridgeName}=${bridge}`, name);
  }

  /** A bridge of the host, with the cable of a client behind it. */
  async function makeBridge(bridge: string, who: keyof typeof cables): Promise<void> {
    const { name, client, own } = cables[who];
    const [v4, v6] = own;
    const lines = [
      `link add ${bridge} type bridge`,
      `addr flush dev ${name}`,
      `link set ${name} master ${bridge}`,
      `link set ${bridge} addrgenmode none up`,
      `addr add ${v4}/32 dev ${bridge}`,
      `addr add ${v6}/128 dev ${bridge} nodad`,
      `addr add fe80::1/64 dev ${bridge} nodad`,
      `route replace ${client[0]}/32 dev ${bridge} src ${stage.host.v4}`,
      `route replace ${client[1]}/128 dev ${bridge} src ${stage.host.v6}`,
    ];
    await stage.host.exec(['ip', '-batch', '-'], { input: `${lines.join('\n')}\n` });
  }
});
