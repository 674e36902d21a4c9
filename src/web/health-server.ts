import { chmod, mkdir, rm } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { dirname } from 'node:path';

/** How the daemon is. Unhealthy is for a person to look at; the walls stand either way. */
export interface Health {
  readonly healthy: boolean;
  /** Sentences; empty when healthy. */
  readonly problems: readonly string[];
  /** How often what others had changed was put back, by kind, since the start. */
  readonly drift: Readonly<Record<string, number>>;
}

/** What is said at one path besides. */
export type Route = () => Promise<{ readonly type: string; readonly body: string }>;

/** Answers `GET /healthz` on a unix socket: 200 when healthy, 503 when not, with {@link Health} as JSON. */
export async function serveHealth(
  path: string,
  health: () => Health,
  routes: Readonly<Record<string, Route>> = {},
): Promise<{ close: () => Promise<void> }> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  // A socket file that a killed process left behind would refuse the next one.
  await rm(path, { force: true });
  const server = createServer((asked, answer) => {
    const route = routes[asked.url ?? ''];
    if (route !== undefined) {
      route().then(
        ({ type, body }) => answer.writeHead(200, { 'content-type': type }).end(body),
        (error: unknown) => answer.writeHead(500).end(`${String(error)}\n`),
      );
      return;
    }
    if (asked.url !== '/healthz') {
      answer.writeHead(404).end();
      return;
    }
    const now = health();
    answer.writeHead(now.healthy ? 200 : 503, { 'content-type': 'application/json' });
    answer.end(`${JSON.stringify(now)}\n`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  await chmod(path, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** Asks the daemon behind the socket. Rejects when nobody answers there within `timeLimit` ms. */
export function askHealth(path: string, timeLimit: number): Promise<Health> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath: path, path: '/healthz', timeout: timeLimit }, (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        body += chunk;
      });
      answer.on('end', () => {
        try {
          resolve(JSON.parse(body) as Health);
        } catch (error) {
          reject(error);
        }
      });
    });
    asking.on('timeout', () => asking.destroy(new Error(`no answer within ${timeLimit} ms`)));
    asking.on('error', reject);
    asking.end();
  });
}
