import type { Target } from '../agent/protocol.ts';
import type { Engine } from '../engine.ts';
import { until } from '../poll.ts';
import { way } from '../started-as.ts';
import type { Stage } from './stage.ts';

const sandbox: readonly [string, ...string[]] = ['nsenter', '--net=/run/docker/netns/ingress_sbox'];
const local = ['-m', 'addrtype', '--dst-type', 'LOCAL'];
const jumps = [
  ['nat', 'PREROUTING', ...local],
  ['nat', 'OUTPUT', ...local],
  ['filter', 'FORWARD'],
] as const;

/** A Docker host that is in a swarm. */
export interface MeshNode {
  readonly engine: Engine;
  /** What a program prints there. */
  readonly print: (program: string, ...args: readonly string[]) => Promise<string>;
  /** Listens there, as dockerd would. */
  readonly serve: (ports: { readonly [K in 'tcp' | 'udp']?: readonly number[] }) => Promise<unknown>;
  /** The same port on its IPv4 and IPv6 address. */
  readonly both: (port: number, proto?: Target['proto']) => readonly Target[];
}

/**
 * Swarm's mesh on a kernel without IPVS (`CONFIG_IP_VS`). The swarm, its services, networks and tasks are the engine's own;
 * but it opens a port of the mesh only when it could set up IPVS for it. So the rules that it would write then are
 * written here in its words (libnetwork, service_linux.go, programIngress), its listener on the host is another
 * program's, and inside the sandbox of the mesh, which dockwall never sees, a DNAT rule stands for IPVS.
 */
export class Mesh {
  readonly #node: MeshNode;

  private constructor(node: MeshNode) {
    this.#node = node;
  }

  static async open(stage: Stage): Promise<Mesh> {
    // "no such name" at once: the engine looks for each image in a registry first
    await stage.lab.internet.serve({ dns: { ttl: 1, names: {} } });
    const { engine } = stage.lab;
    if (way() !== 'swarm') await engine.docker('swarm', 'init', '--advertise-addr', stage.host.v4);
    return Mesh.on({
      engine,
      print: async (program, ...args) => stage.print(program, ...args),
      serve: async (ports) => stage.client('host').serve(ports),
      both: (port, proto) => stage.both(port, proto),
    });
  }

