import { request } from '../host/http.ts';

/** How the daemon is. Unhealthy is for a person to look at; the walls stand either way. */
export interface Health {
  readonly healthy: boolean;
  /** Sentences; empty when healthy. */
  readonly problems: readonly string[];
  /** When the walls close again (ISO 8601), while they only look: see `dockwall observe`. Healthy all the same. */
  readonly observing?: string;
  /** How often what others had changed was put back, by kind, since the start. */
  readonly drift: Readonly<Record<string, number>>;
}

/** The same with what is wrong elsewhere. */
export function withProblems(health: Health, more: readonly string[]): Health {
  const problems = [...health.problems, ...more];
  return { ...health, healthy: problems.length === 0, problems };
}

/** Asks the daemon behind the socket. Rejects when nobody answers there within `timeLimit` ms. */
export async function askHealth(socket: string, timeLimit: number): Promise<Health> {
  return JSON.parse(await ask(socket, '/healthz', timeLimit)) as Health;
}

/** Tells the daemon behind the socket that a set has been changed. False where none runs. */
export async function askToLook(socket: string, timeLimit: number): Promise<boolean> {
  return ask(socket, '/look', timeLimit).then(
    () => true,
    () => false,
  );
}

function ask(socketPath: string, path: string, timeLimit: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, path, timeout: timeLimit }, (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        body += chunk;
      });
      answer.on('end', () => resolve(body));
    });
    asking.on('timeout', () => asking.destroy(new Error(`no answer within ${timeLimit} ms`)));
    asking.on('error', reject);
    asking.end();
  });
}
