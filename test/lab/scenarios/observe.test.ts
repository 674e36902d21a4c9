import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runService } from '../containers.ts';
import { runDockwall } from '../dockwall.ts';
import { until } from '../poll.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { Stage, usualConfig } from './stage.ts';

// Looking before closing: a stranger gets in and is remembered, what is suggested lets him in, and the kernel ends it (S32).

describe.skipIf(skipWithoutLab()).each(engines('nft'))('observe, Docker $title', (setup) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    await stage.guard();
  });
  afterAll(async () => stage.close());

  it('S32: a stranger gets in and is listed; what is suggested lets him in; then the walls are closed', async () => {
    await serve();
    await stage.expectClosed('X', 8001);
    expect(await dockwall('observe', '--for', '22d')).toMatchObject({ exitCode: 2 });
    expect(await dockwall('observe', '--for', '1h')).toMatchObject({ exitCode: 0 });
    await stage.expectOpen('X', 8001);
    await stage.expectOpen('G', 8001);
    expect((await dockwall('blocked')).stdout).toContain('WOULD be turned away');
    expect((await dockwall('status')).stdout).toContain('OBSERVING until');
    const { stdout } = await dockwall('suggest');
    const [x, g] = [stage.client('X'), stage.client('G')];
    for (const one of [x, g]) expect(stdout).toContain(one.v4);
    const { suggestions } = JSON.parse((await dockwall('suggest', '--json')).stdout) as {
      suggestions: readonly { service: string; allow: readonly string[] }[];
    };
    expect(suggestions[0]).toMatchObject({ service: 'wiki', allow: expect.arrayContaining([x.v4, g.v4]) });
    for (const verb of [['grants'], ['explain', x.v4, 'wiki']])
      expect(await dockwall(...verb).then(({ stdout: out, stderr }) => out + stderr)).toMatch(/observ/i);

    // as pasted beside the usual configuration, but for the stranger: the walls close to exactly him
    const pasted = [x.v4, x.v6].reduce(
      (text, one) => text.replaceAll(new RegExp(`"${one}"(, )?`, 'g'), ''),
      stdout,
    );
    await stage.configure(`${usualConfig}\n${pasted}\n`);
    expect(await dockwall('observe', '--stop')).toMatchObject({ exitCode: 0 });
    await stage.waitOpen('G', 8001);
    await stage.expectClosed('X', 8001);
    await stage.configure(usualConfig);
    await stage.expectClosed('G', 8001);
  });

  it('S32: it is over by itself, also where dockwall is dead', async () => {
    expect(await dockwall('observe', '--for', '5s')).toMatchObject({ exitCode: 0 });
    await stage.expectOpen('X', 8001);
    await stage.dockwall.kill();
    await until({ what: 'the time to be over', ms: 9000 }, async () =>
      (await stage.connect('X', 8001)).every((verdict) => verdict !== 'open'),
    );
    await stage.expectClosed('X', 8001);
  });

  async function serve(): Promise<void> {
    await runService(stage.lab.engine, { name: 'wiki', publish: ['8001:80'], labels: {}, tcp: [80] });
    await stage.pass();
  }

  const dockwall = async (...args: string[]): ReturnType<typeof runDockwall> => runDockwall(stage.lab, args);
});
