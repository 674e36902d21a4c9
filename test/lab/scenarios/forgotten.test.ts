import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runService } from '../containers.ts';
import { until } from '../poll.ts';
import { skipWithoutLab } from '../requirements.ts';
import type { StreamHandle } from '../stream.ts';
import { forgeReset } from './forged-reset.ts';
import { engines } from './matrix.ts';
import { Sessions } from './sessions.ts';
import { Stage, usualConfig } from './stage.ts';

// What conntrack forgets of a session, and what stays of a session that was cut: S21, S30.

/**
 * Says something each 20 ms, a hundred times, then waits for the echoes. Not for each: what is on its way to a container that has nothing to say is
 * dropped by the guard after the flush (without dockwall the host answers it with RST), until the container speaks.
 */
const talker = `
use Socket;
socket my $socket, AF_INET, SOCK_STREAM, 0 or die;
connect $socket, pack_sockaddr_in($ARGV[1], inet_aton $ARGV[0]) or die;
for (1 .. 100) {
  syswrite $socket, "line\\n" or die;
  select undef, undef, undef, 0.02;
}
my ($echoes, $data) = ('');
while (length $echoes < 500 && sysread $socket, $data, 1000) { $echoes .= $data }
print length($echoes) / 5, " echoes\\n";
`;

