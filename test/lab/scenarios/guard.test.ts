import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Target } from '../agent/protocol.ts';
import { inCampaign } from '../campaign/record.ts';
import { runService, type Service } from '../containers.ts';
import { runDockwall } from '../dockwall.ts';
import { until } from '../poll.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { Stage } from './stage.ts';
import { reaching, watching } from './watch.ts';

// The guard: ports that nobody knows before the container runs, and the host's own services beside them.

/** What Docker chooses first, one after the other, so that it can be watched before Docker does. */
const choices = Array.from({ length: 20 }, (_, index) => 32_768 + index);

/** At least so long the guard stands when dockwall does not (docs/how-it-works.md), ms. */
const promised = 60_000;

describe.skipIf(skipWithoutLab()).each(engines('legacy'))('the guard, Docker $title', (setup) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    await stage.guard();
  });
  afterEach(async () => stage.clear());
  afterAll(async () => stage.close());

  /** A port that Docker chose and that was watched before. */
  const watchedPort = async (service: Service): Promise<number> => {
    const port = await service.hostPort('80/tcp');
    expect(choices).toContain(port);
    return port;
  };

  const chosen = (proto: Target['proto'] = 'tcp'): readonly Target[] =>
    choices.flatMap((port) => stage.both(port, proto));

  it('S10: ports that Docker chooses: at run, at the start of a stopped container, at its restart', async () => {
    const { engine } = stage.lab;
    await watching({ stage, closed: [...chosen(), ...chosen('udp')], every: 1 }, async (watch) => {
      const services = [];
      for (const name of ['one', 'two']) {
        const publish = ['80/tcp', '53/udp'];
        services.push(await runService(engine, { name, publish, tcp: [80], udp: [53] }));
      }
      for (const service of services) await service.stop();
      await stage.pass();
      for (const service of services) await service.start();
      for (const service of services) await service.restart();
      for (const service of services) {
        await (await watch.keepServed('T', await watchedPort(service))).end();
      }
    });
  });

  it('S10: ports that Docker chooses, while dockwall stands still and when it comes again', async () => {
    const { engine } = stage.lab;
    await watching({ stage, closed: chosen(), every: 1 }, async () => {
      stage.dockwall.signal('SIGSTOP');
      const unseen = await runService(engine, { name: 'unseen', publish: ['80'] });
      stage.dockwall.signal('SIGCONT');
      await stage.pass();
      const orphan = await runService(engine, { name: 'orphan', publish: ['80'] });
      await stage.dockwall.kill();
      await orphan.restart();
      const unknown = await runService(engine, { name: 'unknown', publish: ['80'] });
      await stage.guard();
      for (const service of [unseen, orphan, unknown]) await watchedPort(service);
    });
  });

  it.runIf(inCampaign)('S10: new ports, while dockwall is stopped for as long as is promised', async () => {
    const { engine } = stage.lab;
    // the worst moment: the next renewal is due
    const left = await until({ what: 'the guard to be renewed soon', ms: 30_000, every: 100 }, async () => {
      const seconds = Math.min(...(await lifetime()));
      return seconds <= 70 && seconds;
    });
    stage.dockwall.signal('SIGSTOP');
    const stopped = performance.now();
    await watching({ stage, closed: [...chosen(), ...stage.both(8004)], every: 2 }, async () => {
      const publish = ['80', '8004:81'];
      await watchedPort(await runService(engine, { name: 'unseen', publish, tcp: [80, 81] }));
      await sleep(promised - (performance.now() - stopped));
    });
    expect(left).toBeGreaterThan(promised / 1000);
    // then it is down, and what was watched was there to be reached (IPv4 is closed by the gate)
    const v6 = stage.served(8004).filter(({ ip }) => ip.includes(':'));
    await reaching(stage, 'X', v6, 30_000);
    await stage.dockwall.kill();
    await stage.guard();
    await stage.expectClosed('X', 8004);
  });

  /** How long the guard still stands, seconds: each half of IPv6. */
  const lifetime = async (): Promise<readonly number[]> => {
    const dump = await stage.print('ipset', 'list', 'dockwall6-guard');
    return [...dump.matchAll(/timeout (\d+)$/gm)].map(([, text]) => Number(text));
  };

  it('S8: an engine that restarts chooses ports again', async () => {
    const { engine } = stage.lab;
    await watching({ stage, closed: chosen(), every: 1 }, async () => {
      const services = [];
      for (const name of ['one', 'two'])
        services.push(await runService(engine, { name, publish: ['80'], flags: ['--restart=always'] }));
      await engine.restart();
      await stage.pass();
      await stage.dockwall.waitHealthy();
      for (const service of services) await watchedPort(service);
    });
  });

  it('a service of the host is reached by everybody: standing, restarted, and new', async () => {
    const port = 7001;
    const host = stage.client('host');
    const serve = async (): Promise<{ close: () => Promise<void> }> =>
      host.serve({ tcp: [port], udp: [port] });
    const first = await serve();
    await stage.waitOpen('X', port);
    const from = performance.now();
    const second = await host.serve({ tcp: [port + 1] });
    await stage.waitOpen('X', port + 1);
    const took = Math.round(performance.now() - from);
    console.info(`Docker ${setup.title}: a new service of the host was reached after ${took} ms`);
    await second.close();

    // While containers come and go, what was there before is reached without a pause.
    const prober = await stage.client('X').probe(stage.both(port), { every: 10 });
    await runService(stage.lab.engine, { name: 'neighbour', publish: ['8001:80'] });
    await stage.lab.engine.docker('rm', '--force', 'neighbour');
    const report = await prober.stop();
    for (const target of report.targets) expect(target.opened.length).toBe(target.attempts);

    await first.close();
    const again = await serve();
    await stage.waitOpen('X', port);
    await again.close();
  });

  it.runIf(inCampaign)(
    'a new UDP service of the host from 32768 up waits for as long as explain says',
    async () => {
      const port = 51_820;
      const [x, host] = [stage.client('X'), stage.client('host')];
      const tunnel = await host.serve({ udp: [port] });
      const told = await runDockwall(stage.lab, ['explain', x.v4, `${port}/udp`]);
      expect(told.stdout).toContain('known after 5 to 20 seconds (UDP from 32768 up)');
      const target = { proto: 'udp', ip: stage.host.v4, port } as const;
      await reaching(stage, 'X', [target], 21_000);
      expect((await runDockwall(stage.lab, ['explain', x.v4, `${port}/udp`])).stdout).not.toContain(
        'known after',
      );
      await tunnel.close();
    },
  );

  it('is lowered by the kernel when dockwall is gone', async () => {
    const seconds = await lifetime();
    expect(seconds.filter((left) => left >= 60 && left <= 90)).toHaveLength(2);
  });
});
