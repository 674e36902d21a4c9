import { isIPv4 } from 'node:net';
import type { Verdict } from './agent/protocol.ts';
import { type Engine, testImage } from './engine.ts';

/** A container that runs the lab's service. */
export interface ServiceSpec {
  readonly name: string;
  /** As for `docker run -p`. */
  readonly publish?: readonly string[];
  /** Ports it serves inside; TCP port 80 unless told. */
  readonly tcp?: readonly number[];
  readonly udp?: readonly number[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly network?: string;
  /** More flags for `docker run`. */
  readonly flags?: readonly string[];
}

/** What a container asks, and how much of it. */
export interface Question {
  readonly proto: 'tcp' | 'udp';
  readonly ip: string;
  readonly port: number;
  readonly bytes?: number;
  readonly seconds?: number;
}

const verdicts: readonly Verdict[] = ['open', 'refused', 'unreachable', 'timeout'];

const repeat = (flag: string, values: readonly (string | number)[]): string[] =>
  values.flatMap((value) => [flag, String(value)]);

function ports(spec: ServiceSpec): { readonly tcp: readonly number[]; readonly udp: readonly number[] } {
  return { tcp: spec.tcp ?? (spec.udp ? [] : [80]), udp: spec.udp ?? [] };
}

function serviceArgs(spec: ServiceSpec): readonly string[] {
  const labels = Object.entries(spec.labels ?? {}).map(([key, value]) => `${key}=${value}`);
  const { tcp, udp } = ports(spec);
  return [
    '--name',
    spec.name,
    ...repeat('--publish', spec.publish ?? []),
    ...repeat('--label', labels),
    ...(spec.network === undefined ? [] : ['--network', spec.network]),
    ...(spec.flags ?? []),
    testImage,
    '--name',
    spec.name,
    ...repeat('--tcp', tcp),
    ...repeat('--udp', udp),
  ];
}

/** A test container: answers HTTP with its name, echoes everything else. It ends at once when it is asked to. */
export class Service {
  readonly name: string;
  readonly #engine: Engine;
  readonly #spec: ServiceSpec;

  constructor(engine: Engine, spec: ServiceSpec) {
    this.#engine = engine;
    this.#spec = spec;
    this.name = spec.name;
  }

  /** Waits until it answers inside the container: `docker start` returns before that. */
  async waitServing(): Promise<void> {
    const { tcp, udp } = ports(this.#spec);
    const [proto, port] = tcp[0] === undefined ? ['udp', udp[0]] : ['tcp', tcp[0]];
    if (port === undefined) return;
    const script = 'until ask "$0" 127.0.0.1 "$1" >/dev/null; do sleep 0.01; done';
    await this.#engine.exec(['docker', 'exec', this.name, 'sh', '-c', script, proto, String(port)], {
      timeout: 10_000,
    });
  }

  /** The container's addresses, both families, all networks. */
  async addresses(): Promise<readonly string[]> {
    const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{.GlobalIPv6Address}} {{end}}';
    return (await this.#engine.docker('inspect', '--format', format, this.name)).split(' ').filter(Boolean);
  }

  /** The container's first IPv4 address. */
  async v4(): Promise<string> {
    const found = (await this.addresses()).find((address) => isIPv4(address));
    if (found === undefined) throw new Error(`${this.name} has no IPv4 address: is it running?`);
    return found;
  }

  /** The host port that a container port was given (`80/tcp`). */
  async hostPort(port: string): Promise<number> {
    const [line = ''] = (await this.#engine.docker('port', this.name, port)).split('\n');
    return Number(line.slice(line.lastIndexOf(':') + 1));
  }

  /**
   * Asks an echo server from inside the container; `bytes` of payload must all come back within `seconds`. For what
   * containers do outwards, to each other and to their own host.
   */
  async ask({ proto, ip, port, bytes = 4, seconds = 1 }: Question): Promise<Verdict> {
    const numbers = [port, bytes, seconds].map(String);
    const command = ['docker', 'exec', this.name, '/bin/ask', proto, ip, ...numbers];
    const answer = await this.#engine.exec(command, { allowFailure: true });
    const verdict = verdicts.find((one) => one === answer.stdout.trim());
    if (verdict === undefined) throw new Error(`asking from ${this.name}: ${answer.stderr}`);
    return verdict;
  }

  /** How many datagrams have been delivered to sockets in the container, whoever sent them. */
  async datagrams(): Promise<number> {
    const table = await this.#engine.docker('exec', this.name, 'cat', '/proc/net/snmp');
    const [, numbers = ''] = table.split('\n').filter((line) => line.startsWith('Udp: '));
    return Number(numbers.split(' ')[1]);
  }

  async stop(): Promise<void> {
    await this.#engine.docker('stop', this.name);
  }

  async start(): Promise<void> {
    await this.#engine.docker('start', this.name);
    await this.waitServing();
  }

  async restart(): Promise<void> {
    await this.#engine.docker('restart', this.name);
    await this.waitServing();
  }

  async remove(): Promise<void> {
    await this.#engine.docker('rm', '--force', this.name);
  }
}

/** `docker run -d` of the lab's service; back when it serves. */
export async function runService(engine: Engine, spec: ServiceSpec): Promise<Service> {
  await engine.docker('run', '--detach', ...serviceArgs(spec));
  const service = new Service(engine, spec);
  await service.waitServing();
  return service;
}
