import { createSocket } from 'node:dgram';
import { get } from 'node:http';
import { connect, isIPv6, type Socket } from 'node:net';
import type { Ask, HttpAnswer, UdpAnswer, Verdict } from './protocol.ts';

/** What an error of a socket says about the way there; anything unknown is an error of the lab itself. */
export function verdictOf(error: Error): Verdict {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ECONNREFUSED' || code === 'ECONNRESET') return 'refused';
  if (code === 'ETIMEDOUT') return 'timeout';
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH' || code === 'EACCES' || code === 'EPERM')
    return 'unreachable';
  throw error;
}

/**
 * Ends a connection with RST, or an attempt at one. Node's resetAndDestroy waits for an attempt to connect first: against a
 * port that drops, each would keep its descriptor for two minutes.
 */
export function hangUp(socket: Socket): void {
  if (socket.connecting) socket.destroy();
  else socket.resetAndDestroy();
}

const patienceFor = (ask: { patience?: number }): number => ask.patience ?? 900;

/** The option of a TCP socket that has to have a certain port of its own. */
export function fromPort({ from }: { readonly from?: number }): { readonly localPort?: number } {
  return from === undefined ? {} : { localPort: from };
}

/** Whether a TCP handshake completes. */
export async function checkConnect(ask: Ask<'connect'>): Promise<Verdict> {
  const socket = connect({ host: ask.ip, port: ask.port, ...fromPort(ask) });
  return new Promise((resolve, reject) => {
    const finish = (verdict: Verdict): void => {
      if (verdict === 'open' && ask.fin === true) socket.end();
      else hangUp(socket);
      resolve(verdict);
    };
    socket.setTimeout(patienceFor(ask), () => finish('timeout'));
    socket.on('connect', () => finish('open'));
    socket.on('error', (error) => {
      try {
        finish(verdictOf(error));
      } catch (cause) {
        reject(cause);
      }
    });
  });
}

/** Whether a datagram is answered, and with what. */
export async function checkUdp(ask: Ask<'udp'>): Promise<UdpAnswer> {
  const socket = createSocket(isIPv6(ask.ip.split('%')[0] ?? '') ? 'udp6' : 'udp4');
  try {
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => resolve({ verdict: 'timeout' }), patienceFor(ask));
      const done = (answer: UdpAnswer): void => {
        clearTimeout(timer);
        resolve(answer);
      };
      socket.on('message', (data) => done({ verdict: 'open', reply: data.toString() }));
      socket.on('error', (error) => {
        try {
          done({ verdict: verdictOf(error) });
        } catch (cause) {
          reject(cause);
        }
      });
      // a connected socket hears the ICMP errors
      socket.connect(ask.port, ask.ip, () => socket.send(ask.payload ?? 'probe'));
    });
  } finally {
    socket.close();
  }
}

/** Fetches a page; the verdict is that of the connection, whatever the status. */
export async function checkHttp(ask: Ask<'http'>): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const headers = ask.host === undefined ? {} : { host: ask.host };
    const request = get(ask.url, { agent: false, headers, timeout: patienceFor(ask) }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve({ verdict: 'open', status: response.statusCode ?? 0, body }));
      response.on('error', reject);
    });
    request.on('timeout', () => {
      resolve({ verdict: 'timeout' });
      request.destroy();
    });
    request.on('error', (error) => {
      try {
        resolve({ verdict: verdictOf(error) });
      } catch (cause) {
        reject(cause);
      }
    });
  });
}
