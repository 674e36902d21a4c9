import { type IncomingMessage, type Server, type ServerResponse, createServer, request } from 'node:http';
import path from 'node:path';
import { engineRunDir } from './engine-cell.ts';
import type { Lab } from './lab.ts';

export interface SocketProxyOptions {
  /** Changes what `GET /info` answers: for engines that cannot be installed here. */
  readonly info?: (answer: Record<string, unknown>) => Record<string, unknown>;
  /** Paths that it refuses, with the page of docker-socket-proxy's haproxy. */
  readonly refuses?: readonly string[];
  /** The only requests that it lets through. */
  readonly allows?: (method: string, url: string) => boolean;
  /** A stream that has been quiet for so long is cut, ms. */
  readonly cutsQuiet?: number;
  /** Of its socket; `proxy.sock` unless told. */
  readonly name?: string;
}

/** haproxy's, where nothing answers behind it. */
const unavailable =
  '<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>\n';

const forbidden =
  '<html><body><h1>403 Forbidden</h1>\nRequest forbidden by administrative rules.\n</body></html>\n';

/**
 * A proxy before the engine's socket, as people put one there. Its event streams can be made to say too much (it drops the
 * filters' effect) or nothing at all (a connection that something on the way has forgotten).
 */
export class SocketProxy {
  /** How often each path was asked for, without version and query. */
  readonly asked = new Map<string, number>();
  readonly #server: Server;
  readonly #target: string;
  readonly #options: SocketProxyOptions;
  /** The event streams that are open and tell what happens. */
  readonly #streams = new Set<ServerResponse>();

  private constructor(target: string, options: SocketProxyOptions) {
    this.#target = target;
    this.#options = options;
    this.#server = createServer((asking, answer) => this.#handle(asking, answer));
  }

  /** In the `DOCKER_HOST` of a dockwall of that lab. */
  static readonly dockerHost = 'unix:///run/host/proxy.sock';

  static async start(lab: Lab, options: SocketProxyOptions = {}): Promise<SocketProxy> {
    const proxy = new SocketProxy(lab.engine.socket, options);
    const socket = path.join(engineRunDir(lab.id), options.name ?? 'proxy.sock');
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen(socket, resolve);
    });
    // it goes with the process
    proxy.#server.unref();
    return proxy;
  }

  /** The streams that are open stay open, and tell nothing any more; later ones do. */
  silence(): void {
    this.#streams.clear();
  }

  /** Writes a line into every open event stream; gives how many there are. */
  say(line: string): number {
    for (const stream of this.#streams) stream.write(line);
    return this.#streams.size;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #handle(asking: IncomingMessage, answer: ServerResponse): void {
    const { method = 'GET', url = '/', headers } = asking;
    const what = url.replace(/^\/v[\d.]+/, '').replace(/\?.*$/, '');
    this.asked.set(what, (this.asked.get(what) ?? 0) + 1);
    const { refuses = [], allows = () => true } = this.#options;
    if (!allows(method, url) || refuses.some((path) => what === path || what.startsWith(`${path}/`))) {
      answer.writeHead(403, { 'content-type': 'text/html' });
      answer.end(forbidden);
      return;
    }
    const onwards = request({ socketPath: this.#target, path: url, method, headers }, (said) => {
      if (what === '/info' && this.#options.info) void this.#alter(said, answer, this.#options.info);
      else if (what === '/events') this.#stream(said, answer);
      else {
        answer.writeHead(said.statusCode ?? 502, said.headers);
        said.pipe(answer);
      }
    });
    onwards.on('error', () => {
      if (answer.headersSent) return void answer.destroy();
      answer.writeHead(503, { 'content-type': 'text/html' });
      answer.end(unavailable);
    });
    answer.on('close', () => onwards.destroy());
    asking.pipe(onwards);
  }

  async #alter(
    said: IncomingMessage,
    answer: ServerResponse,
    change: NonNullable<SocketProxyOptions['info']>,
  ): Promise<void> {
    let text = '';
    for await (const piece of said.setEncoding('utf8')) text += String(piece);
    const altered = JSON.stringify(change(JSON.parse(text) as Record<string, unknown>));
    answer.writeHead(said.statusCode ?? 502, { 'content-type': 'application/json' });
    answer.end(altered);
  }

  #stream(said: IncomingMessage, answer: ServerResponse): void {
    answer.writeHead(said.statusCode ?? 502, said.headers);
    answer.flushHeaders();
    this.#streams.add(answer);
    const { cutsQuiet } = this.#options;
    const cut =
      cutsQuiet === undefined ? undefined : setTimeout(() => void answer.destroy(), cutsQuiet).unref();
    said.on('data', (piece: Buffer) => {
      cut?.refresh();
      if (this.#streams.has(answer)) answer.write(piece);
    });
    said.on('error', () => answer.destroy());
    said.on('end', () => answer.end());
    answer.on('close', () => this.#streams.delete(answer));
  }
}
