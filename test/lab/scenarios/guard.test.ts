import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Target } from '../agent/protocol.ts';
import { runService, type Service } from '../containers.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { Stage } from './stage.ts';
import { watching } from './watch.ts';

// The guard: ports that nobody knows before the container runs, and the host's own services beside them.

/** What Docker chooses first, one after the other, so that it can be watched before Docker does. */
const choices = Array.from({ length: 20 }, (_, index) => 32_768 + index);

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

  it('is lowered by the kernel when dockwall is gone', async () => {
    const dump = await stage.print('ipset', 'list', 'dockwall6-guard');
    const seconds = [...dump.matchAll(/timeout (\d+)$/gm)].map(([, text]) => Number(text));
    expect(seconds.filter((left) => left >= 60 && left <= 90)).toHaveLength(2);
  });
});
