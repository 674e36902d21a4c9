import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { inCampaign } from '../campaign/record.ts';
import { runService } from '../containers.ts';
import { testImage } from '../engine.ts';
import { NameServer } from '../name-server.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { Stage, usualConfig } from './stage.ts';
import { reaching, watching } from './watch.ts';

// What another owner writes into labels, names and port ranges, however much it is, changes nothing for everybody else: S27, S28.

const group = 'customers-berlin-office';
/** Sets' names once were cut off, with 6 hex digits of a hash behind: the set of this name was called like the one of the group. */
const namesake = 'customers-3vk68';

/** G is in the group as well. */
const config = `${usualConfig}  ${group}: [203.0.113.20, "2001:db8:b::20"]\n`;

const names = (count: number): string => Array.from({ length: count }, (_, i) => `n${i}.nobody`).join(',');
const ports = Array.from({ length: 200 }, (_, index) => 30_001 + index).join(',');

const openToAll = '--label=dockwall.public=*';
const run = (...flags: readonly string[]): readonly string[] => ['run', '--detach', ...flags];
const declares = (what: string): readonly string[] => ['--network=host', `--label=dockwall.ports=${what}`];

/** What the other owner has Docker do, one step after the other: what is never started, and what runs. Half of it is within the limits. */
const tooMuch: readonly (readonly (readonly string[])[])[] = [
  [
    ['create', '--publish=1-65535:1-65535', openToAll],
    ['create', '--publish=30000-33999:30000-33999/udp', `--label=dockwall.public=${ports}`],
    ['create', '--publish=8101:80', `--label=dockwall.allow=${names(8000)}`],
    ['create', '--publish=8102:80', `--label=dockwall.allow=${names(256)}`],
  ],
  [
    run('--network=none', '--publish=20000-21999:20000-21999/udp', openToAll),
    run(...declares('1-65535'), openToAll),
    run(...declares('1-65535'), '--label=dockwall.deny=203.0.113.0/24,2001:db8:c::/48'),
    run(...declares('1-32768/tcp'), openToAll),
  ],
];

/** What Docker chooses first, so that it can be watched before Docker does. */
const choices = Array.from({ length: 20 }, (_, index) => 32_768 + index);

/**
 * When a public port has to be open to a stranger after its container has started, and the longest time without an answer of the daemon, ms.
 * Wide: on two cores with a load of 25 it was 0.3 to 2.6 s, and 7 s. A daemon that hangs ends itself after 20 s.
 */
const longestOpening = 15_000;
const longestSilence = 10_000;

