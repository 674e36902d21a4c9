import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runService } from '../containers.ts';
import { testImage } from '../engine.ts';
import { until } from '../poll.ts';
import { skipWithoutLab } from '../requirements.ts';
import { SocketProxy } from '../socket-proxy.ts';
import { countAnew, countedCalls, countingPath } from './counting.ts';
import { engines } from './matrix.ts';
import { Stage, usualConfig } from './stage.ts';
import { watching } from './watch.ts';

// A busy host: many containers at once, some that crash, and Docker telling more than anybody wants to know: S17.

/** As many passes as may follow each other, and one a second from then on (see daemon.ts); a few for what this file asks for. */
const mostPasses = (seconds: number): number => 20 + seconds + 6;

/** What the daemon may grow by, MiB. A leak of one event of a storm is a hundred. */
const mostGrowth = 60;

/** As in the Dockerfile. */
const nodeOptions = '--max-semi-space-size=2 --max-old-space-size=256';

const burst = 50;
const firstPort = 8200;

const fixed = { name: 'steady', publish: ['8001:80'], labels: { 'dockwall.allow': 'web' } };

describe.skipIf(skipWithoutLab()).each(engines('legacy'))('a busy host, Docker $title', (setup) => {
  let stage: Stage;
  let proxy: SocketProxy;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    proxy = await SocketProxy.start(stage.lab);
    const env = { DOCKER_HOST: SocketProxy.dockerHost, NODE_OPTIONS: nodeOptions };
    await stage.guard({ env: { ...env, PATH: countingPath(stage.lab) } });
  });
  afterEach(async () => stage.clear());
  afterAll(async () => {
    await stage.close();
    await proxy.close();
  });

  /** What something costs dockwall. */
  async function cost(
    what: string,
    work: () => Promise<void>,
  ): Promise<{ passes: number; writes: number; grown: number; seconds: number }> {
    const [passes, memory, start] = [stage.passes, stage.dockwall.memory, performance.now()];
    countAnew(stage.lab);
    await work();
    const seconds = (performance.now() - start) / 1000;
    const spent = {
      passes: stage.passes - passes,
      writes: countedCalls(stage.lab).filter((call) => call.includes('restore')).length,
      grown: Math.round(stage.dockwall.memory - memory),
      seconds: Math.round(seconds * 10) / 10,
    };
    console.info(`Docker ${setup.title}: ${what}: ${JSON.stringify(spent)}`);
    expect(spent.grown).toBeLessThan(mostGrowth);
    return spent;
  }

  it('S17: fifty containers come up at once, and go', async () => {
    const { engine } = stage.lab;
    const port = `$((${firstPort} + $1))`;
    const label = "$([ $(($1 % 2)) = 0 ] && echo '--label dockwall.allow=web')";
    const publish = `-p ${port}:80/tcp -p ${port}:80/udp`;
    const run = `docker run -d --name burst$1 ${publish} ${label} ${testImage} --name burst$1 --tcp 80 --udp 80 >/dev/null`;
    const up = `seq ${burst} | xargs -P 6 -I{} sh -ec '${run.replaceAll("'", String.raw`'\''`)}' _ {}`;
    const all = Array.from({ length: burst }, (_, index) => firstPort + 1 + index);
    const some = all.filter((_, index) => index % 9 < 2);
    const targets = some.flatMap((one) => [...stage.both(one), ...stage.both(one, 'udp')]);
    await watching({ stage, closed: targets, every: 1 }, async (watch) => {
      const shut = targets.filter((target) => target.port % 2 === 1);
      await watching({ stage, who: ['G'], closed: shut, every: 2 }, async () => {
        await runService(engine, fixed);
        await watch.keepServed('G', 8001);
        const coming = await cost('fifty come up', async () => {
          await engine.exec(['sh', '-ec', up], { timeout: 120_000 });
          for (const one of some.filter((_, index) => index % 2 === 1 || index > 8))
            await stage.waitOpen(one % 2 === 0 ? 'G' : 'T', one);
        });
        expect(coming.passes).toBeLessThan(mostPasses(coming.seconds));
        // each container's ports are closed at its `create`, by one write; a pass that writes has five at most
        expect(coming.writes).toBeLessThan(2 * burst + 5 * coming.passes);
        const going = await cost('fifty go', async () => {
          const names = Array.from({ length: burst }, (_, index) => `burst${index + 1}`);
          await engine.docker('rm', '--force', ...names);
          await stage.pass();
        });
        expect(going.passes).toBeLessThan(mostPasses(going.seconds));
        expect(going.writes).toBeLessThan(5 * going.passes + 10);
      });
    });
  });

  it('S17: containers that crash for ever', async () => {
    const { engine } = stage.lab;
    const shut = [8002, 8003].flatMap((one) => [...stage.both(one), ...stage.both(one, 'udp')]);
    await watching({ stage, closed: shut, every: 1 }, async (watch) => {
      await runService(engine, fixed);
      await watch.keepServed('G', 8001);
      const spent = await cost('crash loops', async () => {
        const publish = (one: number): readonly string[] => ['-p', `${one}:80/tcp`, '-p', `${one}:80/udp`];
        const common = ['run', '--detach', '--restart=always'];
        await engine.docker(
          ...common,
          '--name',
          'looping',
          ...publish(8002),
          testImage,
          '--no-such-flag',
          '1',
        );
        // Docker waits longer from crash to crash; a person, or a program, does not
        await engine.docker(
          'create',
          '--name',
          'started',
          ...publish(8003),
          testImage,
          '--no-such-flag',
          '1',
        );
        const again = 'for i in $(seq 12); do docker start started >/dev/null; done';
        await engine.exec(['sh', '-c', again], { timeout: 60_000 });
      });
      expect(spent.passes).toBeLessThan(mostPasses(spent.seconds));
    });
    await stage.expectClosed('X', 8001, 8002, 8003);
  });

  it('S17: ten thousand events a second: of execs and health checks, and of what matters', async () => {
    const { engine } = stage.lab;
    await runService(engine, fixed);
    await stage.pass();
    const storm = async (actions: readonly string[], seconds: number): Promise<void> => {
      const actor = { ID: 'f'.repeat(64), Attributes: { name: 'noise', image: testImage } };
      const lines = actions.map(
        (Action) => `${JSON.stringify({ Type: 'container', Action, Actor: actor })}\n`,
      );
      const piece = lines.join('').repeat(Math.ceil(100 / lines.length));
      for (let i = 0; i < seconds * 100; i += 1) {
        expect(proxy.say(piece)).toBe(1);
        await sleep(10);
      }
    };
    await watching({ stage, closed: [...stage.both(8001), ...stage.both(8001, 'udp')] }, async (watch) => {
      await watch.keepServed('G', 8001);
      const noise = [
        'exec_create: sh -c true',
        'exec_start: sh -c true',
        'exec_die',
        'health_status: healthy',
      ];
      const execs = await cost('execs and health checks', async () => {
        for (let i = 0; i < 5; i += 1) await engine.docker('exec', 'steady', 'true');
        await storm(noise, 3);
      });
      // the schedule's, and that of the first look for drift after something was written
      expect(execs.passes).toBeLessThanOrEqual(2);
      expect(execs.writes).toBeLessThanOrEqual(4); // the guard is renewed
      // more of them than credit is left
      const starts = await cost('starts', async () => storm(['start', 'die'], 4));
      expect(starts.passes).toBeLessThan(mostPasses(starts.seconds));
      expect(starts.writes).toBeLessThanOrEqual(4);
      await stage.pass();
    });
  });

  it('S17: an event stream that goes silent is opened again, and nobody gets in meanwhile', async () => {
    const { engine } = stage.lab;
    const daemon = stage.dockwall;
    await stage.configure(`${usualConfig}schedule: "*/2 * * * * *"\n`);
    const shut = [8001, 8002, 8003].flatMap((one) => stage.both(one));
    await watching({ stage, closed: shut, every: 1 }, async (watch) => {
      // whatever was told before is old by now
      await until({ what: 'a quiet stream', ms: 15_000, every: 100 }, async () => {
        const passes = stage.passes;
        await sleep(4000);
        return stage.passes - passes <= 4;
      });
      const from = daemon.lines.length;
      const opened = proxy.asked.get('/events') ?? 0;
      proxy.silence();
      await runService(engine, fixed);
      await runService(engine, { name: 'closed', publish: ['8002:80'] });
      const line = await daemon.waitForLog(
        ({ error }) => error === 'the event stream had gone silent',
        15_000,
        from,
      );
      expect(line).toMatchObject({ level: 40, msg: 'Docker went away; the walls stay' });
      await watch.keepServed('G', 8001);
      await watch.keepServed('T', 8001, 8002);
      await daemon.waitHealthy();
      expect(proxy.asked.get('/events')).toBe(opened + 1);
      await stage.configure(usualConfig);
      // and events arrive again: no schedule brings this
      await runService(engine, { ...fixed, name: 'third', publish: ['8003:80'] });
      await stage.waitOpen('G', 8003, 3000);
    });
  });
});
