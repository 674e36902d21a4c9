import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runService } from '../containers.ts';
import { runDockwall } from '../dockwall.ts';
import { engineRunDir } from '../engine-cell.ts';
import { dockwallImage, dockwallImageTar, loadImages } from '../image.ts';
import { projectDir } from '../paths.ts';
import { until } from '../poll.ts';
import { skipWithoutLab } from '../requirements.ts';
import type { RunResult } from '../run.ts';
import { SocketProxy } from '../socket-proxy.ts';
import { engines } from './matrix.ts';
import { Stage, usualConfig } from './stage.ts';
import { watching } from './watch.ts';

// The sidecar as people harden it: read-only, as a user, behind a proxy of Docker's socket, with the host's lock. Whatever does not work then, the
// walls stand (docker-proxy's IPv6 too), and the words say what to change.

const asRoot = 'run it as root: take "user:" out of the dockwall service in the compose file';

describe.skipIf(skipWithoutLab()).each(engines('legacy'))('a hardened sidecar, Docker $title', (setup) => {
  let stage: Stage;

  beforeAll(async () => {
    const [tar] = await Promise.all([
      dockwallImageTar(),
      Stage.open(setup).then((opened) => (stage = opened)),
    ]);
    await loadImages(stage.lab, tar);
    await stage.print('touch', '/run/xtables.lock');
    const { engine } = stage.lab;
    await runService(engine, { name: 'web', publish: ['8001:80'], labels: { 'dockwall.public': '*' } });
    await runService(engine, { name: 'closed', publish: ['8002:80'] });
  });
  afterAll(async () => stage.close());

  const docker = async (...args: readonly string[]): Promise<RunResult> =>
    stage.lab.engine.exec(['docker', ...args], { allowFailure: true, timeout: 60_000 });
  const mounts = ['/var/run/docker.sock:/var/run/docker.sock:ro', '/run/xtables.lock:/run/xtables.lock'];
  const usual = [
    '--network=host',
    ...mounts.flatMap((mount) => ['--volume', mount]),
    '--env',
    'DOCKWALL_TRUSTED=198.51.100.10,2001:db8:a::10',
  ];
  const sidecar = async (...args: readonly string[]): Promise<RunResult> =>
    docker('exec', 'dockwall', 'dockwall', ...args);

  it('hardened: read-only without a tmpfs it guards, unhealthy, and says what to mount', async () => {
    const readOnly = ['--detach', '--name', 'dockwall', '--read-only', '--privileged', ...usual];
    await docker('run', ...readOnly, dockwallImage);
    await until({ what: 'the first pass', ms: 20_000, every: 100 }, async () =>
      (await docker('logs', 'dockwall')).stdout.includes(' guards 2 services'),
    );
    const log = (await docker('logs', 'dockwall')).stdout;
    expect(log).toMatch(/ERROR the health socket .* cannot be made .*add "tmpfs: \[\/run\/dockwall\]"/);
    await watching({ stage, closed: stage.both(8002) }, async (watch) => {
      await watch.keepServed('X', 8001);
      await watch.keepServed('T', 8002);
      const health = await sidecar('health');
      expect([health.exitCode, health.stdout]).toEqual([
        1,
        expect.stringMatching(/^unhealthy: .*a read-only container needs "tmpfs: \[\/run\/dockwall\]"/),
      ]);
      expect((await docker('inspect', '--format', '{{.State.Running}}', 'dockwall')).stdout).toBe('true');
      await docker('rm', '--force', 'dockwall');
      await docker('run', ...readOnly, '--tmpfs', '/run/dockwall', dockwallImage);
      await until({ what: 'the sidecar to be well', ms: 20_000, every: 100 }, async () => {
        return (await sidecar('health')).exitCode === 0;
      });
    });
    await docker('rm', '--force', 'dockwall');
  });

  it('hardened: as a user it ends, and says to run as root; nothing opens', async () => {
    const user = ['--rm', '--user=1000', '--cap-add=NET_ADMIN', '--cap-add=NET_RAW', ...usual];
    await watching({ stage, closed: stage.both(8002) }, async () => {
      const ended = await docker('run', ...user, dockwallImage);
      expect([ended.exitCode, ended.stderr]).toEqual([4, expect.stringContaining(asRoot)]);
      const { stdout } = await docker('run', ...user, dockwallImage, 'doctor', '--json');
      const { lines } = JSON.parse(stdout) as { lines: { topic: string; advice?: string }[] };
      for (const topic of ['privileges', 'rules', 'kernel'])
        expect(lines.find((line) => line.topic === topic)?.advice).toBe(asRoot);
    });
  });

  it.each([
    ['/events', 'opening the event stream', 'GET /events (docker-socket-proxy: EVENTS=1)', false],
    ['/containers', 'listing containers', 'GET /containers (docker-socket-proxy: CONTAINERS=1)', false],
    ['/info', 'Docker does not say what it is', 'allow INFO=1', true],
  ])('hardened: a proxy that refuses %s', async (refused, what, allow, healthy) => {
    const proxy = await SocketProxy.start(stage.lab, { refuses: [refused] });
    const env = { DOCKER_HOST: SocketProxy.dockerHost };
    const daemon = await stage.guardOnly({ config: usualConfig, env });
    await watching({ stage, closed: stage.both(8002) }, async (watch) => {
      await watch.keepServed('T', 8002);
      await daemon.waitForLog(({ raw }) => raw.includes(what) && raw.includes(allow));
      if (healthy) {
        await daemon.waitHealthy();
        const { stdout } = await runDockwall(stage.lab, ['doctor'], { env });
        expect(stdout.replaceAll(/\n +/g, ' ')).toContain(allow);
      } else {
        await until({ what: 'health to name the call', ms: 10_000 }, async () =>
          (await daemon.health())?.problems.some((one) => one.includes(what) && one.includes(allow)),
        );
      }
      expect(daemon.text).not.toMatch(/<html>|Docker went away|Docker answers again/);
    });
    await daemon.kill();
    await proxy.close();
  });

  it('hardened: docs/recipes/hardened.compose.yml guards, and doctor finds nothing that it does not need', async () => {
    const folder = path.join(engineRunDir(stage.lab.id), 'recipes');
    const example = readFileSync(path.join(projectDir, 'docs/recipes/hardened.compose.yml'), 'utf8');
    mkdirSync(folder);
    // this host's Docker uses iptables-legacy
    writeFileSync(
      path.join(folder, 'compose.yml'),
      example.replace('      # - {type: bind,', '      - {type: bind,'),
    );
    const compose = ['compose', '--file', '/run/recipes/compose.yml'];
    await stage.print('touch', '/run/xtables.lock');
    await watching({ stage, closed: stage.both(8002) }, async (watch) => {
      const up = [...compose, 'up', '--detach', '--pull', 'never', '--no-build', 'dockwall'];
      expect(await docker(...up)).toMatchObject({ exitCode: 0 });
      const inside = async (...args: readonly string[]): Promise<RunResult> =>
        docker(...compose, 'exec', '-T', 'dockwall', 'dockwall', ...args);
      await until({ what: 'the sidecar to be well', ms: 20_000, every: 100 }, async () => {
        return (await inside('health')).exitCode === 0;
      });
      await watch.keepServed('X', 8001);
      const { lines } = JSON.parse((await inside('doctor', '--json')).stdout) as {
        lines: { topic: string; kind: string; text: string }[];
      };
      const said = lines.find(({ topic }) => topic === 'privileges');
      expect(said?.text).toBe('NET_ADMIN and NET_RAW, and nothing that it does not need');
      expect(lines.find(({ topic }) => topic === 'socket')?.text).toContain('is mounted');
      expect(lines.filter(({ kind }) => kind === 'problem')).toEqual([]);
    });
    await docker(...compose, 'down', '--volumes');
  });

  it('hardened: the line of compose.example.yml for the lock never makes a folder of it', async () => {
    const lock = path.join(engineRunDir(stage.lab.id), 'xtables.lock');
    const folder = path.join(engineRunDir(stage.lab.id), 'dockwall');
    const example = readFileSync(path.join(projectDir, 'compose.example.yml'), 'utf8');
    const text = example.replace('      # - {type: bind,', '      - {type: bind,');
    expect(text).not.toBe(example);
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'compose.yml'), text);
    const compose = ['compose', '--file', '/run/dockwall/compose.yml'];
    const up = [...compose, 'up', '--detach', '--pull', 'never', '--no-build', 'dockwall'];

    rmSync(lock);
    const refused = await docker(...up);
    expect([refused.exitCode, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/bind source path does not exist: \/run\/xtables\.lock/),
    ]);
    expect(statSync(lock, { throwIfNoEntry: false })?.isDirectory() ?? false).toBe(false);

    await stage.print('touch', '/run/xtables.lock');
    expect(await docker(...up)).toMatchObject({ exitCode: 0 });
    await until({ what: 'the sidecar to be well', ms: 20_000, every: 100 }, async () => {
      return (await docker(...compose, 'exec', '-T', 'dockwall', 'dockwall', 'health')).exitCode === 0;
    });
    expect((await docker(...compose, 'logs', 'dockwall')).stdout).not.toContain('xtables.lock');
    await docker(...compose, 'down', '--volumes');
  });
});
