import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runService } from '../containers.ts';
import { runDockwall } from '../dockwall.ts';
import type { EngineOptions, IptablesBackend } from '../engine-options.ts';
import { skipWithoutLab } from '../requirements.ts';
import { SocketProxy } from '../socket-proxy.ts';
import { engines, everyPair } from './matrix.ts';
import { Stage, usualConfig } from './stage.ts';
import { watching } from './watch.ts';

// Engines that are set up in an unusual way, or are none of ours, and hosts with two rule sets: S16.

interface Walls {
  readonly walls: readonly {
    readonly family: number;
    readonly gate: { readonly backend: string; readonly inPlace: boolean };
    readonly front?: { readonly backend: string; readonly inPlace: boolean };
  }[];
  readonly upToDate: boolean;
}

async function walls(stage: Stage): Promise<Walls> {
  return JSON.parse((await runDockwall(stage.lab, ['status', '--json'])).stdout) as Walls;
}

const restart = ['--restart=always'];
const allowed = {
  name: 'allowed',
  publish: ['8001:80'],
  labels: { 'dockwall.allow': 'web' },
  flags: restart,
};
const closed = { name: 'closed', publish: ['8002:80'], flags: restart };

describe.skipIf(skipWithoutLab()).each(engines('nft'))(
  'two rule sets in one kernel, Docker $title',
  (setup) => {
    const other: IptablesBackend = setup.backend === 'nft' ? 'legacy' : 'nft';
    let stage: Stage;

    beforeAll(async () => {
      stage = await Stage.open(setup);
      stage.rearranged();
    });
    afterEach(async () => stage.clear());
    afterAll(async () => stage.close());

    /** What the host's own firewall holds in the backend that Docker does not use, and in nft itself. */
    async function own(): Promise<string> {
      const said = [
        await stage.print(`iptables-${other}-save`),
        await stage.print(`ip6tables-${other}-save`),
        await stage.print('nft', 'list', 'table', 'inet', 'hostfw'),
      ];
      return said.join('\n').replaceAll(/^#.*$|\[\d+:\d+\]/gm, '');
    }

    it(`S16: the host filters with ${other}; its drops count and ours do, and neither is touched`, async () => {
      const drop = (port: number): string => `-m conntrack --ctorigdstport ${port} -j DROP`;
      await stage.print(`iptables-${other}`, '-A', 'FORWARD', ...`-p tcp ${drop(8003)}`.split(' '));
      await stage.print(`iptables-${other}`, '-A', 'INPUT', ...'-p tcp --dport 9 -j ACCEPT'.split(' '));
      await stage.print(`ip6tables-${other}`, '-A', 'INPUT', ...'-p tcp --dport 8003 -j DROP'.split(' '));
      const chain =
        '{ type filter hook forward priority 10; policy accept; meta l4proto tcp ct original proto-dst 8004 drop; }';
      await stage.print('nft', `add table inet hostfw; add chain inet hostfw forward ${chain}`);
      const before = await own();
      await stage.guard();
      const all = [8001, 8002, 8003, 8004].flatMap((port) => stage.both(port));
      await watching({ stage, closed: all }, async (watch) => {
        const labels = { 'dockwall.allow': 'web' };
        const { engine } = stage.lab;
        await runService(engine, allowed);
        await runService(engine, closed);
        await runService(engine, { name: 'blocked-here', publish: ['8003:80'], labels });
        await runService(engine, { name: 'blocked-there', publish: ['8004:80'], labels });
        await watch.keepServed('G', 8001);
        await watch.keepServed('T', 8001, 8002);
        await stage.pass();
        for (const who of ['G', 'T'])
          for (const port of [8003, 8004])
            expect([who, port, await stage.client(who).connect(stage.host.v4, port)]).toEqual([
              who,
              port,
              'timeout',
            ]);
      });
      const status = await walls(stage);
      expect(status.upToDate).toBe(true);
      for (const { gate } of status.walls)
        expect(gate).toMatchObject({ backend: setup.backend, inPlace: true });
      expect(status.walls[0]?.front).toMatchObject({ backend: setup.backend, inPlace: true });
      expect(await own()).toBe(before);
    });

    it(`S16: the engine comes back with ${other}: the front moves there, and nothing opens`, async () => {
      const { engine } = stage.lab;
      if (!stage.guarded) await stage.guard();
      await watching(
        { stage, closed: [...stage.both(8001), ...stage.both(8002)], every: 1 },
        async (watch) => {
          await runService(engine, allowed);
          await runService(engine, closed);
          const before = await watch.keepServed('G', 8001);
          await before.end();
          await engine.stop();
          await withoutDocker();
          await use(other);
          await engine.start();
          await watch.keepServed('G', 8001);
          await watch.keepServed('T', 8001, 8002);
          await stage.pass();
        },
      );
      const status = await walls(stage);
      expect(status.upToDate).toBe(true);
      expect(status.walls[0]?.front).toMatchObject({ backend: other, inPlace: true });
      for (const { gate } of status.walls) expect(gate.inPlace).toBe(true);
      expect(await stage.print(`iptables-${setup.backend}-save`, '-t', 'filter')).not.toContain('DOCKWALL-');
      await engine.stop();
      await use(setup.backend);
      await engine.start();
    });

    /**
     * Takes away what Docker has left in its old backend, as whoever makes such a change has to (or starts the host anew):
     * without dockwall, too, its drops would go on counting.
     */
    async function withoutDocker(): Promise<void> {
      const kept = `perl -ne 's/^(:FORWARD) DROP/$1 ACCEPT/; print if !/docker/i || /foreign/ || /^:DOCKER-USER/'`;
      for (const name of ['iptables', 'ip6tables'])
        for (const table of ['nat', 'filter']) {
          const program = `${name}-${setup.backend}`;
          await stage.print('sh', '-c', `${program}-save -t ${table} | ${kept} | ${program}-restore`);
        }
    }

    async function use(backend: IptablesBackend): Promise<void> {
      for (const name of ['iptables', 'ip6tables'])
        await stage.print('update-alternatives', '--quiet', '--set', name, `/usr/sbin/${name}-${backend}`);
    }
  },
);

/** The oldest and the newest, with docker-proxy, which is all that publishes anything then. */
const withoutRules: readonly Partial<EngineOptions>[] = [
  { version: '20', backend: 'legacy' },
  { version: '28', backend: 'nft' },
];

describe.skipIf(skipWithoutLab()).each(withoutRules)('"iptables": false, Docker $version', (options) => {
  let stage: Stage;

  beforeAll(async () => {
    const setup = everyPair.find(
      ({ version, userlandProxy }) => version === options.version && userlandProxy,
    );
    if (setup === undefined) throw new Error(`no setup of Docker ${options.version}`);
    stage = await Stage.open(setup, { flags: ['--iptables=false'], ip6tables: false });
  });
  afterAll(async () => stage.close());

  it('S16: the gate alone lets in who is allowed and nobody else, and says that it is alone', async () => {
    const { engine } = stage.lab;
    const daemon = await stage.guard();
    const ports = [8001, 8002];
    const shut = ports.flatMap((port) => [
      ...stage.both(port),
      ...stage.both(port, 'udp'),
      ...stage.both(port, 'udp-flow'),
    ]);
    await watching({ stage, closed: shut, every: 1 }, async (watch) => {
      const both = (port: number): readonly string[] => [`${port}:80/tcp`, `${port}:80/udp`];
      const serve = { tcp: [80], udp: [80], flags: restart };
      await runService(engine, { ...serve, name: 'allowed', publish: both(8001), labels: allowed.labels });
      await runService(engine, { ...serve, name: 'closed', publish: both(8002) });
      const before = [await watch.keepServed('G', 8001), await watch.keepServed('T', ...ports)];
      for (const { ip } of stage.both(8001, 'udp'))
        expect(await stage.client('G').udp(ip, 8001)).toMatchObject({ verdict: 'open' });
      await stage.expectClosed('G', 8002);
      for (const served of before) await served.end();
      await engine.restart();
      await watch.keepServed('G', 8001);
      await watch.keepServed('T', ...ports);
      await stage.pass();
    });
    const alone = daemon.lines.filter(({ msg }) =>
      /no DOCKER chain .*"iptables": false.*: the gate stands alone/.test(String(msg)),
    );
    expect(alone).toHaveLength(1);
    const status = await runDockwall(stage.lab, ['status']);
    expect(status.stdout).toMatch(
      /^IPv4: gate in place \(\w+\), lock in place, no DOCKER chain: the gate stands alone$/m,
    );
    expect(status.stdout).toMatch(/^note: .*no DOCKER chain/m);
  });
});

describe.skipIf(skipWithoutLab())(
  'engines that cannot be installed here, by what they say of themselves',
  () => {
    let stage: Stage;

    beforeAll(async () => {
      const [, newest] = everyPair;
      if (newest === undefined) throw new Error('no setups');
      // no DOCKER chain, as the nftables backend leaves it
      stage = await Stage.open(newest, { flags: ['--iptables=false'], ip6tables: false });
    });
    afterEach(async () => {
      if (stage.guarded) await stage.dockwall.kill();
      await stage.clear();
    });
    afterAll(async () => stage.close());

    /** A dockwall that asks an engine which says of itself what `change` makes of it. */
    async function pretending<T>(
      change: object,
      work: (env: Record<string, string>) => Promise<T>,
    ): Promise<T> {
      const proxy = await SocketProxy.start(stage.lab, { info: (answer) => ({ ...answer, ...change }) });
      try {
        return await work({ DOCKER_HOST: SocketProxy.dockerHost });
      } finally {
        await proxy.close();
      }
    }

    it('S16: the nftables backend: the gate stands alone, and status and log say why', async () => {
      await pretending({ FirewallBackend: { Driver: 'nftables' } }, async (env) => {
        await watching({ stage, closed: stage.both(8001), every: 1 }, async (watch) => {
          const daemon = await stage.guard({ env });
          await runService(stage.lab.engine, allowed);
          await watch.keepServed('G', 8001);
          const text = "Docker's nftables backend keeps no DOCKER chain: the gate stands alone";
          expect(daemon.lines.filter(({ msg }) => msg === text)).toHaveLength(1);
          const status = await runDockwall(stage.lab, ['status'], { env });
          expect(status.stdout).toContain(`note: ${text}`);
          expect(status.stdout).toContain(
            "no DOCKER chain (Docker's nftables backend): the gate stands alone",
          );
          expect(status.stdout).toMatch(/^Docker 28\.5\S+: API \S+, nftables; policy [0-9a-f]{12}$/m);
          await stage.dockwall.stop();
        });
      });
    });

    it.each([
      [
        'rootless',
        { SecurityOptions: ['name=seccomp,profile=builtin', 'name=rootless'] },
        /engine is rootless/,
      ],
      ['of Windows containers', { OSType: 'windows' }, /runs windows containers/],
    ])('S16: an engine %s: refused with a sentence and exit code 4', async (_, change, sentence) => {
      await pretending(change, async (env) => {
        const ended = await runDockwall(stage.lab, [], { env, config: usualConfig });
        expect([ended.exitCode, ended.stderr]).toEqual([4, expect.stringMatching(sentence)]);
        expect(await runDockwall(stage.lab, ['apply'], { env })).toMatchObject({ exitCode: 4 });
        expect((await runDockwall(stage.lab, ['status'], { env })).stdout).toMatch(sentence);
      });
    });

    it('S16: without network_mode: host: refused with what to add, and exit code 4', async () => {
      const { netns } = stage.client('N');
      const ended = await runDockwall(stage.lab, [], { netns, config: usualConfig });
      expect([ended.exitCode, ended.stderr]).toEqual([
        4,
        expect.stringMatching(
          /not run in the network namespace of this Docker engine.*add "network_mode: host"/,
        ),
      ]);
    });
  },
);
