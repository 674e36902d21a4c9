import { isIP } from 'node:net';
import { isLoopback } from '../../reach/config/listen.ts';

/** How a request has come in over TCP. */
export interface Arrival {
  /** The `Host` header. */
  readonly host: string | undefined;
  /** The address of ours that it was sent to. */
  readonly address: string;
}

/**
 * Whether a browser may have meant us. A name that its owner has made to point at 127.0.0.1 (DNS rebinding) would let his
 * script read the page through the browser of somebody on this host; an address cannot be made to point anywhere else.
 */
export function isOurs({ host, address }: Arrival, names: readonly string[]): boolean {
  const asked = hostName(host ?? '');
  if (asked === undefined) return false;
  if (isIP(asked) !== 0) return isLoopback(asked) || asked === unmapped(address);
  // RFC 6761, 6.3: names below localhost never leave the host.
  return asked === 'localhost' || asked.endsWith('.localhost') || names.includes(asked);
}

/** Without port, brackets and the dot at the end of a name; undefined for what no browser sends. */
function hostName(host: string): string | undefined {
  const [, bracketed, plain] = /^(?:\[([\da-f:.]+)\]|([^:[\]]+))(?::\d{1,5})?$/iu.exec(host) ?? [];
  return bracketed?.toLowerCase() ?? plain?.toLowerCase().replace(/\.$/u, '');
}

/** A socket that listens on `::` says of IPv4 `::ffff:192.0.2.1`. */
function unmapped(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/u, '');
}
