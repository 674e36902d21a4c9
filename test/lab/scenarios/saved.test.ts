import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ServiceSpec, runService } from '../containers.ts';
import { runDockwall } from '../dockwall.ts';
import { Persistent } from '../persistent.ts';
import { until } from '../poll.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { measureOpen } from './others.ts';
import { play, powerOff } from './power-off.ts';
import { readRuleText } from './rule-text.ts';
import { Stage } from './stage.ts';
import { watching } from './watch.ts';

// A host that saves its rules while dockwall is up, with Debian's own packages, and what its next boot makes of them. Its own rules are one for
// each family: a service of the host that nobody may reach from outside.

const own = 2323;
const always = ['--restart=always'];

const services: readonly ServiceSpec[] = [
  { name: 'public', publish: ['8001:80'], labels: { 'dockwall.public': '*' } },
  { name: 'closed', publish: ['8002:80'] },
  { name: 'allowed', publish: ['8003:80'], labels: { 'dockwall.allow': 'web' } },
];

/** A table as an administrator writes it, which says the same for another port. */
const ownTable = `
nft add table inet mine
nft 'add chain inet mine input { type filter hook input priority 0; }'
nft add rule inet mine input tcp dport 2324 drop
`;

describe.skipIf(skipWithoutLab()).each(engines('nft'))('rules that are saved, Docker $title', (setup) => {
  let stage: Stage;
  let host: Persistent;
  let units: Record<'wall' | 'sets', string>;

  beforeAll(async () => {
    // after a boot no container runs, live-restore or not
    stage = await Stage.open(setup, { liveRestore: false });
    host = new Persistent(stage.lab);
    await stage.client('host').serve({ tcp: [22, own, 2324] });
    for (const program of ['iptables', 'ip6tables'])
      await stage.print(program, '-A', 'INPUT', '-i', 'ext0', '-p', 'tcp', '--dport', `${own}`, '-j', 'DROP');
    // a set of somebody else's in such a file is that one's trouble, and not the question here
    const foreign = '-m set --match-set foreign-admins src -m comment --comment foreign -j ACCEPT';
    await stage.print('iptables', '-D', 'INPUT', ...foreign.split(' '));
    for (const spec of services) await runService(stage.lab.engine, { ...spec, flags: always });
    await stage.guard();
    units = { wall: await printed('boot-unit'), sets: await printed('boot-unit', '--sets') };
    await host.shell(`${ownTable}nft list table inet mine >/etc/iptables/own.nft`);
    await host.shell('nft list ruleset >/etc/iptables/whole.nft');
    await host.call('save', { ipset: false });
  });
  afterAll(async () => {
    await stage.flushed();
    await stage.host.exec(['nft', 'destroy table inet mine'], { allowFailure: true });
    await stage.close();
  });

  it('saved: without the unit none of the rules load, and doctor has said so', async () => {
    const { stdout } = await runDockwall(stage.lab, ['doctor'], { mounts: [host.mount] });
    expect(stdout).toMatch(/problem +saved +\/etc\/iptables\/rules\.v4, \/etc\/iptables\/rules\.v6: /);
    expect(stdout).toContain('iptables-save | grep -v DOCKWALL');

    await boot();
    expect(await host.call('start', { ipset: false })).toMatch(/Set dockwall4-\S+ doesn't exist/);
    await stage.expectOpen('X', own);
    expect(await readRuleText(stage.lab)).not.toMatch(/dockwall/i);

    await host.shell(
      'cd /etc/iptables; for f in rules.v?; do grep -v DOCKWALL $f >$f.new; mv $f $f.all; mv $f.new $f; done',
    );
    await host.call('start', { ipset: false });
    await stage.expectClosed('X', own);
    expect(await readRuleText(stage.lab)).not.toMatch(/dockwall/i);
    await host.shell('cd /etc/iptables; for f in rules.v?; do mv $f.all $f; done');
  });

  it('saved: with both units all of them load, and nobody gets into a container before dockwall is up', async () => {
    await boot();
    await play(stage, units.sets);
    expect(await host.call('start', { ipset: false })).not.toMatch(/NOT loaded|exist|rror/);
    await play(stage, units.wall);
    await expectOwnRules();
    const { v4 } = stage.host;
    await watching(
      { stage, closed: [8001, 8002, 8003, own].flatMap((port) => stage.both(port)) },
      async () => {
        await stage.lab.engine.start();
        await serving(8001, 8002, 8003);
      },
    );
    for (const who of ['T', 'G']) await stage.expectClosed(who, 8001, 8002, 8003);
    expect(await stage.client('X').connect(v4, 22)).toBe('open');
    await comeUp({ closed: [8002, 8003] });
    await stage.waitOpen('X', 8001);
    await stage.waitOpen('G', 8003);
    // on a host where no bridge is Docker's the unit cannot tell a wall that is kept from one of a file
    stage.dockwall.signal('SIGSTOP');
    await play(stage, units.wall.replace('docker0|docker_gwbridge|br-', 'nosuch'));
    expect(await readRuleText(stage.lab)).toContain('DOCKWALL-BOOT');
    stage.dockwall.signal('SIGCONT');
    await wallGone();
  });

  it('saved: with ipset-persistent, what was let in when it was saved does not come back', async () => {
    await host.call('save', { ipset: true });
    expect((await runDockwall(stage.lab, ['doctor'], { mounts: [host.mount] })).stdout).not.toContain(
      'rules.v4',
    );
    await stage.lab.engine.docker('rm', '--force', 'public');
    await runService(stage.lab.engine, { name: 'private', publish: ['8001:80'], flags: always });
    await runService(stage.lab.engine, { name: 'late', publish: ['8005:80'], flags: always });
    await stage.pass();
    const closed = [8001, 8002, 8003, 8005].flatMap((port) => stage.both(port));
    // loaded over the walls that stand, the old rules open nothing: the sets are what they are
    await watching({ stage, closed }, async () => {
      expect(await host.call('start', { ipset: false })).not.toMatch(/NOT loaded|exist|rror/);
      await stage.pass();
    });
    await boot();
    // with the other unit as well: sets that exist are no trouble to it
    await play(stage, units.sets);
    expect(await host.call('start', { ipset: true })).not.toMatch(/NOT loaded|exist|rror/);
    await powerOff(stage);
    expect(await host.call('start', { ipset: true })).not.toMatch(/NOT loaded|exist|rror/);
    expect(await readRuleText(stage.lab)).toMatch(/add dockwall4-public \S*8001/);
    await play(stage, units.wall);
    await expectOwnRules();
    await watching({ stage, closed }, async () => {
      await stage.lab.engine.start();
      await serving(8001, 8002, 8003, 8005);
      await comeUp({ closed: [8001, 8002, 8003, 8005] });
    });
    await stage.waitOpen('T', 8005);
  });

  it('S34: netfilter-persistent while dockwall runs: stale rules and sets loaded, and flush', async () => {
    const start = async (): Promise<unknown> => host.call('start', { ipset: true });
    // when it was saved 8001 was public: what the old set says holds until the next check
    expect(await measureOpen(stage, { closed: 8001, act: start })).toBeLessThan(5000);
    const flush = async (): Promise<unknown> => host.call('flush', { ipset: true });
    expect(await measureOpen(stage, { closed: 8002, act: flush })).toBe(0);
    // Docker's rules are back with the file
    expect(await measureOpen(stage, { closed: 8002, act: start })).toBe(0);
    await stage.waitOpen('T', 8002);
    await expectOwnRules();
  });

  it.runIf(setup.backend === 'nft')(
    'saved: what nft lists does not load as a whole; a table of one’s own does',
    async () => {
      const refused = await host.shell('nft -f /etc/iptables/whole.nft');
      expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining('rror')]);
      await expectOwnRules();
      await stage.expectClosed('X', 8002, 8005);
      await boot();
      expect((await host.shell('nft -f /etc/iptables/whole.nft')).exitCode).toBe(1);
      await stage.expectOpen('X', 2324);
      expect(await host.shell('nft -f /etc/iptables/own.nft')).toMatchObject({ exitCode: 0, stderr: '' });
      await stage.expectClosed('X', 2324);
      await stage.lab.engine.start();
      await stage.guard();
    },
  );

  async function printed(...args: readonly string[]): Promise<string> {
    return (await runDockwall(stage.lab, args)).stdout;
  }

  /** The host goes down with all that runs on it, and is up again, with nothing in its kernel. */
  async function boot(): Promise<void> {
    await stage.dockwall.kill();
    await powerOff(stage);
  }

  /** The rules of the host itself are there, seen from outside. */
  async function expectOwnRules(): Promise<void> {
    await stage.expectClosed('X', own);
    await stage.expectOpen('X', 22);
  }

  /** Dockwall starts, mends what has come from the file, and finds nothing more to do. */
  async function comeUp({ closed }: { readonly closed: readonly number[] }): Promise<void> {
    await stage.guard();
    await stage.expectClosed('X', ...closed);
    await stage.waitOpen('T', 8002);
    await expectOwnRules();
    await wallGone();
    expect(await runDockwall(stage.lab, ['plan', '--check'])).toMatchObject({ exitCode: 0 });
  }

  async function wallGone(): Promise<void> {
    await until({ what: 'the boot wall to be gone', ms: 10_000 }, async () => {
      return !(await readRuleText(stage.lab)).includes('DOCKWALL-BOOT');
    });
  }

  /** Waits until these are served, seen from the host itself. */
  async function serving(...ports: readonly number[]): Promise<void> {
    for (const port of ports) await stage.waitOpen('host', port, 30_000);
  }
});
