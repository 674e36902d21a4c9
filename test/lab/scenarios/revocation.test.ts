import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Target } from '../agent/protocol.ts';
import { runService } from '../containers.ts';
import { until } from '../poll.ts';
import { skipWithoutLab } from '../requirements.ts';
import type { StreamHandle } from '../stream.ts';
import { engines } from './matrix.ts';
import { Stage, usualConfig } from './stage.ts';

// Running sessions of a source that is refused from now on end in both directions, those of others go on: S21.

/** What a session is like: both talk, only the server talks, or it begins to after this many ms, the client being silent. */
const talks = { both: undefined, push: 0, later: 4000 } as const;
type Talk = keyof typeof talks;

/** Once refused, nothing may come after this time, ms; and this is how long nothing is waited for. */
const deadline = 1000;
const silence = 500;

interface Session {
  readonly name: string;
  readonly talk: Talk;
  readonly stream: StreamHandle;
}

describe.skipIf(skipWithoutLab()).each(engines)('revocation, Docker $title', (setup) => {
  let stage: Stage;
  let open: Session[] = [];

  beforeAll(async () => {
    stage = await Stage.open(setup);
    await stage.guard();
  });
  afterEach(async () => {
    await Promise.all(open.map(async ({ stream }) => stream.close()));
    open = [];
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
    const refused = await sessions('G', ports);
    const kept = await sessions('T', ports);
    const late = [...(await sessions('G', ports, ['later'])), ...(await sessions('T', [8001], ['later']))];
    await flowing([...refused, ...kept]);
    await stage.configure(usualConfig.replace(/web: .*/, 'web: []'));
    await silent(refused);
    await flowing(kept);
    await stage.expectClosed('G', 8001, 80, 8123);

    // what servers have to say for the first time long after the source was taken out
    await until({ what: 'the late sessions of T', ms: 8000 }, async () =>
      (await looks(late.filter(({ name }) => name.startsWith('T')))).every(({ echoed }) => echoed > 2),
    );
    const heard = await looks(late.filter(({ name }) => name.startsWith('G')));
    expect(heard.filter(({ echoed }) => echoed > 0)).toEqual([]);
    await silent(refused);

    await stage.configure(usualConfig);
    await flowing(refused.filter(({ talk }) => talk === 'both'));
  });

  it('S21: a ban cuts the sessions of one source, also on a public port', async () => {
    await serve('public', { publish: both('8002:80'), labels: { 'dockwall.public': '*' } });
    await stage.pass();
    const banned = await sessions('G', [8002]);
    const kept = [...(await sessions('X', [8002])), ...(await sessions('T', [8002]))];
    await flowing([...banned, ...kept]);
    const { v4, v6 } = stage.client('G');
    await stage.configure(`${usualConfig}deny: [${v4}, "${v6}"]\n`);
    await silent(banned);
    await flowing(kept);
  });

  it('S21: a group is taken out of what the configuration says of a running container', async () => {
    await serve('svc', { publish: both('8003:80') });
    await stage.configure(`${usualConfig}services: {svc: {allow: web}}\n`);
    const refused = await sessions('G', [8003]);
    const kept = await sessions('T', [8003]);
    await flowing([...refused, ...kept]);
    await stage.configure(usualConfig);
    await silent(refused);
    await flowing(kept);
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
    const all = await sessions('G', [8004, 8123]);
    await flowing(all);
    // Control: with the label the same sockets are served by the new containers. Where there is no docker-proxy, Docker 20.10
    // leaves a flow that began before the new DNAT rule to itself.
    const same = all.filter(
      ({ name, talk }) =>
        name.includes('udp') && talk === 'both' && (setup.userlandProxy || name.endsWith('8123')),
    );
    await again(labels);
    await flowing(same);
    await again({});
    expect(await one.v4()).toBe(address);
    await silent(all);
    await stage.expectClosed('G', 8004, 8123);
  });

  it('S21: the time of an entry that somebody made by hand is over', async () => {
    await serve('closed', { publish: both('8005:80') });
    await stage.pass();
    const { v4, v6 } = stage.client('X');
    const kept = await sessions('T', [8005]);
    for (const [set, address] of [
      ['dockwall4-trusted', v4],
      ['dockwall6-trusted', v6],
    ] as const)
      await stage.print('ipset', 'add', set, address, 'timeout', '3');
    await stage.pass();
    const granted = await sessions('X', [8005]);
    await flowing([...granted, ...kept]);
    await until({ what: 'the entries to be gone', ms: 6000 }, async () => {
      const sets = (await stage.print('ipset', 'save')).match(/^add dockwall[46]-trusted .*$/gm) ?? [];
      return !sets.some((line) => line.includes(v4) || line.includes(v6));
    });
    // the kernel by itself, then the daemon, for those who are silent
    await silent(granted.filter(({ talk }) => talk === 'both'));
    await stage.pass();
    await silent(granted);
    await flowing(kept);
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
    await stream.waitSilent(silence, deadline + silence);
    await arrived('-Z');
    await stream.close();
    // The server sends again what nobody has acknowledged, with pauses that double.
    await until({ what: 'the server to try again after conntrack has forgotten', ms: 40_000 }, async () => {
      const listed = await stage.print('iptables', '-t', 'mangle', '-vxnL', 'DOCKWALL-REPLIES');
      return packets(listed, 'begun anew') > 0;
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

  /** One session of each kind; without docker-proxy nobody serves IPv6 here but host-network containers. */
  async function sessions(
    who: string,
    ports: readonly number[],
    kinds: readonly Talk[] = ['both', 'push'],
  ): Promise<readonly Session[]> {
    const targets = ports.flatMap((port) =>
      (['tcp', 'udp'] as const)
        .flatMap((proto): readonly Target[] => stage.both(port, proto))
        .filter(({ ip }) => setup.userlandProxy || port === 8123 || !ip.includes(':')),
    );
    const made = await Promise.all(
      targets.flatMap((target) =>
        kinds.map(async (talk): Promise<Session> => {
          const push = talks[talk];
          const stream = await stage.client(who).stream(target, push === undefined ? {} : { push });
          return { name: `${who} ${talk} ${target.proto} ${target.ip} ${target.port}`, talk, stream };
        }),
      ),
    );
    open.push(...made);
    return made;
  }

  async function looks(
    all: readonly Session[],
  ): Promise<readonly { name: string; echoed: number; silentFor: number; closed: boolean }[]> {
    return Promise.all(
      all.map(async ({ name, stream }) => {
        const { echoed, silentFor, closed } = await stream.look();
        return { name, echoed, silentFor, closed };
      }),
    );
  }

  /** All of them bring something from now on. */
  async function flowing(all: readonly Session[]): Promise<void> {
    const before = await looks(all);
    let stuck: readonly string[] = [];
    await until({ what: 'sessions to flow', ms: 8000 }, async () => {
      const now = await looks(all);
      stuck = now
        .filter(({ echoed }, index) => echoed <= (before[index]?.echoed ?? 0) + 2)
        .map(({ name }) => name);
      return stuck.length === 0;
    }).catch(() => {
      throw new Error(`these do not flow:\n${stuck.join('\n')}\n${stage.dockwall.text}`);
    });
  }

  /** None of them brings anything once the deadline is over. */
  async function silent(all: readonly Session[]): Promise<void> {
    let noisy: readonly object[] = [];
    await until({ what: 'sessions to end', ms: deadline + silence }, async () => {
      noisy = (await looks(all)).filter(({ silentFor }) => silentFor < silence);
      return noisy.length === 0;
    }).catch(() => {
      throw new Error(`these go on:\n${JSON.stringify(noisy, null, 1)}\n${stage.dockwall.text}`);
    });
    const before = await looks(all);
    await sleep(silence);
    expect((await looks(all)).map(({ echoed }) => echoed)).toEqual(before.map(({ echoed }) => echoed));
  }
});

/** The packets that the rule with these words has counted, as `iptables -vxnL` lists it. */
function packets(listed: string, words: string): number {
  const line = listed.split('\n').find((text) => text.includes(words)) ?? '';
  return Number(line.trim().split(/\s+/)[0] ?? 0);
}
