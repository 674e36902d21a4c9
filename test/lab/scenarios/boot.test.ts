import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ServiceSpec, runService } from '../containers.ts';
import { runDockwall } from '../dockwall.ts';
import { dockwallImage, dockwallImageTar, loadImages } from '../image.ts';
import { until } from '../poll.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { play, powerOff } from './power-off.ts';
import { record } from './record.ts';
import { readRuleText } from './rule-text.ts';
import { Stage } from './stage.ts';
import { watching } from './watch.ts';

// A boot of the host: nothing is there, and then the engine starts every container at once, the sidecar being one of them.

const always = ['--restart=always'];

const services: readonly ServiceSpec[] = [
  { name: 'public', publish: ['8001:80'], labels: { 'dockwall.public': '*' } },
  { name: 'closed', publish: ['8002:80'] },
  { name: 'allowed', publish: ['8003:80'], labels: { 'dockwall.allow': '203.0.113.20,2001:db8:b::20' } },
  { name: 'named', publish: ['8004:80'], network: 'named' },
  { name: 'names', publish: ['5300:53/udp'], udp: [53] },
];

describe.skipIf(skipWithoutLab()).each(engines('legacy'))('a boot of the host, Docker $title', (setup) => {
  let stage: Stage;
  let unit: string;

  beforeAll(async () => {
    const [tar] = await Promise.all([
      dockwallImageTar(),
      // after a boot no container runs, live-restore or not
      Stage.open(setup, { liveRestore: false }).then((opened) => (stage = opened)),
    ]);
    await loadImages(stage.lab, tar);
    await stage.client('host').serve({ tcp: [22] });
    await stage.lab.engine.docker('network', 'create', '-o', 'com.docker.network.bridge.name=yard0', 'named');
    for (const spec of services) await runService(stage.lab.engine, { ...spec, flags: always });
    await runSidecar();
  });
  afterAll(async () => stage.close());

  const closed = () => [
    ...[8002, 8003, 8004].flatMap((port) => stage.both(port)),
    ...stage.both(5300, 'udp'),
  ];

  it('boot: the unit is harmless while the gate stands', async () => {
    unit = await sidecar('boot-unit');
    expect(unit).toMatch(/^# {3}22\/tcp$/m);
    await play(stage, unit, 'ExecStart');
    expect(await readRuleText(stage.lab)).not.toContain('DOCKWALL-BOOT');
    await stage.expectOpen('X', 8001);
  });

  it('boot: started twice it stands once; ExecStop and down take it away', async () => {
    await powerOff(stage);
    await play(stage, unit, 'ExecStart');
    const once = await readRuleText(stage.lab);
    expect(once.match(/-A (INPUT|FORWARD) .*-j DOCKWALL-BOOT-/g)).toHaveLength(4);
    await play(stage, unit, 'ExecStart');
    expect(await readRuleText(stage.lab)).toBe(once);
    await play(stage, unit, 'ExecStop');
    expect(await readRuleText(stage.lab)).not.toMatch(/dockwall/i);
    await play(stage, unit, 'ExecStop');
    await play(stage, unit, 'ExecStart');
    expect(await runDockwall(stage.lab, ['down'])).toMatchObject({ exitCode: 0 });
    expect(await readRuleText(stage.lab)).not.toMatch(/dockwall/i);
  });

  it('boot: with the unit nobody gets in, and the services of the host are reachable throughout', async () => {
    await play(stage, unit, 'ExecStart');
    await watching({ stage, closed: closed() }, async (watch) => {
      await watch.keepServed('X', 22);
      await stage.lab.engine.start();
      await stage.waitOpen('X', 8001, 60_000);
      await watch.keepServed('X', 8001);
      await watch.keepServed('G', 8003);
      await watch.keepServed('T', 8002, 8004);
      await until({ what: 'the boot wall to be gone', ms: 10_000 }, async () => {
        return !(await readRuleText(stage.lab)).includes('DOCKWALL-BOOT');
      });
    });
  });

  it('boot: if the sidecar never comes, the services of the host are reachable and no container is', async () => {
    await stage.lab.engine.docker('update', '--restart=no', 'dockwall');
    await powerOff(stage);
    await play(stage, unit, 'ExecStart');
    await watching({ stage, closed: [...closed(), ...stage.both(8001)] }, async (watch) => {
      await watch.keepServed('X', 22);
      await stage.lab.engine.start();
      await serving();
    });
    for (const who of ['X', 'T', 'G']) await stage.expectClosed(who, 8001, 8002);
    await play(stage, unit, 'ExecStop');
    await stage.expectOpen('X', 8002);
    await stage.lab.engine.docker('update', '--restart=always', 'dockwall');
  });

  it('control: without the unit they get in, until the sidecar is up', async () => {
    await powerOff(stage);
    const prober = await stage.client('X').probe(closed(), { every: 2 });
    await stage.lab.engine.start();
    await until({ what: 'the sidecar to be up', ms: 60_000, every: 100 }, async () => {
      return (await readRuleText(stage.lab)).includes('-j DOCKWALL-SERVICES');
    });
    await serving();
    await stage.waitOpen('X', 8001);
    const opened = (await prober.stop()).targets.flatMap((target) => target.opened);
    const open = opened.length === 0 ? 0 : Math.max(...opened) - Math.min(...opened);
    record(stage, 'open at boot', open);
    console.info(
      `Docker ${setup.title}: a boot without the unit was open for ${Math.round(open)} ms, ${opened.length} got in`,
    );
    await stage.expectClosed('X', 8002, 8003, 8004);
  });

  it('boot: down leaves no trace', async () => {
    await stage.lab.engine.docker('rm', '--force', 'dockwall');
    expect(await runDockwall(stage.lab, ['down'])).toMatchObject({ exitCode: 0 });
    expect(await readRuleText(stage.lab)).not.toMatch(/dockwall/i);
    await stage.flushed();
  });

  /** The image of the Dockerfile, as compose.example.yml runs it. */
  async function runSidecar(): Promise<void> {
    await stage.print('touch', '/run/xtables.lock');
    const mounts = ['/var/run/docker.sock:/var/run/docker.sock:ro', '/run/xtables.lock:/run/xtables.lock'];
    const volumes = mounts.flatMap((mount) => ['--volume', mount]);
    const flags = ['--detach', '--name', 'dockwall', '--restart=always', '--privileged', '--network=host'];
    const trusted = ['--env', 'DOCKWALL_TRUSTED=198.51.100.10,2001:db8:a::10'];
    await stage.lab.engine.docker('run', ...flags, ...volumes, ...trusted, dockwallImage);
    await until({ what: 'the sidecar to be well', ms: 30_000, every: 100 }, async () => {
      const health = ['docker', 'exec', 'dockwall', 'dockwall', 'health'];
      return (await stage.lab.engine.exec(health, { allowFailure: true })).exitCode === 0;
    });
  }

  async function sidecar(...args: readonly string[]): Promise<string> {
    return stage.lab.engine.docker('exec', 'dockwall', 'dockwall', ...args);
  }

  /** Waits until every container serves, seen from within. */
  async function serving(): Promise<void> {
    for (const port of [8001, 8002, 8003, 8004]) await stage.waitOpen('host', port, 30_000);
  }
});
