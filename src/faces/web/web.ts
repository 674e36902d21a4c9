import { chmod, mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Listen } from '../../decide/policy/config.ts';
import { hostText } from '../../reach/config/listen.ts';
import type { Clock } from '../../reach/host/clock.ts';
import { listen, type Listener } from './listener.ts';
import { createPageServer, type Handler } from './server.ts';

export interface WebParts {
  readonly handler: Handler;
  readonly clock: Clock;
  readonly log: {
    readonly info: (fields: object, message: string) => void;
    readonly error: (fields: object, message: string) => void;
  };
}

/** Until a place that could not be had is tried again, ms: an interface may come up, another program end. */
const retryAfter = 5000;

/**
 * The two places where the page is served: the unix socket always, TCP where the configuration says. A place that cannot be
 * had is a problem to show, never a reason for the firewall to stop.
 */
export class Web {
  private readonly parts: WebParts;
  private readonly socket: Listener | undefined;
  private readonly socketProblem: string | undefined;
  private tcp: Listener | undefined;
  private wanted: Listen | undefined;
  private problem: string | undefined;
  private retry: () => void = () => {};
  /** Changes come one after the other. */
  private changing: Promise<void> = Promise.resolve();

  private constructor(parts: WebParts, socket: Listener | string) {
    this.parts = parts;
    [this.socket, this.socketProblem] =
      typeof socket === 'string' ? [undefined, socket] : [socket, undefined];
  }

  /** Serves on the unix socket at `path`, for root alone. Where that cannot be, it is a problem, and the daemon goes on without. */
  static async open(path: string, parts: WebParts): Promise<Web> {
    try {
      return new Web(parts, await serve(path, parts.handler));
    } catch (error) {
      const problem = socketProblem(path, error);
      parts.log.error({ path }, problem);
      return new Web(parts, problem);
    }
  }

  /** Serves over TCP there, and nowhere else, as soon as may be. Never rejects. */
  listen(wanted: Listen | undefined): Promise<void> {
    if (JSON.stringify(wanted) === JSON.stringify(this.wanted)) return this.changing;
    this.wanted = wanted;
    this.problem = undefined;
    return this.change();
  }

  /** Sentences, for `health`. */
  problems(): readonly string[] {
    return [this.socketProblem, this.problem].filter((problem) => problem !== undefined);
  }

  async close(): Promise<void> {
    await this.listen(undefined);
    await this.socket?.close();
  }

  private change(): Promise<void> {
    this.retry();
    this.changing = this.changing.then(() => this.bind(this.wanted));
    return this.changing;
  }

  private async bind(place: Listen | undefined): Promise<void> {
    await this.tcp?.close();
    this.tcp = undefined;
    if (place === undefined || place !== this.wanted) return;
    const { handler, log } = this.parts;
    const { address, port, names } = place;
    const url = `http://${hostText(address)}:${port}/`;
    try {
      const server = createPageServer(handler, { kind: 'tcp', names });
      this.tcp = await listen(server, { host: address, port });
      this.problem = undefined;
      log.info({ url }, `the page is served at ${url}`);
    } catch (error) {
      const problem = bindProblem(url, error);
      if (problem !== this.problem) log.error({ url }, problem);
      this.problem = problem;
      this.retry = this.parts.clock.after(retryAfter, () => void this.change());
    }
  }
}

async function serve(path: string, handler: Handler): Promise<Listener> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  // A socket file that a killed process left behind would refuse the next one.
  await rm(path, { force: true });
  const socket = await listen(createPageServer(handler, { kind: 'socket' }), { path });
  await chmod(path, 0o600);
  return socket;
}

/** A read-only container has no writable folder but what is mounted (`read_only: true`). */
function socketProblem(path: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  return `the health socket ${path} cannot be made (${code}): the walls are kept, but health and status cannot ask the daemon; add "tmpfs: [${dirname(path)}]" to the dockwall service`;
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there: choose another port',
  EADDRNOTAVAIL: 'this host has no such address (now)',
  EACCES: 'this port needs a privilege that is missing',
};

function bindProblem(url: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return `listen: the page cannot be served at ${url}: ${reasons[code] ?? String(error)}`;
}
