import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runService } from '../containers.ts';
import { runDockwall } from '../dockwall.ts';
import { until } from '../poll.ts';
import { skipWithoutLab } from '../requirements.ts';
import type { StreamHandle } from '../stream.ts';
import { engines } from './matrix.ts';
import { Stage, usualConfig } from './stage.ts';

// Sources that are let in for a while: by the group, and no further; until the time is over, or they are taken back (S21).

/** Once revoked, nothing may come after this time, ms; and this is how long nothing is waited for. */
const deadline = 1000;
const silence = 500;

/** A group of more than a thousand networks, none of which is anybody's here. */
function longList(second: number): string {
  const networks = Array.from(
    { length: 1500 },
    (_, index) => `10.${second}.${index >> 7}.${(index & 127) * 2}`,
  );
  return usualConfig.replace(/web: \[/, `web: [${networks.join(', ')}, `);
}

describe.skipIf(skipWithoutLab()).each(engines('nft'))('grants, Docker $title', (setup) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    await stage.guard();
  });
  afterEach(async () => {
    await stage.clear();
    await stage.configure(usualConfig);
  });
  afterAll(async () => stage.close());

  it('let a source reach what its group may, and nothing else, until they are revoked', async () => {
    await serve();
    await stage.expectClosed('X', 8001, 8002, 8003);
    expect(await dockwall('grant', 'wbe', x().v4, '--for', '1h')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('did you mean `web`?'),
    });
    expect(await dockwall('grant', 'web', x().v4, '--for', '25h')).toMatchObject({ exitCode: 2 });
    await grant('web', '1h', 'Ana, on call');
    await stage.waitOpen('X', 8001);
    await stage.expectClosed('X', 8002, 8003);
    const line = await stage.dockwall.waitForLog(({ msg }) => String(msg).startsWith('granted: '), 2000);
    expect(line).toMatchObject({ group: 'web', source: x().v4, note: 'Ana, on call' });
    const { stdout } = await dockwall('grants');
    expect(stdout).toMatch(/^GROUP {2}SOURCE +TIME LEFT +NOTE$/m);
    expect(stdout).toContain('Ana, on call');

    await grant('trusted', '30m');
    await stage.waitOpen('X', 8002);
    await stage.waitOpen('X', 8003);
    const back = await dockwall('revoke', 'trusted', x().v4);
    expect(back).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining(`${x().v4} is in web for 59 min`),
    });
    await dockwall('revoke', 'trusted', x().v6);
    await stage.expectClosed('X', 8002, 8003);
    await stage.expectOpen('X', 8001);
    await revoke('web');
    await stage.expectClosed('X', 8001, 8002, 8003);
    expect((await dockwall('grants')).stdout.trim()).toBe('Nobody is let in for a while.');
  });

  it('outlive the sidecar and a long list that takes the place of the group’s', async () => {
    await serve();
    await grant('web', '1h', 'Bo');
    await stage.waitOpen('X', 8001);
    const probe = await x().probe([{ proto: 'tcp', ip: stage.host.v4, port: 8001 }], { every: 10 });
    const stream = await x().stream({ proto: 'tcp', ip: stage.host.v4, port: 8001 });
    await stream.waitFlowing();
    await stage.configure(longList(1));
    await stage.configure(longList(2));
    const members = await stage.print('ipset', 'list', '-t', 'dockwall4-src-web');
    expect(members).toMatch(/^Number of entries: 1502$/m);
    await stage.dockwall.kill();
    await stage.guard({ config: longList(2) });
    await stage.configure(usualConfig);
    const before = (await stream.look()).echoed;
    await until(
      { what: 'the stream to go on', ms: 3000 },
      async () => (await stream.look()).echoed > before + 2,
    );
    await stream.close();
    // An entry that is gone for a moment would leave handshakes unanswered: their client waits a second before it asks again.
    const { targets, longestStall } = await probe.stop();
    expect(targets[0]?.opened.length).toBeGreaterThan(20);
    if (longestStall < 500) expect(targets[0]?.timedOut).toBe(0);
    expect((await dockwall('grants', '--json')).stdout).toContain('"note": "Bo"');
    expect(await stage.print('ipset', 'list', '-n')).not.toContain('-tmp-');
    await stage.expectOpen('X', 8001);
    await revoke('web');
    await stage.expectClosed('X', 8001);
  });

  it('end by themselves, also where dockwall is dead; and can be made then', async () => {
    await serve();
    await stage.dockwall.kill();
    await grant('web', '4s');
    await stage.waitOpen('X', 8001);
    await until({ what: 'the time to be over', ms: 8000 }, async () =>
      (await stage.connect('X', 8001)).every((verdict) => verdict !== 'open'),
    );
    await stage.expectClosed('X', 8001, 8002, 8003);
    await grant('web', '1h');
    await stage.waitOpen('X', 8001);
    const { stderr } = await dockwall('revoke', 'web', x().v4);
    expect(stderr).toContain('dockwall does not run here');
    await dockwall('revoke', 'web', x().v6);
    await stage.expectClosed('X', 8001);
    await stage.guard();
  });

  it('S21: running sessions end when a grant is revoked, also those in which only the server talks', async () => {
    await serve();
    await grant('web', '1h', 'Cy');
    await stage.waitOpen('X', 8001);
    const targets = stage.served(8001);
    const open = await Promise.all(
      targets.flatMap((target) => [x().stream(target), x().stream(target, { push: 0 })]),
    );
    const kept = await stage.client('T').stream({ proto: 'tcp', ip: stage.host.v4, port: 8001 });
    for (const stream of [...open, kept]) await stream.waitFlowing();
    await revoke('web');
    for (const stream of open) await stream.waitSilent(silence, deadline + silence);
    const from = await echoed(open);
    await kept.waitFlowing();
    await until({ what: 'nothing more', ms: 1000 }, async () => (await open[0]?.look())?.silentFor !== 0);
    expect(await echoed(open)).toEqual(from);
    await stage.dockwall.waitForLog(({ msg }) => String(msg).startsWith('a grant was revoked'), 2000);
    await Promise.all([...open, kept].map(async (stream) => stream.close()));
  });

  const x = (): ReturnType<Stage['client']> => stage.client('X');

  async function serve(): Promise<void> {
    const run = async (name: string, publish: string, labels: Record<string, string>): Promise<void> => {
      await runService(stage.lab.engine, { name, publish: [publish], labels, tcp: [80] });
    };
    await run('of-web', '8001:80', { 'dockwall.allow': 'web' });
    await run('of-others', '8002:80', { 'dockwall.allow': '192.0.2.50' });
    await run('closed', '8003:80', {});
    await stage.pass();
  }

  const dockwall = async (...args: string[]): ReturnType<typeof runDockwall> => runDockwall(stage.lab, args);

  /** To both addresses of X. */
  async function grant(group: string, time: string, note?: string): Promise<void> {
    for (const address of [x().v4, x().v6]) {
      const words = note === undefined ? [] : ['--note', note];
      const result = await dockwall('grant', group, address, '--for', time, ...words);
      expect(result).toMatchObject({
        exitCode: 0,
        stdout: expect.stringContaining(`may reach what ${group} may`),
      });
    }
  }

  async function revoke(group: string): Promise<void> {
    for (const address of [x().v4, x().v6])
      expect(await dockwall('revoke', group, address)).toMatchObject({ exitCode: 0 });
  }

  async function echoed(streams: readonly StreamHandle[]): Promise<readonly number[]> {
    return Promise.all(streams.map(async (stream) => (await stream.look()).echoed));
  }
});
