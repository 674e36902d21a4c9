import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runService } from '../containers.ts';
import { type Dockwall, runDockwall, startDockwall, writeConfig } from '../dockwall.ts';
import { skipWithoutLab } from '../requirements.ts';
import type { StreamHandle } from '../stream.ts';
import { engines } from './matrix.ts';
import { Stage, usualConfig } from './stage.ts';
import { watching } from './watch.ts';

// Processes that die or are replaced: ours at any moment (S20, S25), the engine while its containers go on (S8).

/** Other groups, another order, other roles: rules and sets of every kind change on the way from one to the other. */
const configs = [
  usualConfig,
  `${usualConfig}  more: [192.0.2.50, "2001:db8:1::50"]\ndeny: [more]\n`,
  `${usualConfig}  more: [203.0.113.0/25, "2001:db8:ffff::/48"]\n  bans: [203.0.113.200]\ndeny: [bans]\n`,
  `${usualConfig.replace('trusted: [', 'trusted: [more, ')}  more: [192.0.2.60]\n`,
];

/** When the kills come, ms after the start: from before the first rule to well after the first pass. */
const kills = Array.from({ length: 15 }, (_, index) => 40 + ((index * 97) % 15) * 70);

describe.skipIf(skipWithoutLab()).each(engines('nft'))('processes that end, Docker $title', (setup) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open(setup, { liveRestore: true });
    await stage.guard();
  });
  afterEach(async () => stage.clear());
  afterAll(async () => stage.close());

  const allowed = { name: 'allowed', publish: ['8001:80'], labels: { 'dockwall.allow': 'web' } };
  const closed = { name: 'closed', publish: ['8002:80'] };
  const shut = (): ReturnType<Stage['both']> => [
    ...stage.both(8001),
    ...stage.both(8002),
    ...stage.both(8003),
  ];

  it('S20: killed at any moment of a start or a pass; the next one repairs', async () => {
    const { engine } = stage.lab;
    await runService(engine, allowed);
    const service = await runService(engine, closed);
    await stage.pass();
    await stage.dockwall.stop();
    await watching({ stage, closed: shut(), every: 1 }, async (watch) => {
      const served = await watch.keepServed('G', 8001);
      for (const [index, moment] of kills.entries()) {
        const config = configs[index % configs.length] ?? usualConfig;
        const daemon = await startDockwall(stage.lab, { config });
        // one that is known, and one whose ports nobody has been told: the guard outlives the daemon that raised it
        const churn = [service.restart.bind(service), another, undefined][index % 3]?.();
        // a second pass, with another policy, in the midst of the first
        const reload = sleep(moment / 2).then(() => {
          writeConfig(stage.lab, configs[(index + 1) % configs.length] ?? usualConfig);
          if (daemon.running) daemon.reload();
        });
        await sleep(moment);
        await daemon.kill();
        await Promise.all([churn, reload]);
      }
      await stage.guard();
      await served.end();
      await watch.keepServed('T', 8001, 8002);
    });
    expect(await runDockwall(stage.lab, ['plan', '--check'])).toMatchObject({ exitCode: 0 });
    await stage.expectClosed('X', 8001, 8002);
  });

  it.each(['TERM', 'KILL'] as const)(
    'S8: the engine ends with %s, its containers go on, and it comes back',
    async (how) => {
      const { engine } = stage.lab;
      await watching({ stage, closed: shut(), every: 1 }, async (watch) => {
        await runService(engine, allowed);
        await runService(engine, closed);
        const stream = await stage.client('G').stream({ proto: 'tcp', ip: stage.host.v4, port: 8001 });
        await stream.waitFlowing();
        await (how === 'TERM' ? engine.stop() : engine.kill());
        await engine.start();
        await watch.keepServed('G', 8001);
        await watch.keepServed('T', 8001, 8002);
        await stage.pass();
        await expectFlowing(stream);
      });
    },
  );

  it.each(['stopped first', 'killed first', 'stopped when the new one stands'] as const)(
    'S25: replaced under load, the old one %s',
    async (how) => {
      const { engine } = stage.lab;
      await runService(engine, allowed);
      await runService(engine, closed);
      await stage.pass();
      await watching({ stage, closed: shut(), every: 1 }, async (watch) => {
        await watch.keepServed('G', 8001);
        await watch.keepServed('T', 8002);
        const streams = await Promise.all(
          stage.served(8001).map(async (target) => stage.client('G').stream(target)),
        );
        for (const stream of streams) await stream.waitFlowing();
        const replaced = how === 'stopped when the new one stands' ? overlapping() : inTurn(how);
        const churn = another();
        for (const daemon of await replaced) expect(daemon.text).not.toContain('somebody changed');
        await churn;
        for (const stream of streams) await expectFlowing(stream);
      });
    },
  );

  async function inTurn(how: string): Promise<readonly Dockwall[]> {
    const old = stage.dockwall;
    await (how === 'killed first' ? old.kill() : old.stop());
    return [old, await stage.guard()];
  }

  /** Compose never does this; an orchestrator may. Each has a socket of its own, as in a container of its own. */
  async function overlapping(): Promise<readonly Dockwall[]> {
    const env = { DOCKWALL_RUNTIME_DIR: '/tmp/dockwall' };
    const next = await startDockwall(stage.lab, { env });
    await next.waitForLog(({ msg }) => msg === 'nothing to do' || msg === 'brought the kernel up to date');
    const old = stage.dockwall;
    await sleep(500);
    await old.stop();
    // the one that stays is the stage's again
    const last = await stage.guard();
    await next.stop();
    return [old, next, last];
  }

  /** A container comes and goes while something else happens. */
  async function another(): Promise<void> {
    const service = await runService(stage.lab.engine, { name: 'another', publish: ['8003:80'] });
    await service.remove();
  }
});

/** It has not ended, and echoes still come. */
async function expectFlowing(stream: StreamHandle): Promise<void> {
  const { echoed } = await stream.look();
  await expect.poll(async () => (await stream.look()).echoed, { timeout: 3000 }).toBeGreaterThan(echoed);
  expect(await stream.close()).toMatchObject({ closed: false });
}
