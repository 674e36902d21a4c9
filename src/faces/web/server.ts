import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from '../../reach/host/http.ts';
import { type Answer, guardingHeaders, textAnswer } from './answer.ts';
import { isOurs } from './host-header.ts';

/** What a route is asked: reading only, so path and query are all. */
export interface Asked {
  readonly path: string;
  readonly query: URLSearchParams;
  /** Where it came in. */
  readonly by: Audience['kind'];
}

export type Handler = (asked: Asked) => Promise<Answer>;

/**
 * Who may ask: on the unix socket the one who may open it; over TCP who gets there and names us by an address or one of
 * these names.
 */
export type Audience =
  | { readonly kind: 'socket' }
  | { readonly kind: 'tcp'; readonly names: readonly string[] };

/** Far more than some browsers and a Prometheus need. */
const mostConnections = 64;

/** A server that only answers GET and HEAD, and gives nobody much time or room. Not listening yet. */
export function createPageServer(handler: Handler, audience: Audience): Server {
  const server = createServer(
    {
      maxHeaderSize: 8192,
      headersTimeout: 5000,
      requestTimeout: 10_000,
      keepAliveTimeout: 5000,
      connectionsCheckingInterval: 2000,
    },
    (asked, response) => {
      void answer(handler, audience, asked)
        // The page must not take the firewall with it.
        .catch((error: unknown) => textAnswer(`This could not be answered: ${String(error)}`, 500))
        .then((said) => send(response, said));
    },
  );
  server.maxConnections = mostConnections;
  server.maxRequestsPerSocket = 1000;
  // Also for who does not read what he has asked for.
  server.setTimeout(20_000);
  return server;
}

async function answer(handler: Handler, audience: Audience, asked: IncomingMessage): Promise<Answer> {
  if (asked.method !== 'GET' && asked.method !== 'HEAD')
    return {
      ...textAnswer('This page is for reading only.', 405),
      headers: { Allow: 'GET, HEAD', ...closing },
    };
  if (asked.headers['transfer-encoding'] !== undefined || Number(asked.headers['content-length'] ?? 0) !== 0)
    return { ...textAnswer('A question has no body.', 413), headers: closing };
  const { host } = asked.headers;
  if (audience.kind === 'tcp' && !isOurs({ host, address: asked.socket.localAddress ?? '' }, audience.names))
    return textAnswer(unknownHost, 421);
  const url = parseTarget(asked.url ?? '');
  return url === undefined
    ? textAnswer('This is not an address of the page.', 400)
    : handler({ path: url.pathname, query: url.searchParams, by: audience.kind });
}

const unknownHost =
  'This page is not known by that name. Ask for it by its address or as localhost, or add the name to `listen: {names: [...]}` in the configuration.';

const closing = { Connection: 'close' };

/** Of a path with a query, never of a whole URL, which is for proxies. */
function parseTarget(target: string): URL | undefined {
  return target.startsWith('/') && !target.startsWith('//')
    ? (URL.parse(target, 'http://page') ?? undefined)
    : undefined;
}

function send(response: ServerResponse, { status, type, body, headers }: Answer): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    ...guardingHeaders,
    ...headers,
  });
  // Node itself leaves the body out for HEAD.
  response.end(body);
}
