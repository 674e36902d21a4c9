import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runService } from '../containers.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { Sessions } from './sessions.ts';
import { Stage, usualConfig } from './stage.ts';
import { reaching, watching } from './watch.ts';

// Sets that something else keeps. What it bans is refused from the next packet on, whatever else lets it in: S22. There
// is no pass in between: none is due in these tests but those that they ask for, and nobody looks for changes.

const config = `${usualConfig}  bans: [{ipset: crowd}, {ipset: crowd6}]
  named: [{ipset: named}, {ipset: named6}]
deny: [bans]
schedule: "0 0 1 1 *"
driftCheck: off
`;

describe.skipIf(skipWithoutLab()).each(engines('legacy'))('bans by others, Docker $title', (setup) => {
  let stage: Stage;
  let sessions: Sessions;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    sessions = new Sessions(stage);
    stage.rearranged();
    await ipset(
      'create crowd hash:net timeout 300 comment',
      'create crowd6 hash:net family inet6 timeout 300',
      'create named hash:ip',
      'create named6 hash:ip family inet6',
    );
    await stage.guard({ config });
  });
  beforeEach(async () => ipset('flush crowd', 'flush crowd6', 'flush named', 'flush named6'));
  afterEach(async () => {
    stage.dockwall.signal('SIGCONT');
    await sessions.close();
    await stage.clear();
    await stage.configure(config);
  });
  afterAll(async () => stage.close());

  /** Whatever happens now in this test, dockwall has no part in it. */
  function kernelAlone(): void {
    stage.dockwall.signal('SIGSTOP');
  }

  it('S22: a ban beats public, allow and trusted; at once, without a pass or a rule; and is over at once', async () => {
    await serve('public', 8001, { 'dockwall.public': '*' });
    await serve('allowed', 8002, { 'dockwall.allow': 'web' });
    await serve('closed', 8003, {});
    await stage.pass();
    const refused = [
      ...(await sessions.start('X', [8001], ['both'])),
      ...(await sessions.start('G', [8002], ['both'])),
      ...(await sessions.start('T', [8003], ['both'])),
    ];
    const kept = await sessions.start('N', [8001], ['both']);
    await sessions.flowing([...refused, ...kept]);
    const rules = await ourRules();

    kernelAlone();
    await ban('X', 'G', 'T');
    await shut(['X', 8001], ['G', 8001, 8002], ['T', 8001, 8002, 8003]);
    await sessions.silent(refused);
    await sessions.flowing(kept);

    await ipset(...lines('del', 'crowd', 'X'), ...lines('del', 'crowd', 'G'), ...lines('del', 'crowd', 'T'));
    for (const [who, port] of [
      ['X', 8001],
      ['G', 8002],
      ['T', 8003],
    ] as const)
      await stage.expectOpen(who, port);
    await sessions.flowing(refused);
    expect(await ourRules()).toBe(rules);
  });

  it('S22: a ban while the banned one is knocking: nothing gets in after the command has returned', async () => {
    await serve('public', 8001, { 'dockwall.public': '*' });
    await stage.pass();
    const prober = await stage.client('X').probe([...stage.served(8001), ...stage.served(8001, 'udp')]);
    await reaching(stage, 'X', stage.served(8001));
    await ban('X');
    const banned = (await prober.look()).duration;
    await shut(['X', 8001]);
    for (const { opened, target } of (await prober.stop()).targets) {
      expect(opened.length).toBeGreaterThan(0);
      // the prober hears of a success a moment after it: of those under way when the command ran
      expect([target, opened.filter((at) => at > banned + 100)]).toEqual([target, []]);
    }
  });

  it('S22: the ban of a silent client is the next pass that sees it: what servers push stops too', async () => {
    await serve('public', 8001, { 'dockwall.public': '*' });
    await stage.pass();
    const pushed = await sessions.start('X', [8001], ['push']);
    const kept = await sessions.start('N', [8001], ['push']);
    await sessions.flowing([...pushed, ...kept]);
    await ban('X');
    await stage.pass();
    await sessions.silent(pushed);
    await sessions.flowing(kept);
  });

  it('S22: its keeper swaps the set for a new one, flushes it, and cannot destroy it', async () => {
    await serve('public', 8001, { 'dockwall.public': '*' });
    await stage.pass();
    kernelAlone();
    for (const [set, family] of [
      ['crowd', 'inet'],
      ['crowd6', 'inet6'],
    ] as const) {
      await ipset(`create ${set}-new hash:net family ${family} timeout 300`);
      await ipset(...lines('add', `${set}-new`, 'X', family));
    }
    await stage.expectOpen('X', 8001);
    await ipset('swap crowd-new crowd', 'swap crowd6-new crowd6');
    await shut(['X', 8001]);
    await stage.expectOpen('N', 8001);
    await ipset('destroy crowd-new', 'destroy crowd6-new');
    await shut(['X', 8001]);
    const destroyed = await stage.host.exec(['ipset', 'destroy', 'crowd'], { allowFailure: true });
    expect(destroyed.stderr).toContain('in use by a kernel component');
    await shut(['X', 8001]);
    await ipset('flush crowd', 'flush crowd6');
    await stage.expectOpen('X', 8001);
  });

  it('S22: a ban that a label asks for is for its own container', async () => {
    await serve('one', 8001, { 'dockwall.public': '*', 'dockwall.deny': 'named' });
    await serve('two', 8002, { 'dockwall.public': '*' });
    await serve('three', 8003, { 'dockwall.allow': 'named' });
    await stage.pass();
    await stage.expectOpen('X', 8001, 8002);
    await stage.expectClosed('X', 8003);
    await ipset(...lines('add', 'named', 'X'), ...lines('add', 'named', 'T'));
    await shut(['X', 8001], ['T', 8001]);
    await stage.expectOpen('X', 8002, 8003);
    await stage.expectOpen('T', 8002, 8003);
    await ban('X');
    await shut(['X', 8001, 8002, 8003]);
  });

  it('S22: a set that is missing or cannot be used refuses nobody, is said to, and counts when it is there', async () => {
    await ipset('create pairs hash:net,port');
    const looked = config.replace('driftCheck: off', 'driftCheck: 1s');
    const odd = `${looked.replace('deny: [bans]', 'deny: [bans, {ipset: later, missing: problem}, "ipset:later6", "ipset:pairs"]')}
trusted: [198.51.100.10, "2001:db8:a::10", "ipset:friends"]`;
    await serve('public', 8001, { 'dockwall.public': '*' });
    await serve('closed', 8002, {});
    await watching({ stage, closed: stage.both(8002) }, async () => {
      await stage.configure(odd.replace(/^trusted.*\n/m, ''));
      const health = await stage.dockwall.health();
      expect(health?.healthy).toBe(false);
      expect(health?.problems.join('\n')).toMatch(
        /"later" does not exist(?:.|\n)*"pairs" is of the type hash:net,port/,
      );
      const warned = stage.dockwall.lines.filter(({ level, set }) => level === 40 && set !== undefined);
      expect(warned.map(({ set }) => set)).toEqual(['friends', 'later', 'pairs']);
      await stage.expectOpen('X', 8001);

      const from = stage.dockwall.lines.length;
      await ipset('create later hash:net', 'create later6 hash:net family inet6', 'create friends hash:ip');
      await ipset(...lines('add', 'later', 'X'));
      for (const name of ['later', 'later6'])
        await stage.dockwall.waitForLog(({ set, level }) => set === name && level === 30, 10_000, from);
      await shut(['X', 8001]);
      await ipset('add friends 192.0.2.50');
      const [v4] = stage.both(8002);
      await reaching(stage, 'N', v4 === undefined ? [] : [v4]);
    });
    await stage.configure(config);
    // nothing of ours holds them now
    await ipset('destroy later', 'destroy later6', 'destroy pairs', 'destroy friends');
    await stage.dockwall.waitHealthy();
    await stage.expectOpen('X', 8001);
  });

  async function serve(name: string, port: number, labels: Record<string, string>): Promise<void> {
    const publish = [`${port}:80`, `${port}:80/udp`];
    await runService(stage.lab.engine, { name, publish, labels, tcp: [80], udp: [80] });
  }

  /** What another program would do. */
  async function ipset(...commands: readonly string[]): Promise<void> {
    await stage.host.exec(['ipset', 'restore'], { input: `${commands.join('\n')}\n` });
  }

  function lines(verb: string, set: string, who: string, only?: 'inet' | 'inet6'): readonly string[] {
    const { v4, v6 } = stage.client(who);
    if (only !== undefined) return [`${verb} ${set} ${only === 'inet' ? v4 : v6}`];
    return [`${verb} ${set} ${v4}`, `${verb} ${set}6 ${v6}`];
  }

  async function ban(...who: readonly string[]): Promise<void> {
    await ipset(...who.flatMap((name) => lines('add', 'crowd', name)));
  }

  /** From this moment on nobody of these gets in on any of these ports. */
  async function shut(...who: readonly (readonly [string, ...number[]])[]): Promise<void> {
    for (const [name, ...ports] of who) {
      const closed = ports.flatMap((port) => [...stage.both(port), ...stage.served(port, 'udp')]);
      await watching({ stage, who: [name], closed }, async () => stage.expectClosed(name, ...ports));
    }
  }

  async function ourRules(): Promise<string> {
    const saved = await Promise.all(
      ['iptables-save', 'ip6tables-save'].map(async (program) => stage.host.exec([program])),
    );
    const text = saved.map(({ stdout }) => stdout).join('\n');
    return text
      .split('\n')
      .filter((line) => line.includes('DOCKWALL-'))
      .join('\n');
  }
});
