import type { DaemonReport } from '../../decide/report/daemon-report.ts';
import type { Health } from '../../decide/report/health.ts';
import { request } from '../../reach/host/http.ts';

/** Asks the daemon behind the socket. Rejects when nobody answers there within `timeLimit` ms. */
export async function askHealth(socket: string, timeLimit: number): Promise<Health> {
  const { body } = await ask(socket, '/healthz', timeLimit);
  return JSON.parse(body) as Health;
}

/** Tells the daemon behind the socket that a set has been changed. False where none runs. */
export async function askToLook(socket: string, timeLimit: number): Promise<boolean> {
  return ask(socket, '/look', timeLimit).then(
    () => true,
    () => false,
  );
}

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
}

function ask(socketPath: string, path: string, timeLimit: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, path, timeout: timeLimit }, (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => (body += chunk));
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode, body }));
    });
    asking.on('timeout', () => asking.destroy(new Error(`no answer within ${timeLimit} ms`)));
    asking.on('error', reject);
    asking.end();
  });
}

/** Asks the daemon behind the socket; undefined where none answers within `timeLimit` ms. */
export async function askDaemon(socket: string, timeLimit: number): Promise<DaemonReport | undefined> {
  const answer = await ask(socket, '/daemon', timeLimit).catch(() => undefined);
  return answer?.status === 200 ? parseReport(answer.body) : undefined;
}

/** The daemon may be of another version than we are. */
function parseReport(body: string): DaemonReport | undefined {
  try {
    const report = JSON.parse(body) as Partial<DaemonReport>;
    return report.version === 1 ? (report as DaemonReport) : undefined;
  } catch {
    return undefined;
  }
}
