import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runService } from '../containers.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { Stage } from './stage.ts';
import { watching } from './watch.ts';

// Who gets in where, by labels: S1 to S4.

describe.skipIf(skipWithoutLab()).each(engines('nft'))('what labels open, Docker $title', (setup) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    await stage.guard();
  });
  afterEach(async () => stage.clear());
  afterAll(async () => stage.close());

  const run = async (name: string, publish: readonly string[], labels: Record<string, string>, tcp = [80]) =>
    runService(stage.lab.engine, { name, publish, labels, tcp });

  it('S1: several networks, each of them and nothing else', async () => {
    const closed = [8001, 8002, 8003].flatMap((port) => stage.both(port));
    await watching({ stage, closed }, async (watch) => {
      await run('networks', ['8001:80'], {
        'dockwall.allow': '192.0.2.0/24, 203.0.113.0/25, 2001:db8:1::/64 2001:db8:b::/48',
      });
      await run('mixed', ['8002:80'], {
        'dockwall.allow':
          '192.0.2.50,203.0.113.16-203.0.113.31,10.0.0.0/8,2001:db8:1::50,2001:db8:b::1-2001:db8:b::ff',
      });
      await run('addresses', ['8003:80'], {
        'dockwall.allow': '192.0.2.50 203.0.113.20 2001:db8:1::50 2001:db8:b::20',
      });
      for (const who of ['N', 'G', 'T']) await watch.keepServed(who, 8001, 8002, 8003);
    });
    await stage.expectClosed('X', 8001, 8002, 8003);
  });

  it('S2: the same container port on two containers, one of them allowed', async () => {
    await watching({ stage, closed: [...stage.both(8001), ...stage.both(8002)] }, async (watch) => {
      await watching({ stage, who: ['G'], closed: stage.both(8002) }, async () => {
        await run('allowed', ['8001:80'], { 'dockwall.allow': 'web' });
        await run('closed', ['8002:80'], {});
        await watch.keepServed('G', 8001);
        await watch.keepServed('T', 8001, 8002);
      });
    });
  });

  it('S3: a port by its host number, its container number, its name; a number that is both', async () => {
    const open = [8001, 8002, 8003, 8004, 80];
    await watching(
      { stage, closed: [...open, 8005, 8006].flatMap((port) => stage.both(port)) },
      async (watch) => {
        await watching(
          { stage, who: ['G'], closed: [...stage.both(8005), ...stage.both(8006)] },
          async () => {
            await run('by-host', ['8001:80'], { 'dockwall.allow.8001': 'web' });
            await run('by-container', ['8002:80'], { 'dockwall.allow.80': 'web' });
            await run('in-words', ['8003:80'], { 'dockwall.allow.container:80': 'web' });
            await run('by-name', ['8004:80'], { 'dockwall.allow.http': 'web' });
            // 80 is the host port of 3000, and the container port of 8005: the host port is meant
            await run('both', ['8005:80', '80:3000'], { 'dockwall.allow.80': 'web' }, [80, 3000]);
            await run('other-name', ['8006:80'], { 'dockwall.allow.https': 'web' });
            await watch.keepServed('G', ...open);
            await watch.keepServed('T', ...open, 8005, 8006);
          },
        );
      },
    );
    const asked = { container: 'other-name', label: 'dockwall.allow.https' };
    expect(stage.dockwall.lines.find((line) => line['container'] === 'other-name')).toMatchObject(asked);
  });

  it('S4: one port of three; TCP and not UDP on the same number', async () => {
    const closed = [...stage.both(8001), ...stage.both(8002), ...stage.both(8003)];
    const names = [...stage.both(5300), ...stage.both(5300, 'udp')];
    await watching({ stage, closed: [...closed, ...names] }, async (watch) => {
      const shut = [...stage.both(8001), ...stage.both(8003), ...stage.both(5300, 'udp')];
      await watching({ stage, who: ['G'], closed: shut }, async () => {
        const three = ['8001:81', '8002:82', '8003:83'];
        await run('three', three, { 'dockwall.allow.8002': 'web' }, [81, 82, 83]);
        await runService(stage.lab.engine, {
          name: 'names',
          publish: ['5300:53/tcp', '5300:53/udp'],
          labels: { 'dockwall.allow.5300/tcp': 'web' },
          tcp: [53],
          udp: [53],
        });
        await watch.keepServed('G', 8002, 5300);
        await watch.keepServed('T', 8001, 8002, 8003, 5300);
      });
      for (const { ip } of stage.served(5300, 'udp')) {
        expect(await stage.client('T').udp(ip, 5300, { payload: 'who' })).toEqual({
          verdict: 'open',
          reply: 'names',
        });
      }
    });
  });
});
