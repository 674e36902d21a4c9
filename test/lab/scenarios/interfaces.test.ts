import { afterAll, afterEach, beforeAll, describe, it } from 'vitest';
import { runService } from '../containers.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { Sessions } from './sessions.ts';
import { Stage, usualConfig } from './stage.ts';
import { watching } from './watch.ts';

// Whoever arrives by an interface, as behind a VPN: W has a cable of its own to the host, which is `vpn0` there.

describe.skipIf(skipWithoutLab()).each(engines('legacy'))('members by interface, Docker $title', (setup) => {
  let stage: Stage;
  let sessions: Sessions;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    sessions = new Sessions(stage);
    await stage.lab.addCabledClient(
      { name: 'W', v4: '198.51.100.200', v6: '2001:db8:d::200' },
      { name: 'vpn0', v4: '198.51.100.201', v6: '2001:db8:d::201' },
    );
    await stage.guard();
  });
  afterEach(async () => {
    await sessions.close();
    await stage.clear();
    await stage.configure(usualConfig);
  });
  afterAll(async () => stage.close());

  it('S1: trusted by interface: every port, and nobody else', async () => {
    await serve('closed', 8001, {});
    await stage.pass();
    await stage.expectClosed('W', 8001);
    await watching({ stage, who: ['X', 'G'], closed: stage.both(8001) }, async (watch) => {
      await stage.configure(usualConfig.replace('trusted: [', 'trusted: ["interface:vpn0", '));
      await watch.keepServed('W', 8001);
      await watch.keepServed('T', 8001);
    });
    await stage.configure(usualConfig);
    await stage.expectClosed('W', 8001);
  });

  it('S1: a group by interface, and a label that names the interface', async () => {
    const closed = [8001, 8002, 8003].flatMap((port) => stage.both(port));
    await stage.configure(`${usualConfig}  lan: ["interface:vpn0"]\n`);
    await watching({ stage, who: ['X', 'G'], closed }, async (watch) => {
      await watching({ stage, who: ['W'], closed: stage.both(8003) }, async () => {
        await serve('group', 8001, { 'dockwall.allow': 'lan' });
        await serve('label', 8002, { 'dockwall.allow': 'interface:vpn0' });
        await serve('other', 8003, { 'dockwall.allow': 'interface:vpn1' });
        await watch.keepServed('W', 8001, 8002);
      });
    });
  });

  it('S1: an address that comes by the wrong interface is nobody', async () => {
    await serve('label', 8001, { 'dockwall.allow': 'interface:ext0' });
    await stage.pass();
    await stage.expectOpen('X', 8001);
    await stage.expectClosed('W', 8001);
  });

  it('S22: denied by interface, globally and by a label', async () => {
    await serve('public', 8001, { 'dockwall.public': '*' });
    await serve('not-them', 8002, { 'dockwall.public': '*', 'dockwall.deny': 'interface:vpn0' });
    await stage.pass();
    await stage.expectOpen('W', 8001);
    await stage.expectClosed('W', 8002);
    await stage.expectOpen('X', 8001, 8002);
    await stage.configure(`${usualConfig}deny: ["interface:vpn0"]\n`);
    await watching(
      { stage, who: ['W'], closed: [...stage.both(8001), ...stage.both(8002)] },
      async (watch) => {
        await watch.keepServed('X', 8001, 8002);
      },
    );
  });

  it('S21: sessions that an interface lets in go on when others are cut, and end when it does not any more', async () => {
    await serve('lan', 8001, { 'dockwall.allow': 'interface:vpn0 web' });
    await stage.pass();
    const theirs = await sessions.start('W', [8001]);
    // of a silent client it is not known by which interface it came: it is left alone while one of them lets in
    const others = await sessions.start('G', [8001], ['both']);
    await sessions.flowing([...theirs, ...others]);
    await stage.configure(usualConfig.replace(/web: .*/, 'web: []'));
    await sessions.silent(others);
    await sessions.flowing(theirs);
    await stage.configure(`${usualConfig}services: {lan: {allow: web}}\n`);
    await sessions.silent(theirs);
  });

  async function serve(name: string, port: number, labels: Record<string, string>): Promise<void> {
    const publish = [`${port}:80`, `${port}:80/udp`];
    await runService(stage.lab.engine, { name, publish, labels, tcp: [80], udp: [80] });
  }
});
