import { request } from 'node:http';

/** What somebody behind a unix socket said. */
export interface SocketAnswer {
  readonly status: number;
  readonly body: string;
}

/** Asks over HTTP on a unix socket; undefined when nobody answers in time. */
export async function askSocket(
  socketPath: string,
  path: string,
  ms = 2000,
): Promise<SocketAnswer | undefined> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, path, timeout: ms }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (body += chunk));
      response.on('error', () => resolve(undefined));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    asked.on('error', () => resolve(undefined));
    asked.on('timeout', () => asked.destroy());
    asked.end();
  });
}
