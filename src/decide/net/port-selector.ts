import { splitList } from './list.ts';
import { portSlip } from './port-slips.ts';
import { protocols, type PortRange, type PortSelector, type Protocol } from './port.ts';
import { portOfService } from './service-name.ts';
import { show } from './show.ts';

export type ParsedPortSelector =
  | { readonly ok: true; readonly selector: PortSelector }
  | { readonly ok: false; readonly problem: string };

/** A port with the protocol it was written with; undefined is every protocol. */
export interface PortNumbers {
  readonly range: PortRange;
  readonly protocol: Protocol | undefined;
}

export type ParsedPortNumbers =
  | { readonly ok: true; readonly ports: readonly PortNumbers[] }
  | { readonly ok: false; readonly problem: string };

/** A value, or the sentence that says why there is none. */
type Outcome<T> = T | string;

const scopePrefix = 'container:';

/**
 * One port of a label: `*`, `80`, `8000-8100`, `80/tcp`, a service name, each but the first also with
 * `container:` in front. The problem is a sentence that says what to write instead.
 */
export function parsePortSelector(text: string): ParsedPortSelector {
  const written = text.trim();
  const selector = parseSelector(written);
  if (typeof selector !== 'string') return { ok: true, selector };
  const lower = written.toLowerCase();
  const problem =
    lower !== written && typeof parseSelector(lower) !== 'string'
      ? `${show(written)} is not lower case: write ${show(lower)}`
      : (portSlip(written, true) ?? selector);
  return { ok: false, problem };
}

function parseSelector(written: string): Outcome<PortSelector> {
  if (written === '*') return { kind: 'every' };
  const scope = written.startsWith(scopePrefix) ? 'container' : 'either';
  const rest = scope === 'container' ? written.slice(scopePrefix.length) : written;
  if (/^\*(?:\/|$)/u.test(rest))
    return `${show(written)} cannot be combined: write \`*\` alone for every published port`;
  const parts = splitProtocol(rest);
  if (typeof parts === 'string') return parts;
  const range = parseRange(parts.ports) ?? parseName(parts.ports);
  if (typeof range === 'string') return range;
  return { kind: 'ports', scope, range, protocol: parts.protocol, text: written };
}

/** A list of port numbers and ranges, each with or without a protocol: `8123,5353/udp,9000-9010`. */
export function parsePortNumbers(text: string): ParsedPortNumbers {
  const entries = splitList(text);
  if (entries.length === 0)
    return { ok: false, problem: 'a port is missing: write port numbers, such as `8123,5353/udp`' };
  const ports: PortNumbers[] = [];
  for (const entry of entries) {
    const port = parsePortNumber(entry);
    if (typeof port === 'string') return { ok: false, problem: portSlip(entry, false) ?? port };
    ports.push(port);
  }
  return { ok: true, ports };
}

function parsePortNumber(entry: string): Outcome<PortNumbers> {
  const parts = splitProtocol(entry);
  if (typeof parts === 'string') return parts;
  const range = parseRange(parts.ports);
  if (typeof range === 'string') return range;
  if (range === undefined)
    return `${show(entry)} is not a port number: write numbers here, such as \`8123\` or \`5353/udp\``;
  return { range, protocol: parts.protocol };
}

interface Parts {
  readonly ports: string;
  readonly protocol: Protocol | undefined;
}

function splitProtocol(text: string): Outcome<Parts> {
  const slash = text.lastIndexOf('/');
  if (slash < 0) return { ports: text, protocol: undefined };
  const [ports, name] = [text.slice(0, slash), text.slice(slash + 1)];
  const protocol = protocols.find((known) => known === name);
  if (protocol !== undefined) return { ports, protocol };
  if (name === '') return `${show(text)} ends with a slash: write the protocol after it, or leave it out`;
  if (protocols.some((known) => known === ports))
    return `${show(text)} is the wrong way round: write ${show(`${name}/${ports}`)}`;
  return `${show(name)} is not a protocol that can be published: write \`/tcp\`, \`/udp\` or \`/sctp\``;
}

/** A port number or range; undefined for what does not start with a number; a sentence for a wrong one. */
function parseRange(text: string): Outcome<PortRange> | undefined {
  if (/^\d+:\d+$/u.test(text)) {
    return `${show(text)} is a pair of ports: write the host port alone, or the container port as \`container:PORT\``;
  }
  const match = /^(\d+)(?:-(\d+))?$/u.exec(text);
  if (match === null) return undefined;
  const from = parsePort(match[1] ?? '');
  const to = match[2] === undefined ? from : parsePort(match[2]);
  if (typeof from === 'string') return from;
  if (typeof to === 'string') return to;
  return from <= to ? { from, to } : `${show(text)} is the wrong way round: write \`${to}-${from}\``;
}

function parsePort(digits: string): Outcome<number> {
  const port = Number(digits);
  if (port === 0 || port > 65_535) return `${show(digits)} is not a port: ports are numbers from 1 to 65535`;
  return digits.startsWith('0') ? `${show(digits)} has a zero in front: write \`${port}\`` : port;
}

function parseName(name: string): Outcome<PortRange> {
  if (name === '') return 'a port is missing: write a port number, a range or a service name';
  const found = portOfService(name);
  return found.ok ? { from: found.port, to: found.port } : found.problem;
}
