import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runService } from '../containers.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { Stage } from './stage.ts';
import { watching } from './watch.ts';

// Containers and engines that come and go: S7, S8, S10, and the front that Docker 28 pushes down.

describe.skipIf(skipWithoutLab()).each(engines('nft'))('what comes and goes, Docker $title', (setup) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    await stage.guard();
  });
  afterEach(async () => stage.clear());
  afterAll(async () => stage.close());

  const allowed = { name: 'allowed', publish: ['8001:80'], labels: { 'dockwall.allow': 'web' } };
  const closed = { name: 'closed', publish: ['8002:80'] };

  it('S7: the container stops and starts while dockwall is dead, in both orders', async () => {
    const { engine } = stage.lab;
    await watching({ stage, closed: [...stage.both(8001), ...stage.both(8002)], every: 1 }, async (watch) => {
      const services = [await runService(engine, allowed), await runService(engine, closed)];
      const first = await watch.keepServed('G', 8001);
      await first.end();
      await stage.dockwall.kill();
      for (const service of services) await service.stop();
      for (const service of services) await service.start();
      // the walls stand, and the container may have another address now
      const second = await watch.keepServed('G', 8001);
      await stage.guard();
      await second.end();

      for (const service of services) await service.stop();
      await stage.pass();
      await stage.dockwall.kill();
      for (const service of services.toReversed()) await service.start();
      const third = await watch.keepServed('G', 8001);
      await stage.guard();
      await third.end();
    });
    await stage.expectClosed('G', 8002);
    await stage.expectOpen('T', 8001, 8002);
  });

  it('S10: a new container without labels: a fixed port, a bridge of another name', async () => {
    const { engine } = stage.lab;
    const fixed = [...stage.both(8001), ...stage.both(8002)];
    await watching({ stage, closed: fixed, every: 1 }, async (watch) => {
      await runService(engine, { name: 'fixed', publish: ['8001:80'] });
      await engine.docker('network', 'create', '-o', 'com.docker.network.bridge.name=backyard0', 'named');
      await runService(engine, { name: 'named', publish: ['8002:80'], network: 'named' });
      await watch.keepServed('T', 8001, 8002);
    });
  });

  it('keeps the front at the top of DOCKER; when Docker pushes it down nobody gets in', async () => {
    const { engine } = stage.lab;
    await watching({ stage, closed: [...stage.both(8001), ...stage.both(8002)] }, async (watch) => {
      await runService(engine, closed);
      await runService(engine, allowed);
      await stage.pass();
      expect(await front()).toMatch(/^-A DOCKER .*-j DOCKWALL-SERVICES$/);
      expect(await services()).toEqual([
        expect.stringMatching(/physdev .*between containers of one network" -j RETURN$/),
        expect.stringMatching(/ctstate ESTABLISHED .*established" -j ACCEPT$/),
        expect.stringMatching(/-p icmp .*ctstate RELATED .* -j ACCEPT$/),
        expect.stringMatching(
          /-p tcp .*--dport 80 .*--ctorigdstport 8001 .*"dockwall:\w+ allowed 8001->80\/tcp allow web" -j ACCEPT$/,
        ),
        expect.stringMatching(/! --match-set dockwall4-trusted src .* -j DROP$/),
      ]);
      await watch.keepServed('G', 8001);
      await watch.keepServed('T', 8002);
      // dockwall stands still, so that what Docker does can be looked at
      stage.dockwall.signal('SIGSTOP');
      await runService(engine, { name: 'third', publish: ['127.0.0.1:8003:80'] });
      const pushed = !(await front()).includes('DOCKWALL');
      stage.dockwall.signal('SIGCONT');
      expect(pushed).toBe(setup.version === '28');
      await stage.pass();
      expect(await front()).toMatch(/^-A DOCKER .*-j DOCKWALL-SERVICES$/);
    });
  });

  it.each(['TERM', 'KILL'] as const)('S8: the engine ends with %s and starts again', async (how) => {
    const { engine } = stage.lab;
    const flags = ['--restart=always'];
    const shut = [...stage.both(8001), ...stage.both(8002)];
    await watching({ stage, closed: shut, every: 1 }, async (watch) => {
      await runService(engine, { ...allowed, flags });
      await runService(engine, { ...closed, flags });
      await runService(engine, {
        name: 'public',
        publish: ['8003:80'],
        labels: { 'dockwall.public': '8003' },
        flags,
      });
      const before = await watch.keepServed('X', 8003);
      await before.end();
      await (how === 'TERM' ? engine.stop() : engine.kill());
      await engine.start();
      await watch.keepServed('X', 8003);
      await watch.keepServed('G', 8001);
      await watch.keepServed('T', 8001, 8002);
      await stage.pass();
    });
    expect(await front()).toMatch(/^-A DOCKER .*-j DOCKWALL-SERVICES$/);
  });

  /** The first rule of DOCKER. */
  async function front(): Promise<string> {
    return (
      (await stage.print('iptables', '-S', 'DOCKER')).split('\n').find((line) => line.startsWith('-A')) ?? ''
    );
  }

  /** The recipe, without the lines that let Docker's own bridges alone. */
  async function services(): Promise<readonly string[]> {
    const lines = (await stage.print('iptables', '-S', 'DOCKWALL-SERVICES')).split('\n');
    return lines.filter((line) => line.startsWith('-A') && !/ -i \S+ .*-j RETURN$/.test(line));
  }
});
