import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { inCampaign } from '../campaign/record.ts';
import { runService } from '../containers.ts';
import { NeighbourHost } from '../neighbour-host.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { askDoctor, expectAtPeace, measureOpen, settled } from './others.ts';
import { Stage, usualConfig } from './stage.ts';
import { watching } from './watch.ts';

// firewalld, Debian's package, with D-Bus, by which Docker finds it. With nftables it has a table of its own and a reload takes nothing of
// anybody's; with iptables each start, reload and stop of it takes every rule away, and Docker writes its own anew.

const start = `
start firewalld firewalld --nofork --nopid
await firewall-cmd --state
`;
const backend = (name: string): string => `
stop firewalld
sed -i 's/^FirewallBackend=.*/FirewallBackend=${name}/' /etc/firewalld/firewalld.conf
${start}`;

describe.skipIf(skipWithoutLab()).each(engines('nft'))('firewalld, Docker $title', (setup) => {
  let stage: Stage;
  let there: NeighbourHost;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    there = await NeighbourHost.start(stage.lab);
    await there.shell(`mkdir -p /run/dbus; dbus-daemon --system --fork; ${start}`);
    await stage.lab.engine.restart();
    const { engine } = stage.lab;
    await runService(engine, { name: 'public', publish: ['8001:80'], labels: { 'dockwall.public': '*' } });
    await runService(engine, { name: 'closed', publish: ['8002:80'] });
    await stage.guard({ config: `${usualConfig}\ndriftCheck: 1s\n` });
  });
  afterEach(async () => {
    await settled(stage);
    await expectAtPeace(stage);
    await stage.flushed();
  });
  afterAll(async () => stage.close());

  it('S34: firewalld with nftables: reload and complete reload', async () => {
    const inner = await there.shell('firewall-cmd --get-active-zones');
    expect(inner).toMatch(/docker[^]*docker0/);
    const [v4, v6] = await stage.connect('X', 8001);
    // what docker-proxy serves goes through its zones
    expect(v4).toBe('open');
    if (setup.userlandProxy) expect(v6).not.toBe('open');
    expect((await askDoctor(stage))['firewalld']).toMatch(/^note: .*a reload leaves Docker's rules/);
    await there.shell('firewall-cmd --permanent --add-port=8001-8002/tcp; firewall-cmd --reload');
    const before = await settled(stage);
    await watching({ stage, closed: stage.both(8002) }, async (watch) => {
      await watch.keepServed('T', 8002);
      for (const reload of ['--reload', '--complete-reload']) {
        await there.shell(`firewall-cmd ${reload}`);
        await stage.waitOpen('X', 8001);
        // in another order maybe: Docker puts its jumps to the top anew
        expect((await settled(stage)).toSorted()).toEqual(before.toSorted());
      }
    });
  });

  const acts: readonly (readonly [string, string])[] = [
    ['with iptables: start', backend('iptables')],
    ['with iptables: reload', 'firewall-cmd --reload'],
    ['with iptables: complete reload', 'firewall-cmd --complete-reload'],
    ['with iptables: stop', 'stop firewalld'],
  ];
  it.each(inCampaign ? acts : acts.slice(0, 2))('S34: firewalld %s', async (_, script) => {
    const stops = script === 'stop firewalld';
    const act = async (): Promise<unknown> => there.shell(script);
    // Docker writes nothing when it is stopped: its port is docker-proxy's then
    const open = stops ? {} : { open: 8001 };
    expect(await measureOpen(stage, { closed: 8002, ...open, act })).toBe(0);
    if (!stops) {
      expect((await askDoctor(stage))['firewalld']).toMatch(/^note: each start, reload and stop of it takes/);
      await stage.waitOpen('T', 8002);
      await stage.expectOpen('X', 8001);
    }
  });
});
