import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Target } from '../agent/protocol.ts';
import { runService, type Service } from '../containers.ts';
import { runDockwall } from '../dockwall.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { Roll } from './roll.ts';
import { Stage } from './stage.ts';
import { reaching, watching } from './watch.ts';

// Containers that are reached at addresses of their own, or not at all: S5, S6, S12, S23.

const subnets = { v4: '172.31.0.0/24', v6: '2001:db8:d::/64' };
const address = { v4: '172.31.0', v6: '2001:db8:d:' };

describe.skipIf(skipWithoutLab()).each(engines('nft'))('addresses of their own, Docker $title', (setup) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    await stage.guard();
    const { internet } = stage.lab;
    await internet.exec(['ip', 'route', 'add', '172.31.0.0/16', 'via', stage.host.v4]);
    await internet.exec(['ip', 'route', 'add', '2001:db8:d::/48', 'via', stage.host.v6]);
  });
  afterEach(async () => stage.clear());
  afterAll(async () => stage.close());

  /** A container's own addresses: those that end in `last`. */
  const own = (last: number, port: number, families = [4, 6]): readonly Target[] =>
    families.flatMap((family) =>
      (['tcp', 'udp', 'udp-flow'] as const).map((proto) => ({
        proto,
        ip: family === 4 ? `${address.v4}.${last}` : `${address.v6}:${last}`,
        port,
      })),
    );

  const network = (name: string, ...options: readonly string[]) =>
    stage.lab.engine.docker(
      'network',
      'create',
      '--ipv6',
      `--subnet=${subnets.v4}`,
      `--subnet=${subnets.v6}`,
      ...options.flatMap((option) => ['-o', `com.docker.network.bridge.${option}`]),
      name,
    );

  const run = (
    name: string,
    last: number,
    publish: readonly string[],
    labels: Record<string, string> = {},
  ): Promise<Service> =>
    runService(stage.lab.engine, {
      name,
      network: 'own',
      publish: publish.flatMap((port) => [`${port}/tcp`, `${port}/udp`]),
      flags: ['--ip', `${address.v4}.${last}`, '--ip6', `${address.v6}:${last}`],
      labels,
      tcp: [53, 54],
      udp: [53, 54],
    });

  it.runIf(setup.version === '28')('S12: networks that Docker routes to without NAT', async () => {
    const never = [...own(2, 54), ...own(3, 53), ...own(4, 53), ...stage.both(8001)];
    await watching({ stage, closed: [...never, ...own(2, 53)], every: 1 }, async () => {
      await watching({ stage, who: ['G'], closed: never, every: 1 }, async () => {
        await network('own', 'gateway_mode_ipv4=routed', 'gateway_mode_ipv6=routed');
        await run('allowed', 2, ['8001:53'], { 'dockwall.allow.53': 'web,203.0.113.7' });
        await run('closed', 3, ['53']);
        await run('unpublished', 4, [], {});
        await run('public', 5, ['53'], { 'dockwall.public': 'container:53', 'dockwall.deny': 'web' });
        await reaching(stage, 'G', own(2, 53));
        await reaching(stage, 'X', own(5, 53));
        await reaching(stage, 'T', [...own(2, 53), ...own(3, 53)]);
        // Docker itself lets nobody go to what is not published
        await expectShut('T', own(4, 53));
        await expectShut('G', own(5, 53));
      });
    });
  });

  it.runIf(setup.version === '28')(
    'S6: a routed address that goes to a container that opens nothing',
    async () => {
      await network('own', 'gateway_mode_ipv4=routed', 'gateway_mode_ipv6=routed');
      const pages = [`http://${address.v4}.9:53/`, `http://[${address.v6}:9]:53/`];
      const roll = new Roll(stage.client('X'), pages);
      let answers: ReadonlyMap<string, number>;
      const tcp = own(9, 53).filter(({ proto }) => proto === 'tcp');
      try {
        await (await run('heir', 9, ['53'])).stop();
        await run('public', 9, ['53'], { 'dockwall.public': '*' });
        for (let turn = 0; turn < 3; turn++) {
          await reaching(stage, 'X', tcp);
          await stage.lab.engine.exec(['sh', '-ec', 'docker stop -t 0 public; exec docker start heir']);
          await reaching(stage, 'T', tcp);
          await stage.lab.engine.exec(['sh', '-ec', 'docker stop -t 0 heir; exec docker start public']);
        }
      } finally {
        answers = await roll.stop();
      }
      expect(answers.get('public')).toBeGreaterThan(0);
      expect(answers.get('heir')).toBeUndefined();
    },
  );

  it.runIf(setup.version === '28')(
    'S12: a network whose addresses Docker opens to an interface',
    async () => {
      const never = [...own(2, 54), ...own(3, 53), ...own(4, 53)];
      await watching({ stage, closed: [...never, ...own(2, 53)], every: 1 }, async () => {
        await watching({ stage, who: ['G'], closed: never, every: 1 }, async () => {
          await network('own', 'trusted_host_interfaces=ext0');
          await run('allowed', 2, ['8001:53'], { 'dockwall.allow': 'web' });
          await run('closed', 3, ['8002:53']);
          await run('loopback', 4, ['127.0.0.1:8003:53'], { 'dockwall.public': '*' });
          await run('public', 5, ['8004:53'], { 'dockwall.public': '53' });
          await reaching(stage, 'G', [...own(2, 53), ...stage.both(8001)]);
          await reaching(stage, 'X', [...own(5, 53), ...stage.both(8004)]);
          await reaching(stage, 'T', [...own(2, 53), ...own(3, 53)]);
        });
      });
    },
  );

  it.runIf(setup.version === '28')('S23: a network that Docker leaves unprotected', async () => {
    const direct = [...own(2, 53), ...own(2, 54), ...own(3, 53)];
    await watching({ stage, closed: direct, every: 1 }, async () => {
      await network('own', 'gateway_mode_ipv4=nat-unprotected', 'gateway_mode_ipv6=nat-unprotected');
      await run('public', 2, ['8001:53'], { 'dockwall.public': '*' });
      await run('unpublished', 3, []);
      await reaching(stage, 'X', stage.both(8001));
      // what Docker does not protect is open to the trusted, published or not
      await reaching(stage, 'T', direct);
    });
  });

  // Without rules of Docker's own for IPv6, nothing but the gate stands before a container's address.
  it.runIf(setup.version !== '28')(
    'S12: IPv6 without NAT on engines that write no ip6tables rules',
    async () => {
      const direct = [...own(2, 53, [6]), ...own(2, 54, [6]), ...own(3, 53, [6])];
      await watching(
        { stage, closed: [...direct, ...own(2, 53, [4]), ...stage.both(8001)], every: 1 },
        async () => {
          await watching({ stage, who: ['G'], closed: direct, every: 1 }, async () => {
            await network('own');
            await run('allowed', 2, ['8001:53'], { 'dockwall.allow': 'web' });
            await run('unpublished', 3, []);
            await reaching(stage, 'G', stage.both(8001).slice(0, setup.userlandProxy ? 2 : 1));
            await reaching(stage, 'T', direct);
          });
        },
      );
    },
  );

  it('S23: an internal network', async () => {
    const all = [...own(2, 53), ...own(3, 53), ...stage.both(8001)];
    await stage.client('N').exec(['ip', 'route', 'replace', subnets.v4, 'via', stage.host.v4]);
    await watching({ stage, who: ['N', 'X'], closed: all, every: 1 }, async () => {
      await stage.lab.engine.docker(
        'network',
        'create',
        '--internal',
        '--subnet',
        subnets.v4,
        '--ipv6',
        '--subnet',
        subnets.v6,
        'own',
      );
      await run('inner', 2, ['8001:53']);
      const other = await run('other', 3, []);
      expect(await other.ask({ proto: 'tcp', ip: `${address.v4}.2`, port: 53 })).toBe('open');
      await stage.pass();
    });
  });

  it('a macvlan network is reached past every rule of the host, and that is what status and check say', async () => {
    const { engine } = stage.lab;
    const range = ['--subnet', '192.0.2.0/24', '--gateway', '192.0.2.1', '--ip-range', '192.0.2.128/28'];
    await engine.docker('network', 'create', '--driver', 'macvlan', '-o', 'parent=ext0', ...range, 'lan');
    const labels = { 'dockwall.allow': 'web' };
    const tv = await runService(engine, { name: 'tv', network: 'lan', publish: ['8001:80'], labels });
    await stage.pass();
    expect(await stage.client('N').connect(await tv.v4(), 80)).toBe('open');
    expect((await runDockwall(stage.lab, ['check'])).stdout).toContain('NOT PROTECTED: tv (lan (macvlan))');
    expect((await runDockwall(stage.lab, ['status'])).stdout).toMatch(
      /^tv .*NOT PROTECTED +lan \(macvlan\)/m,
    );
  });

  async function expectShut(who: string, targets: readonly Target[]): Promise<void> {
    const tcp = targets.filter(({ proto }) => proto === 'tcp');
    const seen = await Promise.all(tcp.map(async ({ ip, port }) => stage.client(who).connect(ip, port)));
    expect(seen).not.toContain('open');
  }
});