  /** On a node that is in a swarm. */
  static async on(node: MeshNode): Promise<Mesh> {
    const mesh = new Mesh(node);
    await until({ what: 'the sandbox of the mesh', ms: 10_000 }, async () => (await mesh.#gateway()) !== '');
    await node.print(...sandbox, 'sysctl', '-q', '-w', 'net.ipv4.ip_forward=1');
    for (const table of ['nat', 'filter']) await mesh.#rules(table, '-N', 'DOCKER-INGRESS');
    for (const [table, chain, ...match] of jumps)
      await mesh.#rules(table, '-I', chain, ...match, '-j', 'DOCKER-INGRESS');
    return mesh;
  }

  /** Leaves the swarm, and takes away what the engine leaves behind: its bridge, and the rules that it did not write. */
  async close(): Promise<void> {
    const { engine } = this.#node;
    await engine.docker('swarm', 'leave', '--force');
    const tasks = (await engine.docker('ps', '-aq', '--filter', 'label=com.docker.swarm.service.name')).split(
      '\n',
    );
    for (const id of tasks.filter(Boolean))
      await engine.exec(['docker', 'rm', '--force', id], { allowFailure: true });
    await until({ what: 'docker_gwbridge to go', ms: 10_000 }, async () => {
      const command = ['docker', 'network', 'rm', 'docker_gwbridge'];
      return (await engine.exec(command, { allowFailure: true })).exitCode === 0;
    });
    for (const [table, chain, ...match] of jumps)
      await this.#rules(table, '-D', chain, ...match, '-j', 'DOCKER-INGRESS');
    for (const table of ['nat', 'filter']) {
      for (const verb of ['-F', '-X']) await this.#rules(table, verb, 'DOCKER-INGRESS');
    }
  }

  /** `docker service create`; back when its task runs. Ports as for `--publish`, `label` of the service (`deploy.labels`). */
  async create(
    name: string,
    publish: readonly string[],
    { udp = false, label }: { readonly udp?: boolean; readonly label?: string } = {},
  ): Promise<void> {
    const ports = publish.flatMap((port) => ['--publish', port]);
    const labels = label === undefined ? [] : ['--label', label];
    const usual = ['--detach', '--no-resolve-image', '--restart-delay', '100ms', '--name', name];
    const flags = [...usual, ...labels, ...ports];
    const serve = ['--name', name, '--tcp', '80', ...(udp ? ['--udp', '53'] : [])];
    await this.#node.engine.docker('service', 'create', ...flags, 'lab/service', ...serve);
    await until({ what: `a task of ${name}`, ms: 20_000 }, async () => (await this.task(name)) !== undefined);
  }

  /** Opens a port of the mesh as the engine would, and as openly. */
  async plumb(name: string, proto: 'tcp' | 'udp', published: number, target: number): Promise<void> {
    const task = (await this.task(name)) ?? '';
    await this.plumbTo(`${task}:${target}`, proto, published);
  }

  /** The same to a task on any node, by its address on the network of the mesh. */
  async plumbTo(task: string, proto: 'tcp' | 'udp', published: number): Promise<void> {
    const gateway = await this.#gateway();
    const port = ['-p', proto, '--dport', String(published)];
    await this.#rules(
      'nat',
      '-I',
      'DOCKER-INGRESS',
      ...port,
      '-j',
      'DNAT',
      '--to-destination',
      `${gateway}:${published}`,
    );
    await this.#rules('filter', '-I', 'DOCKER-INGRESS', ...port, '-j', 'ACCEPT');
    const inside: readonly [string, ...string[]] = [...sandbox, 'iptables', '-w', '-t', 'nat'];
    await this.#node.print(...inside, '-A', 'PREROUTING', ...port, '-j', 'DNAT', '--to-destination', task);
    await this.#node.print(
      ...inside,
      '-I',
      'POSTROUTING',
      '-d',
      task.replace(/:\d+$/, ''),
      '-j',
      'MASQUERADE',
    );
    await this.#node.serve({ [proto]: [published] });
  }

  /** What has arrived in the sandbox of the mesh for a port: packets that the host let through. */
  async arrived(published: number): Promise<number> {
    const inside: readonly [string, ...string[]] = [
      'nsenter',
      '--net=/run/docker/netns/ingress_sbox',
      'iptables',
      '-w',
      '-t',
      'nat',
      '-vxnL',
      'PREROUTING',
    ];
    const lines = (await this.#node.print(...inside))
      .split('\n')
      .filter((line) => line.includes(`dpt:${published} `));
    return lines.reduce((sum, line) => sum + Number(line.trim().split(/\s+/)[0]), 0);
  }

  /** The port on the host's IPv4 address, which is DNATed, and on its IPv6 address, where dockerd listens. */
  doors(port: number, proto: Target['proto'] = 'tcp'): readonly Target[] {
    return this.#node.both(port, proto);
  }

  async #rules(table: string, ...rule: readonly string[]): Promise<void> {
    await this.#node.print('iptables', '-w', '-t', table, ...rule);
  }

  async #gateway(): Promise<string> {
    const format =
      '{{range $id, $one := .Containers}}{{if eq $id "ingress-sbox"}}{{$one.IPv4Address}}{{end}}{{end}}';
    const found = await this.#node.engine.exec(
      ['docker', 'network', 'inspect', '--format', format, 'docker_gwbridge'],
      {
        allowFailure: true,
      },
    );
    return found.stdout.trim().replace(/\/\d+$/, '');
  }

  /** The address of the task's container on the network of the mesh, or `''` where it is not on it. */
  async task(name: string): Promise<string | undefined> {
    const { engine } = this.#node;
    const ids = await engine.docker(
      'ps',
      '--quiet',
      '--filter',
      `label=com.docker.swarm.service.name=${name}`,
    );
    const [id = ''] = ids.split('\n');
    if (id === '') return undefined;
    const format = '{{with index .NetworkSettings.Networks "ingress"}}{{.IPAddress}}{{end}}';
    return (await engine.docker('inspect', '--format', format, id)).trim();
  }
}
