import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { createInterface } from 'node:readline';
import { gzipSync } from 'node:zlib';
import type { Behaviour } from './list-behaviour.ts';

// A server of lists that does what it is told, one JSON a line on standard input (path, behaviour), and tells each request on
// standard output. Arguments: the file of key and certificate, the address, the port. It ends with its standard input.

const [pem = '', host, port] = process.argv.slice(2);
const text = readFileSync(pem);
const behaviours = new Map<string, Behaviour>();

function answer(request: IncomingMessage, response: ServerResponse): void {
  const url = request.url ?? '/';
  const { 'if-none-match': etag, 'if-modified-since': since, 'user-agent': agent } = request.headers;
  process.stdout.write(`${JSON.stringify({ url, etag, since, agent })}\n`);
  behave(behaviours.get(url.replace(/\?.*/u, '')) ?? { kind: 'status', code: 404 }, request, response);
}

function behave(behaviour: Behaviour, request: IncomingMessage, response: ServerResponse): void {
  switch (behaviour.kind) {
    case 'list': {
      const { text, etag, gzip, type = 'text/plain' } = behaviour;
      if (etag !== undefined && request.headers['if-none-match'] === etag) {
        response.writeHead(304).end();
        return;
      }
      response.setHeader('content-type', type);
      if (etag !== undefined) response.setHeader('etag', etag);
      if (gzip === true) response.setHeader('content-encoding', 'gzip');
      response.end(gzip === true ? gzipSync(text) : text);
      return;
    }
    case 'status':
      response.writeHead(behaviour.code).end('10.0.0.1\n');
      return;
    case 'redirect':
      response.writeHead(302, { location: behaviour.to }).end();
      return;
    case 'drip': {
      const timer = setInterval(() => response.write('10.0.0.1\n'), 200);
      response.on('close', () => clearInterval(timer));
      return;
    }
    case 'flood': {
      const chunk = '10.0.0.1\n'.repeat(10_000);
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', more);
      more();
      return;
    }
    case 'break':
      response.writeHead(200, { 'content-length': '1000' });
      response.write('10.0.0.1\n');
      setTimeout(() => response.destroy(), 50);
  }
}

const server = createServer({ key: text, cert: text }, answer);
server.listen(Number(port), host, () => process.stdout.write('{"listening":true}\n'));
createInterface({ input: process.stdin })
  .on('line', (line) => {
    const { path, behaviour } = JSON.parse(line) as { path: string; behaviour: Behaviour };
    behaviours.set(path, behaviour);
    process.stdout.write('{"told":true}\n');
  })
  .on('close', () => process.exit());