describe.skipIf(skipWithoutLab()).each(engines('nft'))('other owners, Docker $title', (setup) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    const { v4, v6 } = stage.client('X');
    await NameServer.start(stage.lab, [`${namesake} 5 A ${v4}`, `${namesake} 5 AAAA ${v6}`]);
    await stage.guard({ config });
  });
  afterEach(async () => stage.clear());
  afterAll(async () => stage.close());

  it('S27: a DNS name in a label, made so that its set would be called like that of a group', async () => {
    const { engine } = stage.lab;
    const labels = { 'dockwall.allow': `${namesake}.example.org` };
    const hostile = async () => runService(engine, { name: 'hostile', publish: ['8002:80'], labels });
    const theirs = { name: 'theirs', publish: ['8001:80'], labels: { 'dockwall.allow': group } };
    await watching({ stage, closed: stage.both(8001) }, async (watch) => {
      await runService(engine, theirs);
      const served = await watch.keepServed('G', 8001);
      const first = await hostile();
      // the name means X now, and lets it in where its own container is
      await stage.waitOpen('X', 8002);
      await stage.pass();
      await first.remove();
      await hostile();
      await stage.waitOpen('X', 8002);
      await stage.dockwall.kill();
      await stage.guard({ config });
      await stage.expectClosed('G', 8002);
      await served.end();
    });
  });

  /** Each once kept the daemon from reading the host's interfaces, or ended it, for as long as it had a container. */
  it('S28: bridges with names that a program may take for something of its own', async () => {
    const { engine } = stage.lab;
    const pid = stage.dockwall.pid;
    await watching({ stage, closed: stage.both(8001), every: 1 }, async () => {
      const yard = ['--opt', 'com.docker.network.bridge.name=yard0', 'yard'];
      await engine.docker('network', 'create', ...yard);
      for (const [index, name] of ['constructor', '__proto__', 'e\u001b[2J'].entries()) {
        const option = `com.docker.network.bridge.name=${name}`;
        await engine.docker('network', 'create', '--opt', option, `hostile${index}`);
        await runService(engine, { name: `hostile${index}`, network: `hostile${index}` });
      }
      await runService(engine, { name: 'closed', network: 'yard', publish: ['8001:80'] });
      const labels = { 'dockwall.public': '80' };
      await runService(engine, { name: 'open', network: 'yard', publish: ['8003:80'], labels });
      await reaching(stage, 'X', stage.served(8003), longestOpening);
      await reaching(stage, 'T', stage.served(8001));
      await stage.pass();
      expect(await stage.dockwall.health()).toMatchObject({ healthy: true });
      expect(stage.dockwall.pid).toBe(pid);
      // what is inside stays inside
      expect(await stage.print('iptables', '-t', 'mangle', '-S', 'DOCKWALL-GATE')).toContain('-i yard0 ');
    });
  });

  it.runIf(inCampaign)(
    'S28: tens of thousands of ports and thousands of names of one owner, while another starts containers',
    async () => {
      const { engine } = stage.lab;
      const closed = [
        ...[8001, ...choices].flatMap((port) => stage.both(port)),
        ...stage.both(20_053, 'udp'),
      ];
      const opened: number[] = [];
      await watching({ stage, closed, every: 1 }, async () => {
        const daemon = keepAsking();
        for (const step of tooMuch) {
          const [took] = await Promise.all([
            othersStart(),
            ...step.map(async (words) => engine.docker(...words, testImage)),
          ]);
          opened.push(took, await othersStart());
        }
        const { silence, wrong } = await daemon.end();
        console.info(`Docker ${setup.title}: the daemon was silent for up to ${silence} ms`);
        expect(wrong).toEqual([]);
        expect(silence).toBeLessThan(longestSilence);
        // all of it is there when dockwall starts
        await stage.dockwall.kill();
        await stage.guard({ config });
        opened.push(await othersStart());
      });
      console.info(`Docker ${setup.title}: a public port was open after ${opened.join(', ')} ms`);
    },
  );

  /**
   * Somebody else's containers come and go: ports of their own and one that Docker chooses, where only the trusted get in, and a public one.
   * @returns how long after its start the public one was open to X, ms.
   */
  async function othersStart(): Promise<number> {
    const { engine } = stage.lab;
    const publish = ['8001:80', '20053:53/udp'];
    const open = { name: 'open', publish: ['8003:80'], labels: { 'dockwall.public': '80' } };
    const services = [
      await runService(engine, { name: 'fixed', publish, tcp: [80], udp: [53] }),
      await runService(engine, { name: 'free', publish: ['80'] }),
      await runService(engine, open),
    ];
    const began = performance.now();
    await reaching(stage, 'X', stage.served(8003), longestOpening);
    const took = Math.round(performance.now() - began);
    const port = (await services[1]?.hostPort('80/tcp')) ?? 0;
    expect(choices).toContain(port);
    await reaching(
      stage,
      'T',
      [8001, port].flatMap((one) => stage.served(one)),
    );
    await reaching(stage, 'T', stage.served(20_053, 'udp'));
    await engine.docker('rm', '--force', ...services.map(({ name }) => name));
    return took;
  }

  /** Asks the daemon how it is, again and again; `end` gives the longest time without an answer, ms, and what it said was wrong. */
  function keepAsking(): { readonly end: () => Promise<{ silence: number; wrong: readonly string[] }> } {
    const stopped = new AbortController();
    onTestFinished(() => stopped.abort());
    const wrong = new Set<string>();
    let [silence, answered] = [0, performance.now()];
    const asking = (async (): Promise<void> => {
      while (!stopped.signal.aborted) {
        const health = await stage.dockwall.health();
        const now = performance.now();
        silence = Math.max(silence, Math.round(now - answered));
        if (health !== undefined) answered = now;
        for (const problem of health?.problems ?? []) wrong.add(problem);
        await sleep(50);
      }
    })();
    return {
      end: async () => {
        stopped.abort();
        await asking;
        return { silence, wrong: [...wrong] };
      },
    };
  }
});