describe.skipIf(skipWithoutLab()).each(engines('legacy'))('forgotten sessions, Docker $title', (setup) => {
  let stage: Stage;
  let sessions: Sessions;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    sessions = new Sessions(stage);
    await stage.guard();
    await stage.print('sysctl', '-q', '-w', 'net.netfilter.nf_conntrack_tcp_timeout_close=1');
  });
  afterEach(async () => {
    await sessions.close();
    await stage.clear();
    await stage.configure(usualConfig);
  });
  afterAll(async () => stage.close());

  it('S21: a client whose session was cut may use its port again for whatever else it may reach', async () => {
    const publish = ['8001:80', '8001:80/udp'];
    const allow = { 'dockwall.allow': 'web' };
    await runService(stage.lab.engine, { name: 'web', publish, labels: allow, tcp: [80], udp: [80] });
    const labels = { ...allow, 'dockwall.ports': '8123' };
    await runService(stage.lab.engine, { name: 'hosted', network: 'host', labels, tcp: [8123], udp: [8123] });
    const open = { name: 'open', publish: ['8443:80'], labels: { 'dockwall.public': '*' } };
    await runService(stage.lab.engine, open);
    const own = await stage.client('host').serve({ tcp: [7001] });
    await stage.pass();
    await stage.waitOpen('G', 7001);
    const g = stage.client('G');

    // one after the other from 41000 on: two that say nothing, one that talks, one that has ended with RST, one with FIN
    const doors = [...stage.served(8001), ...stage.both(8123)];
    const used: { readonly from: number; readonly ip: string }[] = [];
    const silent: number[] = [];
    const quiet: StreamHandle[] = [];
    const talking: StreamHandle[] = [];
    let from = 41_000;
    const next = (ip: string): number => {
      used.push({ from, ip });
      return from++;
    };
    for (const door of doors) {
      for (let i = 0; i < 2; i++) {
        silent.push(from);
        quiet.push(await g.stream(door, { from: next(door.ip), push: 600_000 }));
      }
      talking.push(await g.stream(door, { from: next(door.ip) }));
      for (const fin of [false, true])
        expect(await g.connect(door.ip, door.port, { from: next(door.ip), fin })).toBe('open');
    }
    for (const stream of talking) await stream.waitFlowing();
    await until({ what: 'the silent sessions to stand', ms: 5000 }, async () => {
      const listed = await connections();
      return silent.every((port) => new RegExp(`ESTABLISHED .* sport=${port} .*ASSURED`).test(listed));
    });
    await stage.configure(usualConfig.replace(/web: .*/, 'web: []'));
    const { sessions: told } = await stage.dockwall.waitForLog(
      ({ msg }) => String(msg).startsWith('cut running'),
      5000,
    );
    // those that had ended are none of them; those that talk lose their sessions by themselves, sooner or later
    expect(told).toBeGreaterThanOrEqual(quiet.length);
    expect(told).toBeLessThanOrEqual(quiet.length + talking.length);
    for (const stream of talking) await stream.waitSilent(500, 1500);
    const running = [...quiet, ...talking];
    await Promise.all(running.map(async (stream) => stream.close()));

    const elsewhere = [8443, 7001].flatMap((port) =>
      stage.both(port).filter(({ ip }) => port === 7001 || stage.served(port).some((one) => one.ip === ip)),
    );
    const heard = [];
    for (const { ip, port } of elsewhere)
      for (const one of used.filter((one) => one.ip === ip))
        heard.push([ip, port, one.from, await g.connect(ip, port, { from: one.from })]);
    expect(heard.filter(([, , , verdict]) => verdict !== 'open')).toEqual([]);
    await stage.expectClosed('G', 8001);
    expect(await g.connect(stage.host.v4, 8123, { from: 41_000 })).toBe('timeout');
    await own.close();
  });

  it('S30: a client makes conntrack forget its session: the service does not begin it anew', async () => {
    await serve();
    const { v4 } = stage.host;
    const all = await sessions.start('G', [80], ['both']);
    const session = all.filter(({ name }) => name.includes(`tcp ${v4}`));
    await sessions.flowing(session);
    await forgotten();

    // allowed as ever: the client's own next packet is judged, and the session goes on
    await quiet(false);
    await sessions.flowing(session);

    await forgotten();
    await stage.configure(usualConfig.replace(/web: .*/, 'web: []'));
    await quiet(false);
    await sessions.silent(session);
    const received = await stage.print('conntrack', '-L', '-p', 'tcp', '--orig-src', stage.client('G').v4);
    expect(received).not.toMatch(/ESTABLISHED.*ASSURED(?!.*mark=128)/);
  });

  it('S30: what a container has opened goes on where conntrack has forgotten it', async () => {
    // Not the trusted: what is on its way from there at that moment passes the guard, and the host answers with a RST, as without dockwall.
    const x = stage.client('X');
    const server = await x.serve({ tcp: [7000] });
    await runService(stage.lab.engine, { name: 'web', publish: ['80:80'] });
    await stage.pass();
    const command = ['docker', 'exec', 'web', 'perl', '-e', talker, x.v4, '7000'];
    const talk = stage.lab.engine.exec(command, { timeout: 30_000 });
    const heard = async (): Promise<number> => (await server.visits()).length;
    for (let i = 0; i < 3; i++) {
      const before = await heard();
      await until({ what: 'the talk to go on', ms: 10_000 }, async () => (await heard()) > before + 3);
      await stage.print('conntrack', '-F');
    }
    expect((await talk).stdout).toBe('100 echoes');
    await server.close();
  });

  async function connections(): Promise<string> {
    const list = async (family: string): Promise<string> =>
      stage.print('conntrack', '-L', '-f', family, '-p', 'tcp');
    return (await list('ipv4')) + (await list('ipv6'));
  }

  async function serve(): Promise<void> {
    // after a translation back to the same port, a connection that is begun anew looks like the old one
    const spec = { name: 'same', publish: ['80:80'], labels: { 'dockwall.allow': 'web' } };
    await runService(stage.lab.engine, spec);
    await stage.pass();
  }

  /** G says nothing any more but what it forges, or speaks again. */
  async function quiet(on: boolean): Promise<void> {
    const silence = ['OUTPUT', '-p', 'tcp', '--dport', '80', '!', '--tcp-flags', 'RST', 'RST', '-j', 'DROP'];
    await stage.client('G').exec(['iptables', on ? '-A' : '-D', ...silence]);
  }

  /** The router takes one of the two hops, so the RST ends at the host; then the server sends again what nobody acknowledges. */
  async function forgotten(): Promise<void> {
    await stage.print('iptables', '-t', 'mangle', '-Z', 'DOCKWALL-REPLIES');
    await quiet(true);
    await forgeReset(stage.client('G'), { ip: stage.host.v4, port: 80, ttl: 2 });
    await until({ what: 'the server to begin in the middle', ms: 20_000 }, async () => {
      const listed = await stage.print('iptables', '-t', 'mangle', '-vxnL', 'DOCKWALL-REPLIES');
      return listed.split('\n').some((line) => line.includes('in the middle') && !/^\s*0 /.test(line));
    });
  }
});
