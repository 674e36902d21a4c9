import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runService } from '../containers.ts';
import { runDockwall, stateDir } from '../dockwall.ts';
import { projectDir } from '../paths.ts';
import { until } from '../poll.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { Stage, usualConfig } from './stage.ts';
import { watching } from './watch.ts';

// What happens when something is wrong: closed, told, and healed by itself.

const broken = 'logLevel: debug\ndefault: clsoed\n';

describe.skipIf(skipWithoutLab()).each(engines('legacy'))(
  'when something is wrong, Docker $title',
  (setup) => {
    let stage: Stage;

    beforeAll(async () => {
      stage = await Stage.open(setup);
    });
    afterEach(async () => {
      if (stage.guarded) await stage.dockwall.kill();
      await stage.clear();
    });
    afterAll(async () => stage.close());

    it('no Docker socket: says so with exit code 5, and the gate is up already', async () => {
      const env = { DOCKER_HOST: 'unix:///run/host/nothing.sock' };
      const ended = await runDockwall(stage.lab, [], { env, config: usualConfig });
      expect(ended.exitCode).toBe(5);
      expect(ended.stderr).toMatch(/there is nothing\n.*mount its socket into the dockwall service/s);
      for (const program of ['iptables', 'ip6tables'])
        expect(await stage.print(program, '-t', 'mangle', '-S', 'PREROUTING')).toMatch(/-j DOCKWALL-GATE$/m);
    });

    it('no NET_ADMIN: says what to add, with exit code 4', async () => {
      const dist = path.join(stage.lab.disk, 'unprivileged');
      mkdirSync(dist, { recursive: true });
      cpSync(path.join(projectDir, 'dist'), path.join(dist, 'real'), { recursive: true });
      writeFileSync(path.join(dist, 'main.js'), withoutNetAdmin);
      const ended = await runDockwall(stage.lab, [], { dist });
      expect(ended).toMatchObject({ exitCode: 4 });
      expect(ended.stderr).toMatch(/lacks NET_ADMIN.*cap_add: \[NET_ADMIN, NET_RAW\]/s);
    });

    it('S24: a bad configuration at the start: everything is closed, unhealthy, and a good file heals it', async () => {
      const { engine } = stage.lab;
      await runService(engine, { name: 'public', publish: ['8001:80'], labels: { 'dockwall.public': '*' } });
      await runService(engine, { name: 'closed', publish: ['8002:80'] });
      rmSync(path.join(stateDir(stage.lab), 'config.good'), { force: true });
      const daemon = await stage.guardOnly({ config: broken });
      const line = await daemon.waitForLog(({ level }) => level === 50);
      expect(line['msg']).toMatch(/dockwall\.yml:2:10: default: .*clsoed.*every published port is closed/s);
      // said by the first pass, when it has written
      await daemon.waitForLog(({ msg }) => /^dockwall .* guards 2 services/.test(String(msg)));
      for (const who of ['X', 'T', 'G']) await stage.expectClosed(who, 8001, 8002);
      const health = await runDockwall(stage.lab, ['health']);
      expect(health).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('dockwall.yml:2:10') });

      await watching({ stage, closed: stage.both(8002) }, async (watch) => {
        await stage.configure(usualConfig);
        await watch.keepServed('X', 8001);
        await watch.keepServed('T', 8001, 8002);
        await daemon.waitHealthy();
      });
    });

    it('S24: a bad configuration later, and a restart with it: the last good one stays in force, unhealthy', async () => {
      const { engine } = stage.lab;
      const daemon = await stage.guard();
      await watching({ stage, closed: [...stage.both(8001), ...stage.both(8002)] }, async (watch) => {
        await runService(engine, {
          name: 'allowed',
          publish: ['8001:80'],
          labels: { 'dockwall.allow': 'web' },
        });
        await watch.keepServed('G', 8001);
        const from = daemon.lines.length;
        await stage.configure(broken);
        const line = await daemon.waitForLog(({ level }) => level === 50, 5000, from);
        expect(line['msg']).toMatch(/dockwall\.yml:2:10: .*last good one stays/s);
        expect(await daemon.health()).toMatchObject({ healthy: false });
        // and it goes on working: a container that comes now is guarded by the old one
        await runService(engine, { name: 'closed', publish: ['8002:80'] });
        await watch.keepServed('T', 8001, 8002);
        // and so does the next process, which an edit of the compose file makes
        await stage.dockwall.kill();
        const next = await stage.guardOnly({ config: broken });
        const told = await next.waitForLog(({ level }) => level === 50);
        expect(told['msg']).toMatch(/dockwall\.yml:2:10: .*last good one stays in force \(of /s);
        await next.waitForLog(({ msg }) => /^dockwall .* guards 2 services/.test(String(msg)));
        expect(await next.health()).toMatchObject({ healthy: false });
        await watch.keepServed('T', 8001, 8002);
        await stage.configure(usualConfig);
        await next.waitHealthy();
      });
    });

    it('S24: Docker is gone for a while: the walls stay, unhealthy, and it comes back', async () => {
      const { engine } = stage.lab;
      const daemon = await stage.guard();
      const flags = ['--restart=always'];
      await watching({ stage, closed: stage.both(8002) }, async (watch) => {
        await runService(engine, { name: 'closed', publish: ['8002:80'], flags });
        await stage.pass();
        const gate = await walls();
        await engine.stop();
        await until({ what: 'dockwall to be unhealthy', ms: 10_000 }, async () => {
          return (await daemon.health())?.healthy === false;
        });
        expect(await walls()).toBe(gate);
        await engine.start();
        await daemon.waitHealthy();
        await watch.keepServed('T', 8002);
        await stage.pass();
        expect(await walls()).toBe(gate);
      });
    });

    /** The gate in both families, without counters. */
    async function walls(): Promise<string> {
      const saved = await Promise.all(
        ['iptables', 'ip6tables'].map(async (program) => stage.print(program, '-t', 'mangle', '-S')),
      );
      return saved.join('\n');
    }
  },
);

// Drops what a container without privileges does not have, and becomes the real program.
const withoutNetAdmin = `
import { spawnSync } from 'node:child_process';
const drop = ['--bounding-set=-net_admin,-net_raw', '--inh-caps=-net_admin,-net_raw'];
const argv = [...drop, process.execPath, '/app/dist/real/main.js', ...process.argv.slice(2)];
process.exit(spawnSync('setpriv', argv, { stdio: 'inherit' }).status ?? 99);
`;
