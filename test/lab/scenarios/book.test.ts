import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Target } from '../agent/protocol.ts';
import type { ServerHandle } from '../client.ts';
import { runService } from '../containers.ts';
import { runDockwall } from '../dockwall.ts';
import { testImage } from '../engine.ts';
import { until } from '../poll.ts';
import { longestGap } from '../prober.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { recordProbes } from './record.ts';
import { Stage, usualConfig } from './stage.ts';
import { reaching, watching } from './watch.ts';

// S29: who has a port. Nobody takes one from who holds it by asking for it: not from the host, and not from a container that runs.

/** Checks for what others have changed come so seldom that only the guard's own looks can see it in time. */
const config = `${usualConfig}driftCheck: 60s\n`;

/** A session that hears nothing for this long was cut, ms: the machine may stand still for half a second. */
const longestSilence = 1500;

describe.skipIf(skipWithoutLab()).each(engines('legacy'))('who has a port, Docker $title', (setup) => {
  let stage: Stage;
  let own: ServerHandle;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    await stage.guard({ config });
    own = await stage.client('host').serve({ tcp: [22], udp: [51_820] });
    await reaching(stage, 'X', hosts());
  });
  afterEach(async () => stage.clear());
  afterAll(async () => stage.close());

  /** The host's SSH and its WireGuard. */
  const hosts = (): readonly Target[] => [...stage.both(22), ...stage.both(51_820, 'udp')];

  const create = async (...flags: readonly string[]): Promise<string> =>
    stage.lab.engine.docker('create', ...flags, testImage, '--tcp', '80');

  /** The forbidden client has a session to each of these, and makes new ones all the while; none is disturbed. */
  const undisturbed = async (targets: readonly Target[], scenario: () => Promise<unknown>): Promise<void> => {
    const x = stage.client('X');
    const streams = await Promise.all(targets.map(async (target) => x.stream(target)));
    for (const stream of streams) await stream.waitFlowing();
    const prober = await x.probe(targets, { every: 5 });
    const silent: string[] = [];
    const end = new AbortController();
    const watch = (async (): Promise<void> => {
      while (!end.signal.aborted) {
        for (const [index, stream] of streams.entries()) {
          const { silentFor, closed } = await stream.look();
          const target = targets[index];
          if (closed || silentFor > longestSilence)
            silent.push(`${target?.proto} ${target?.ip} ${target?.port}`);
        }
        await sleep(50);
      }
    })();
    await scenario().finally(() => end.abort());
    await watch;
    const report = await prober.stop();
    for (const stream of streams) await stream.close();
    // these are allowed: what the table has of them is their outage
    recordProbes(stage, [], Math.max(...report.targets.map((one) => longestGap(one, report.duration))));
    // each single attempt: whoever is shut out for a moment has lost some
    for (const { opened, attempts, target } of report.targets)
      expect([target, opened.length]).toEqual([target, attempts]);
    expect([...new Set(silent)]).toEqual([]);
  };

  it('S29: what the host holds is nobody’s for the asking, also when dockwall starts again', async () => {
    await undisturbed(hosts(), async () => {
      await create('--name=ssh', '--publish=22:80');
      await stage.pass();
      await create('--publish=51820:80/udp', '--label=dockwall.deny=203.0.113.0/24');
      await create('--publish=0.0.0.0:22:80');
      await create(`--publish=${stage.host.v4}:22:80`);
      await create('--publish=127.0.0.1:22:80');
      await create('--publish=20-23:80');
      await stage.pass();
      await stage.dockwall.kill();
      await stage.guard({ config });
      await stage.pass();
      const { stdout } = await runDockwall(stage.lab, ['plan']);
      expect(stdout).toMatch(/^Nothing to do/);
    });
    expect(stage.dockwall.text).not.toContain('"cut":');
  });

  it('S29: a container that never ran, or declares and does not listen, takes nothing from one that runs', async () => {
    const served = (): readonly Target[] => [...stage.served(8090), ...stage.both(22)];
    await runService(stage.lab.engine, {
      name: 'web',
      publish: ['8090:80'],
      labels: { 'dockwall.public': '*' },
    });
    await reaching(stage, 'X', served());
    await undisturbed(served(), async () => {
      await create('--publish=8090:80', '--label=dockwall.deny=203.0.113.0/24');
      await stage.pass();
      for (const label of ['dockwall.public=*', 'dockwall.deny=203.0.113.0/24', 'dockwall.allow=web']) {
        const declares = ['--label=dockwall.ports=8090/tcp,22/tcp', `--label=${label}`];
        await stage.lab.engine.docker('run', '--detach', '--network=host', ...declares, testImage);
        await stage.pass();
      }
      await stage.dockwall.kill();
      await stage.guard({ config });
      await stage.pass();
    });
  });

  it('S29: what one declared in advance is not open for the next one who has the port', async () => {
    const { engine } = stage.lab;
    await watching({ stage, closed: stage.both(9000), every: 1 }, async () => {
      const ways = ['--network=host', '--label=dockwall.ports=9000/tcp', '--label=dockwall.public=*'];
      await engine.docker('run', '--detach', '--name=early', ...ways, testImage);
      await stage.pass();
      for (let round = 0; round < 3; round++) {
        const next = await runService(engine, { name: 'next', publish: ['9000:80'] });
        await next.remove();
        await stage.pass();
      }
    });
  });

  it('S29: the guard is back at its next look when somebody has emptied its sets', async () => {
    const all = '$(ipset list -n | grep "^dockwall[46]-")';
    for (const sets of ['dockwall6-guard', 'dockwall6-guard dockwall4-guard dockwall4-listening', all]) {
      const from = performance.now();
      await stage.host.exec(['sh', '-c', `for set in ${sets}; do ipset flush $set; done`]);
      await until({ what: 'the guard to stand', ms: 5000 }, async () =>
        /^[:0-9a-f]+\/1 timeout/m.test(await stage.print('ipset', 'list', 'dockwall6-guard')),
      );
      const took = Math.round(performance.now() - from);
      console.info(`Docker ${setup.title}: the guard stood again after ${took} ms`);
      expect(took).toBeLessThan(1500);
    }
    // the rest of them is the pass's
    await stage.pass();
    await reaching(stage, 'X', hosts());
  });

  it('S29: once the host has let go of a port, it is the container’s that asked for it', async () => {
    await create('--name=ssh', '--publish=22:80');
    await stage.pass();
    await own.close();
    await until({ what: 'the guard to close the port', ms: 5000 }, async () =>
      (await stage.connect('X', 22)).every((verdict) => verdict === 'timeout'),
    );
    await watching({ stage, closed: stage.both(22), every: 1 }, async (watch) => {
      await stage.lab.engine.docker('start', 'ssh');
      // until it is stopped: how long an engine takes for that is its own affair
      await (await watch.keepServed('T', 22)).end();
      await stage.lab.engine.docker('stop', 'ssh');
      await stage.lab.engine.docker('start', 'ssh');
    });
  });
});
