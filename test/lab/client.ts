import type { ClientSpec } from './addresses.ts';
import { AgentLink } from './agent/link.ts';
import type {
  Answer,
  Ask,
  HttpAnswer,
  Operation,
  ServerSpec,
  Target,
  UdpAnswer,
  Verdict,
  Visit,
} from './agent/protocol.ts';
import { namespaceName } from './network.ts';
import { Prober } from './prober.ts';
import { type RunOptions, type RunResult, run } from './run.ts';
import { StreamHandle } from './stream.ts';

/** How a check is made, where it differs. */
export interface CheckOptions {
  readonly patience?: number;
}

/** The client's own port, and how it ends what it has opened: with FIN instead of RST. */
interface ConnectOptions extends CheckOptions {
  readonly from?: number;
  readonly fin?: boolean;
}

/** Servers that run in a client. */
export interface ServerHandle {
  /** Who came: each connection, each piece of data, each datagram. */
  visits(): Promise<readonly Visit[]>;
  close(): Promise<void>;
}

/** A machine on the lab's internet. */
export class Client {
  readonly spec: ClientSpec;
  readonly netns: string;
  #agent: AgentLink | undefined;

  constructor(labId: string, spec: ClientSpec) {
    this.spec = spec;
    this.netns = namespaceName(labId, spec.name);
  }

  get name(): string {
    return this.spec.name;
  }

  get v4(): string {
    return this.spec.v4;
  }

  get v6(): string {
    return this.spec.v6;
  }

  /** Whether a TCP handshake completes. */
  async connect(ip: string, port: number, options: ConnectOptions = {}): Promise<Verdict> {
    return this.ask('connect', { ip, port, ...options });
  }

  /** Whether a datagram is answered. */
  async udp(
    ip: string,
    port: number,
    options: CheckOptions & { readonly payload?: string } = {},
  ): Promise<UdpAnswer> {
    return this.ask('udp', { ip, port, ...options });
  }

  /** Fetches a page; IPv6 addresses in brackets, `host` for a virtual host. */
  async http(url: string, options: CheckOptions & { readonly host?: string } = {}): Promise<HttpAnswer> {
    return this.ask('http', { url, ...options });
  }

  /** Starts trying these targets, one attempt each millisecond. */
  async probe(
    targets: readonly Target[],
    options: { readonly every?: number; readonly patience?: number } = {},
  ): Promise<Prober> {
    const probe = await this.ask('probeStart', { targets, ...options });
    return new Prober(this, probe);
  }

  /** Starts a conversation with the lab's service: echoes, or with `push` a client that only listens. */
  async stream(
    target: Target,
    options: { readonly every?: number; readonly push?: number; readonly from?: number } = {},
  ): Promise<StreamHandle> {
    return new StreamHandle(this, await this.ask('streamOpen', { target, ...options }));
  }

  /** Runs servers here: echo, web pages, names. */
  async serve(spec: ServerSpec): Promise<ServerHandle> {
    const server = await this.ask('serve', spec);
    return {
      visits: async () => this.ask('serveVisits', { server }),
      close: async () => void (await this.ask('serveClose', { server })),
    };
  }

  /** Runs a command of this machine in the client's network namespace. */
  async exec(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return run(this.argv(argv), options);
  }

  /** The argv that runs a command here. */
  argv(command: readonly string[]): readonly string[] {
    return ['nsenter', `--net=/run/netns/${this.netns}`, ...command];
  }

  /** Asks the agent that lives in this client; it is started with the first question. */
  async ask<O extends Operation>(operation: O, ask: Ask<O>): Promise<Answer<O>> {
    this.#agent ??= new AgentLink(this.netns);
    return this.#agent.ask(operation, ask);
  }

  close(): void {
    this.#agent?.close();
    this.#agent = undefined;
  }
}
