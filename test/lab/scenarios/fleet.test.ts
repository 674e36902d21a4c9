import { cpSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Status } from '../../../src/decide/report/status.ts';
import { people } from '../../demo/people.ts';
import type { Target } from '../agent/protocol.ts';
import { inCampaign } from '../campaign/record.ts';
import { engineRunDir } from '../engine-cell.ts';
import { dockwallImageTar } from '../image.ts';
import { Lab } from '../lab.ts';
import { addNode, firstNode, type Node } from '../more-hosts.ts';
import { projectDir } from '../paths.ts';
import { until } from '../poll.ts';
import { expectNothingOpened } from '../prober.ts';
import { skipWithoutLab } from '../requirements.ts';
import { everyPair } from './matrix.ts';
import { Mesh } from './mesh.ts';
import { recordProbes } from './record.ts';

// docs/recipes/swarm.stack.yml as it is, on a Swarm of three Docker hosts: the image of the Dockerfile on each, real VXLAN between them. The mesh's
// IPVS is played where the kernel has none: see mesh.ts. Three engines and three images are for the campaign.

const [, setup] = everyPair;
const spec = { version: setup.version, backend: setup.backend } as const;
const stack = 'site';

describe.skipIf(skipWithoutLab() || !inCampaign)(`a fleet, Docker ${setup.title}`, () => {
  let lab: Lab;
  const nodes: Node[] = [];
  const [web, shop, shut] = [8080, 8081, 8082];

  beforeAll(async () => {
    lab = await Lab.start({ engine: spec, clients: people.map(({ client }) => client) });
    // "no such name" at once: the engine looks for each image in a registry first
    await lab.internet.serve({ dns: { ttl: 1, names: {} } });
    nodes.push(firstNode(lab));
    for (const last of [11, 12])
      nodes.push(
        await addNode(lab, { name: `h${last}`, v4: `192.0.2.${last}`, v6: `2001:db8:1::${last}` }, spec),
      );
    const tar = await dockwallImageTar();
    await Promise.all(
      nodes.map(async ({ engine }) => {
        await engine.exec(['docker', 'load'], { inputFile: tar, timeout: 300_000 });
        // what stands in for nginx
        const entry = 'ENTRYPOINT ["/bin/serve", "--name", "site", "--tcp", "80"]';
        await engine.docker('import', '-c', entry, '/lab/image.tar', 'nginx:1.29');
      }),
    );
    const manager = nodes[0]?.engine;
    await manager?.docker('swarm', 'init', '--advertise-addr', lab.host.v4);
    await join(node(1));
  }, 300_000);
  afterAll(async () => lab.down());

  function node(index: number): Node {
    const found = nodes[index];
    if (found === undefined) throw new Error(`there is no node ${index}`);
    return found;
  }

  async function join({ engine, machine }: Node): Promise<void> {
    const token = (await node(0).engine.docker('swarm', 'join-token', '--quiet', 'worker')).trim();
    await engine.docker(
      'swarm',
      'join',
      '--token',
      token,
      '--advertise-addr',
      machine.v4,
      `${lab.host.v4}:2377`,
    );
  }

  const doors = ({ machine }: Node, port: number): readonly Target[] =>
    [machine.v4, machine.v6].map((ip) => ({ proto: 'tcp', ip, port }));

  /** What `dockwall VERB` says in the sidecar of a node; undefined while none runs there. */
  async function dockwall({ engine }: Node, ...verb: readonly string[]): Promise<string | undefined> {
    const id = (await engine.docker('ps', '--quiet', '--filter', `name=${stack}_dockwall`)).trim();
    if (id === '') return undefined;
    const said = await engine.exec(['docker', 'exec', id, 'dockwall', ...verb], { allowFailure: true });
    return said.exitCode === 0 ? said.stdout : undefined;
  }

  async function guarded(...which: readonly Node[]): Promise<void> {
    for (const one of which)
      await until({ what: `dockwall to be well on ${one.machine.name}`, ms: 60_000, every: 200 }, async () =>
        (await dockwall(one, 'health'))?.startsWith('healthy'),
      );
  }

  const open = async (who: string, one: Node, port: number): Promise<void> => {
    for (const { ip } of doors(one, port))
      await until({ what: `${who} to reach ${ip} ${port}`, ms: 30_000, every: 100 }, async () => {
        return (await lab.client(who).connect(ip, port)) === 'open';
      });
  };

  async function policies(...which: readonly Node[]): Promise<ReadonlySet<string | null>> {
    const said = await Promise.all(which.map(async (one) => dockwall(one, 'status', '--json')));
    return new Set(said.map((text) => (JSON.parse(text ?? '{}') as Status).policy));
  }

  it('swarm: each host guards itself, as the labels of its own containers and the shared configuration say', async () => {
    cpSync(path.join(projectDir, 'docs/recipes'), path.join(engineRunDir(lab.id), 'recipes'), {
      recursive: true,
    });
    const deploy = ['stack', 'deploy', '--resolve-image', 'never', '--detach=true'];
    const first = nodes.slice(0, 2);
    // guarded first: a boot without the unit is another scenario's
    await node(0).engine.docker(...deploy, '-c', '/run/recipes/swarm.stack.yml', stack);
    await guarded(...first);
    const stranger = await lab.client('stranger').probe(first.flatMap((one) => doors(one, web)));
    for (const one of first) await open('office', one, web);
    for (const one of first) await open('trusted', one, web);
    const report = await stranger.stop();
    recordProbes({ setup }, [report]);
    expectNothingOpened(report);
    expect((await policies(...first)).size).toBe(1);
  }, 180_000);

  it('swarm: a host joins and is guarded with the others, and leaves', async () => {
    const third = node(2);
    await join(third);
    await guarded(third);
    const stranger = await lab.client('stranger').probe(nodes.flatMap((one) => doors(one, web)));
    await open('office', third, web);
    const all = await policies(...nodes);
    expect([all.size, [...all][0]]).toEqual([1, expect.stringMatching(/^[0-9a-f]{12}$/)]);
    await third.engine.docker('swarm', 'leave');
    await until({ what: 'its tasks to end', ms: 60_000, every: 200 }, async () => {
      return (await third.engine.docker('ps', '--quiet')).trim() === '';
    });
    // the walls stand without the sidecar, and the others go on
    expect(await lab.client('stranger').connect(third.machine.v4, web)).not.toBe('open');
    expect((await third.engine.exec(['iptables', '-t', 'mangle', '-S'])).stdout).toContain('DOCKWALL');
    for (const one of nodes.slice(0, 2)) await open('office', one, web);
    const report = await stranger.stop();
    recordProbes({ setup }, [report]);
    expectNothingOpened(report);
  }, 180_000);

  it('swarm: a port of the mesh is open on every host as the configuration says, wherever its task runs', async () => {
    const first = nodes.slice(0, 2);
    const meshes = await Promise.all(
      first.map(async ({ engine, machine }) =>
        Mesh.on({
          engine,
          print: async (program, ...args) => {
            const wait = program === 'iptables' ? ['-w', '5'] : [];
            return (await engine.exec([program, ...wait, ...args])).stdout;
          },
          serve: async (ports) => machine.serve(ports),
          both: () => [],
        }),
      ),
    );
    const flags = ['--detach', '--no-resolve-image', '--name', 'closed', '--publish', `${shut}:80`];
    await node(0).engine.docker('service', 'create', ...flags, 'nginx:1.29');
    const closed = first.flatMap((one) => doors(one, shut));
    const stranger = await lab.client('stranger').probe(closed);
    const office = await lab.client('office').probe(closed);
    const tasks = await Promise.all([`${stack}_shop`, 'closed'].map(async (name) => taskOf(meshes, name)));
    for (const [index, port] of [shop, shut].entries())
      for (const mesh of meshes) await mesh.plumbTo(`${tasks[index]}:80`, 'tcp', port);
    for (const one of first) {
      await open('stranger', one, shop);
      // through VXLAN where the task is on the other host
      expect(await lab.client('stranger').http(`http://${one.machine.v4}:${shop}/`)).toMatchObject({
        body: 'site\n',
      });
      await open('trusted', one, shut);
    }
    const reports = [await stranger.stop(), await office.stop()];
    recordProbes({ setup }, reports);
    for (const report of reports) expectNothingOpened(report);
  }, 120_000);
});

/** The address of a service's task on the network of the mesh, on whichever node it runs. */
async function taskOf(meshes: readonly Mesh[], name: string): Promise<string> {
  return until({ what: `a task of ${name}`, ms: 30_000 }, async () =>
    (await Promise.all(meshes.map(async (mesh) => mesh.task(name)))).find(Boolean),
  );
}
