import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stackImageTars } from '../demo/images.ts';
import { measure, wrongCells } from '../demo/matrix.ts';
import { people } from '../demo/people.ts';
import { stopProbers } from '../demo/probe.ts';
import { Stack } from '../demo/stack.ts';
import { Lab } from './lab.ts';
import { until } from './poll.ts';
import { expectNothingOpened, expectServed } from './prober.ts';
import { skipWithoutLab } from './requirements.ts';

// The whole thing as its users have it: the image of our Dockerfile, compose.example.yml unchanged, Docker Compose, and
// packets from outside. Both engines go through it side by side, one step after the other.

const engines = [
  { version: '28', backend: 'nft' },
  { version: '20', backend: 'legacy' },
] as const;

/** Longer without a success, ms, and an allowed client was shut out; the machine may be busy with two engines. */
const longestOutage = 1500;

const stacks = new Map<string, Stack>();

async function onBoth(work: (stack: Stack) => Promise<void>): Promise<void> {
  const each = [...stacks].map(async ([version, stack]) => {
    await work(stack).catch((cause: unknown) => {
      throw new Error(`with Docker ${version}: ${cause instanceof Error ? cause.message : String(cause)}`, {
        cause,
      });
    });
  });
  for (const result of await Promise.allSettled(each)) if (result.status === 'rejected') throw result.reason;
}

async function expectMatrix(stack: Stack): Promise<void> {
  expect(wrongCells(await measure(stack.lab))).toEqual([]);
}

/** Nothing that is closed opens while something happens, nor until all is served again. */
async function underFire(stack: Stack, happens: () => Promise<unknown>): Promise<void> {
  const probers = await stack.probeForbidden();
  await happens();
  await stack.waitHealthy();
  await stack.waitServed();
  const { targets } = await stopProbers(probers);
  expectNothingOpened({ targets, began: 0, duration: 0, longestStall: 0 });
}

/** Every rule set and every ipset of the Docker host, as text. */
async function kernelText({ lab }: Stack): Promise<string> {
  const saves = ['iptables', 'ip6tables'].flatMap((name) => [`${name}-nft-save`, `${name}-legacy-save`]);
  const said = await Promise.all(
    [...saves.map((save) => [save]), ['ipset', 'save']].map(async (argv) => lab.host.exec(argv)),
  );
  return said.map(({ stdout }) => stdout).join('\n');
}

describe.skipIf(skipWithoutLab())('the sidecar of compose.example.yml', () => {
  beforeAll(async () => {
    const tars = await stackImageTars();
    await Promise.all(
      engines.map(async (engine) => {
        const lab = await Lab.start({ engine, clients: people.map(({ client }) => client) });
        const stack = new Stack(lab);
        stacks.set(engine.version, stack);
        await stack.load(tars);
        await stack.up();
      }),
    );
  });

  afterAll(async () => {
    await Promise.all([...stacks.values()].map(async ({ lab }) => lab.down()));
  });

  it('becomes healthy, and Docker says so', async () => {
    await onBoth(async (stack) => {
      await stack.waitHealthy();
      await stack.waitServed();
      await until({ what: 'Docker to call it healthy', ms: 30_000, every: 500 }, async () => {
        return (await stack.dockerHealth()) === 'healthy';
      });
    });
  });

  it('lets everybody reach what the labels say, and nothing else', async () => {
    await onBoth(expectMatrix);
    await onBoth(async (stack) => {
      expect(await stack.throughProxy('wiki')).toBe(200);
      expect(await stack.throughProxy('blog')).toBe(200);
      expect(await stack.throughProxy('nobody')).toBe(503);
    });
  });

  it('answers inside the container', async () => {
    await onBoth(async (stack) => {
      const version = await stack.dockwall('version');
      expect(version).toEqual({ exitCode: 0, stdout: expect.stringMatching(/^dockwall \d+\./), stderr: '' });
      expect(await stack.dockwall('--version')).toEqual(version);
      const status = await stack.dockwall('status');
      expect(status.stdout).toMatch(/wiki.* 8080 .*trusted, office/);
      expect(status).toMatchObject({ exitCode: 0, stderr: '' });
      expect(await stack.dockwall('plan', '--check')).toMatchObject({ exitCode: 0 });
    });
  });

  it('stays so through a restart of the engine', async () => {
    await onBoth(async (stack) => underFire(stack, async () => stack.lab.engine.restart()));
    await onBoth(expectMatrix);
  });

  it('stays so through a restart of the proxy', async () => {
    await onBoth(async (stack) => underFire(stack, async () => stack.compose('restart', 'nginx-proxy')));
    await onBoth(expectMatrix);
  });

  it('S25: stays so while it is replaced by a new one', async () => {
    await onBoth(async (stack) => {
      const { v4, v6 } = stack.lab.host;
      const targets = [v4, v6].map((ip) => ({ proto: 'tcp', ip, port: 8081 }) as const);
      const allowed = await stack.lab.client('trusted').probe(targets, { every: 10 });
      const old = await stack.container('dockwall');
      await underFire(stack, async () => stack.replace());
      expect(await stack.container('dockwall')).not.toBe(old);
      expectServed(await allowed.stop(), longestOutage);
    });
    await onBoth(expectMatrix);
  });

  it('has nothing to warn of but the lock, which compose.example.yml leaves to those whose Docker uses iptables-legacy', async () => {
    await onBoth(async (stack) => {
      const warnings = (await stack.logs()).filter((line) => !/^\d\d:\d\d:\d\d (?!WARNING|ERROR)/.test(line));
      const lock = expect.stringContaining('mount /run/xtables.lock into the dockwall service');
      expect(warnings).toEqual(stack.lab.engine.options.backend === 'legacy' ? [lock] : []);
    });
  });

  it('refuses to stand in a network of its own, where it would guard nothing', async () => {
    await onBoth(async (stack) => {
      const socket = '/var/run/docker.sock:/var/run/docker.sock';
      const run = ['docker', 'run', '--rm', '--privileged', '--volume', socket, 'dockwall:latest'];
      const ended = await stack.lab.engine.exec(run, { allowFailure: true, timeout: 60_000 });
      expect([ended.exitCode, ended.stderr]).toEqual([
        4,
        expect.stringContaining('does not run in the host\'s network: add "network_mode: host"'),
      ]);
    });
  });

  it('is not taken down from another container while it runs', async () => {
    await onBoth(async (stack) => {
      const command = ['run', '--rm', 'dockwall', 'down'] as const;
      await expect(stack.compose(...command)).rejects.toThrow('dockwall is running on this host');
      await expectMatrix(stack);
    });
  });

  it('leaves the walls up when it is stopped', async () => {
    await onBoth(async (stack) => {
      await stack.compose('stop', 'dockwall');
      await expectMatrix(stack);
    });
  });

  it('takes every trace away when it is told to', async () => {
    await onBoth(async (stack) => {
      expect(await kernelText(stack)).toMatch(/dockwall/i);
      await stack.compose('run', '--rm', 'dockwall', 'down');
      expect(await kernelText(stack)).not.toMatch(/dockwall/i);
      const { host } = stack.lab;
      for (const ip of [host.v4, host.v6]) {
        const patience = 5000;
        expect(await stack.lab.client('stranger').connect(ip, 8081, { patience })).toBe('open');
      }
    });
  });
});
