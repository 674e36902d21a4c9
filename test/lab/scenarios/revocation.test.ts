import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runService } from '../containers.ts';
import { until } from '../poll.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { Sessions } from './sessions.ts';
import { Stage, usualConfig } from './stage.ts';

// Running sessions of a source that is refused from now on end in both directions, those of others go on: S21.

describe.skipIf(skipWithoutLab()).each(engines('legacy'))('revocation, Docker $title', (setup) => {
  let stage: Stage;
  let sessions: Sessions;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    sessions = new Sessions(stage);
    await stage.guard();
  });
  afterEach(async () => {
    await sessions.close();
    await stage.clear();
    await stage.configure(usualConfig);
  });
  afterAll(async () => stage.close());

  it('S21: a source is taken out of a group, and let in again', async () => {
    const allow = { 'dockwall.allow': 'web' };
    await serve('other', { publish: both('8001:80'), labels: allow });
    // after a translation back to the same port, a connection that is begun anew looks like the old one
    await serve('same', { publish: both('80:80'), labels: allow });
    await serve('host', {
      flags: ['--network', 'host'],
      labels: { ...allow, 'dockwall.ports': '8123' },
      port: 8123,
    });
    await stage.pass();
    const ports = [8001, 80, 8123];
    const refused = await sessions.start('G', ports);
    const kept = await sessions.start('T', ports);
    const late = [
      ...(await sessions.start('G', ports, ['later'])),
      ...(await sessions.start('T', [8001], ['later'])),
    ];
    await sessions.flowing([...refused, ...kept]);
    await stage.configure(usualConfig.replace(/web: .*/, 'web: []'));
    await sessions.silent(refused);
    await sessions.flowing(kept);
    await stage.expectClosed('G', 8001, 80, 8123);

    // what servers have to say for the first time long after the source was taken out
    await until({ what: 'the late sessions of T', ms: 8000 }, async () =>
      (await sessions.looks(late.filter(({ name }) => name.startsWith('T')))).every(
        ({ echoed }) => echoed > 2,
      ),
    );
    const heard = await sessions.looks(late.filter(({ name }) => name.startsWith('G')));
    expect(heard.filter(({ echoed }) => echoed > 0)).toEqual([]);
    await sessions.silent(refused);

    await stage.configure(usualConfig);
    await sessions.flowing(refused.filter(({ talk }) => talk === 'both'));
  });

  it('S21: a ban cuts the sessions of one source, also on a public port', async () => {
    await serve('public', { publish: both('8002:80'), labels: { 'dockwall.public': '*' } });
    await stage.pass();
    const banned = await sessions.start('G', [8002]);
    const kept = [...(await sessions.start('X', [8002])), ...(await sessions.start('T', [8002]))];
    await sessions.flowing([...banned, ...kept]);
    const { v4, v6 } = stage.client('G');
    await stage.configure(`${usualConfig}deny: [${v4}, "${v6}"]\n`);
    await sessions.silent(banned);
    await sessions.flowing(kept);
  });

  it('S21: a group is taken out of what the configuration says of a running container', async () => {
    await serve('svc', { publish: both('8003:80') });
    await stage.configure(`${usualConfig}services: {svc: {allow: web}}\n`);
    const refused = await sessions.start('G', [8003]);
    const kept = await sessions.start('T', [8003]);
    await sessions.flowing([...refused, ...kept]);
    await stage.configure(usualConfig);
    await sessions.silent(refused);
    await sessions.flowing(kept);
  });

  it('S21: a container is recreated without its label, at the same address and port', async () => {
    const labels = { 'dockwall.allow': 'web' };
    const hosted = { flags: ['--network', 'host'], port: 8123 };
    const again = async (label: Record<string, string>): Promise<void> => {
      await stage.lab.engine.docker('rm', '--force', 'one', 'host');
      await serve('one', { publish: both('8004:80'), labels: label });
      await serve('host', { ...hosted, labels: { ...label, 'dockwall.ports': '8123' } });
      await stage.pass();
    };
    const one = await serve('one', { publish: both('8004:80'), labels });
    const address = await one.v4();
    await serve('host', { ...hosted, labels: { ...labels, 'dockwall.ports': '8123' } });
    await stage.pass();
    const all = await sessions.start('G', [8004, 8123]);
    await sessions.flowing(all);
    // Control: with the label the same sockets are served by the new containers. Where there is no docker-proxy, Docker 20.10
    // leaves a flow that began before the new DNAT rule to itself.
    const same = all.filter(
      ({ name, talk }) =>
        name.includes('udp') && talk === 'both' && (setup.userlandProxy || name.endsWith('8123')),
    );
    await again(labels);
    await sessions.flowing(same);
    await again({});
    expect(await one.v4()).toBe(address);
    await sessions.silent(all);
    await stage.expectClosed('G', 8004, 8123);
  });

  it('S21: the time of an entry that somebody made by hand is over', async () => {
    await serve('closed', { publish: both('8005:80') });
    await stage.pass();
    const { v4, v6 } = stage.client('X');
    const kept = await sessions.start('T', [8005]);
    for (const [set, address] of [
      ['dockwall4-trusted', v4],
      ['dockwall6-trusted', v6],
    ] as const)
      await stage.print('ipset', 'add', set, address, 'timeout', '3');
    await stage.pass();
    const granted = await sessions.start('X', [8005]);
    await sessions.flowing([...granted, ...kept]);
    await until({ what: 'the entries to be gone', ms: 6000 }, async () => {
      const sets = (await stage.print('ipset', 'save')).match(/^add dockwall[46]-trusted .*$/gm) ?? [];
      return !sets.some((line) => line.includes(v4) || line.includes(v6));
    });
    // the kernel by itself, then the daemon, for those who are silent
    await sessions.silent(granted.filter(({ talk }) => talk === 'both'));
    await stage.pass();
    await sessions.silent(granted);
    await sessions.flowing(kept);
  });

  it('S21: a refused client resets: conntrack forgets, and the server does not begin the session anew', async () => {
    await stage.print('sysctl', '-q', '-w', 'net.netfilter.nf_conntrack_tcp_timeout_close=1');
    const g = stage.client('G');
    const arriving = ['INPUT', '-p', 'tcp', '--sport', '80', '-m', 'comment', '--comment', 'arriving'];
    const arrived = async (...flags: string[]): Promise<number> =>
      packets((await g.exec(['iptables', ...flags, '-vxnL', 'INPUT'])).stdout, 'arriving');
    await serve('same', { publish: ['80:80'], labels: { 'dockwall.allow': 'web' } });
    await stage.pass();
    await g.exec(['iptables', '-I', ...arriving]);
    const stream = await g.stream({ proto: 'tcp', ip: stage.host.v4, port: 80 }, { push: 0 });
    await stream.waitFlowing();
    expect(await arrived()).toBeGreaterThan(0);
    await stage.configure(usualConfig.replace(/web: .*/, 'web: []'));
    await stream.waitSilent(500, 1500);
    await arrived('-Z');
    await stream.close();
    // The server sends again what nobody has acknowledged, with pauses that double.
    await until({ what: 'the server to try again after conntrack has forgotten', ms: 40_000 }, async () => {
      const listed = await stage.print('iptables', '-t', 'mangle', '-vxnL', 'DOCKWALL-REPLIES');
      return packets(listed, 'in the middle') > 0;
    });
    expect(await arrived()).toBe(0);
    await g.exec(['iptables', '-D', ...arriving]);
  });

  /** `8001:80`, TCP and UDP. */
  function both(publish: string): readonly string[] {
    return [publish, `${publish}/udp`];
  }

  function serve(
    name: string,
    { port = 80, ...more }: Partial<Parameters<typeof runService>[1]> & { readonly port?: number },
  ): ReturnType<typeof runService> {
    return runService(stage.lab.engine, { name, tcp: [port], udp: [port], ...more });
  }
});

/** The packets that the rules with these words have counted, as `iptables -vxnL` lists it. */
function packets(listed: string, words: string): number {
  const lines = listed.split('\n').filter((text) => text.includes(words));
  return lines.reduce((sum, line) => sum + Number(line.trim().split(/\s+/)[0]), 0);
}
