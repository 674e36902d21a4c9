import { type IncomingHttpHeaders, request, type RequestOptions } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { textAnswer } from '../../../src/faces/web/answer.ts';
import { listen, type Listener } from '../../../src/faces/web/listener.ts';
import { createPageServer } from '../../../src/faces/web/server.ts';

interface Said {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let listener: Listener;
let port = 0;

beforeAll(async () => {
  const server = createPageServer(
    async ({ path, query }) => {
      if (path === '/fails') throw new Error('no luck');
      return textAnswer(`${path} ${query.get('q') ?? ''}`, 200);
    },
    { kind: 'tcp', names: ['wall.example.org'] },
  );
  listener = await listen(server, { host: '127.0.0.1', port: 0 });
  ({ port } = server.address() as AddressInfo);
});
afterAll(async () => listener.close());

function ask(options: RequestOptions, body?: string): Promise<Said> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, agent: false, ...options }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }),
      );
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

/** What is said to these bytes until the connection ends. */
function say(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });
}

describe('the server of the page', () => {
  it('answers, and guards every answer', async () => {
    const { status, headers, body } = await ask({ path: '/x?q=1' });
    expect([status, body]).toEqual([200, '/x 1\n']);
    expect(headers).toMatchObject({
      'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'cross-origin-resource-policy': 'same-origin',
      'permissions-policy': expect.stringContaining('camera=()'),
    });
    expect(Object.keys(headers).filter((name) => /^access-control|^set-cookie/.test(name))).toEqual([]);
    for (const path of ['/fails', '/%']) {
      expect((await ask({ path })).headers['content-security-policy']).toBe(
        headers['content-security-policy'],
      );
    }
  });

  it('answers HEAD without the body', async () => {
    const { status, headers, body } = await ask({ method: 'HEAD', path: '/x' });
    expect([status, headers['content-length'], body]).toEqual([200, '4', '']);
  });

  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE'])('refuses %s', async (method) => {
    const { status, headers } = await ask({ method, path: '/' });
    expect([status, headers.allow]).toEqual([405, 'GET, HEAD']);
  });

  it('refuses a body', async () => {
    const { status, headers } = await ask({ path: '/', headers: { 'content-length': 3 } }, 'abc');
    expect([status, headers.connection]).toEqual([413, 'close']);
    expect((await ask({ path: '/', headers: { 'transfer-encoding': 'chunked' } }, 'abc')).status).toBe(413);
  });

  it.each([
    ['evil.example', 421],
    [`127.0.0.1:${port}`, 200],
    ['wall.example.org', 200],
  ])('asked for as %s: %d', async (host, wanted) => {
    const { status, body } = await ask({ path: '/', headers: { host } });
    expect(status).toBe(wanted);
    if (wanted === 421) expect(body).toContain('listen: {names: [...]}');
  });

  it('takes no request without a host, none for elsewhere, none that is endless', async () => {
    expect(await say('GET / HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1.1 421 /);
    expect(await say('GET / HTTP/1.1\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /);
    const rest = 'HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n';
    expect(await say(`GET http://evil.example/ ${rest}\r\n`)).toMatch(/^HTTP\/1.1 400 /);
    expect(await say(`GET //evil.example/ ${rest}\r\n`)).toMatch(/^HTTP\/1.1 400 /);
    expect(await say(`GET /?q=${'x'.repeat(9000)} ${rest}\r\n`)).toMatch(/^HTTP\/1.1 431 /);
    expect(await say(`GET / ${rest}X: ${'x'.repeat(9000)}\r\n\r\n`)).toMatch(/^HTTP\/1.1 431 /);
    expect(await say('\u0000\u0001\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /);
  });

  it('ends a connection on which no request is finished', async () => {
    const started = performance.now();
    expect(await say('GET / HTTP/1.1\r\nHost: localhost\r\n')).toMatch(/^HTTP\/1.1 408 |^$/);
    expect(performance.now() - started).toBeLessThan(20_000);
  });

  it('says so when it cannot answer, and goes on', async () => {
    expect(await ask({ path: '/fails' })).toMatchObject({
      status: 500,
      body: 'This could not be answered: Error: no luck\n',
    });
    expect((await ask({ path: '/' })).status).toBe(200);
  });
});
