import { foreignNames } from '../../src/decide/explain/foreign.ts';
import type { Moment } from '../../src/decide/explain/model.ts';
import { readInventory } from '../../src/decide/inventory/read-inventory.ts';
import { parseNetworks } from '../../src/decide/net/parse-networks.ts';
import { resolve } from '../../src/decide/policy/resolve.ts';
import { render } from '../../src/decide/wall/render.ts';
import { connectDocker } from '../../src/reach/docker/dockerode-client.ts';
import { DockerSource } from '../../src/reach/docker/source.ts';
import type { Run } from '../../src/reach/kernel/command.ts';
import { createKernel, type Kernel } from '../../src/reach/kernel/kernel.ts';
import { config as readConfig } from '../unit/config/loading.ts';
import type { Lab } from './lab.ts';

interface Interface {
  readonly ifname: string;
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number }[];
}

/** What a pass would see on a lab's Docker host at this moment, with this configuration. */
export async function momentIn(lab: Lab, configuration: string): Promise<Moment> {
  // dockerode reads it when it connects
  process.env['DOCKER_HOST'] = `unix://${lab.engine.socket}`;
  const kernel = kernelOf(lab);
  const source = new DockerSource(await connectDocker(), () => {}, { patience: 10_000 });
  delete process.env['DOCKER_HOST'];
  const [snapshot, observed, { stdout }] = await Promise.all([
    source.list(),
    kernel.observe(),
    lab.host.exec(['ip', '-json', 'address', 'show', 'up']),
  ]);
  const found = JSON.parse(stdout) as readonly Interface[];
  const interfaces = found.map(({ ifname, addr_info }) => ({
    name: ifname,
    networks: addr_info.flatMap(({ local, prefixlen }) => {
      const parsed = parseNetworks(`${local}/${prefixlen}`);
      return parsed.ok ? parsed.networks : [];
    }),
  }));
  const inventory = readInventory(snapshot, { interfaces, listeners: [] });
  const policy = resolve(inventory, readConfig(configuration));
  const own = new Set(found.flatMap(({ addr_info }) => addr_info.map(({ local }) => local)));
  const foreign = await kernel.readSets(foreignNames(policy, observed));
  return { policy, inventory, own, kernel: { ruleset: render(policy, 'asked'), observed, foreign } };
}

/** The host's kernel, asked with the host's own programs. */
function kernelOf(lab: Lab): Kernel {
  const run: Run = async ({ program, args, input, timeoutMs }) => {
    const {
      stdout,
      stderr,
      exitCode = 1,
    } = await lab.host.exec([program, ...args], {
      allowFailure: true,
      timeout: timeoutMs,
      ...(input === undefined ? {} : { input }),
    });
    return { stdout: `${stdout}\n`, stderr, exitCode };
  };
  return createKernel(run, {
    readFile: async (path) => {
      const { stdout, stderr, exitCode } = await lab.host.exec(['cat', path], { allowFailure: true });
      if (exitCode === 0) return stdout;
      throw Object.assign(new Error(stderr), { code: stderr.includes('No such file') ? 'ENOENT' : 'EIO' });
    },
  });
}
