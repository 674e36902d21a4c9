import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { addressBlock, toCidr } from '../../decide/net/block.ts';
import type { Protocol } from '../../decide/net/port.ts';

/** One entry of conntrack: the side that opened it, as it asked, and who answers where, after Docker's DNAT. */
export interface Connection {
  readonly protocol: Protocol;
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly port: number;
  readonly answers: string;
  readonly answersPort: number;
  /** TCP that has seen a FIN or RST: it ends by itself, and its client may use its port again at once. */
  readonly closing: boolean;
  /** Until the kernel forgets it; 0 where it does not say (offloaded). */
  readonly secondsLeft: number;
  readonly mark: number;
}

/**
 * A line of `conntrack -L`, or of /proc/net/nf_conntrack, which has the family in front and writes IPv6 in full. Between
 * the two directions there may be counters and `[UNREPLIED]`. Undefined for protocols without ports.
 */
const connectionLine =
  /(?:^|\s)(tcp|udp|sctp)\s+\d+ (?:(\d+) )?(?:([A-Z][A-Z0-9_]*) )?src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+) .*?src=(\S+) dst=\S+ sport=(\d+) .*?(?:mark=(\d+)|$)/;

/** nf_conntrack_proto_tcp.c, tcp_conntrack_names. */
const closingStates = new Set(['FIN_WAIT', 'CLOSE_WAIT', 'LAST_ACK', 'TIME_WAIT', 'CLOSE']);

/** The entry that one line tells of; undefined where its destination port is none of `ports`. */
export function parseConnection(line: string, ports: ReadonlySet<number>): Connection | undefined {
  const [, protocol, seconds, state = '', source = '', destination = '', ...rest] =
    connectionLine.exec(line) ?? [];
  const [sourcePort, port, answers = '', answersPort, mark] = rest;
  if (protocol === undefined || !ports.has(Number(port))) return undefined;
  return {
    protocol: protocol as Protocol,
    source: canonical(source),
    sourcePort: Number(sourcePort),
    destination: canonical(destination),
    port: Number(port),
    answers: canonical(answers),
    answersPort: Number(answersPort),
    closing: protocol === 'tcp' && closingStates.has(state),
    secondsLeft: Number(seconds ?? 0),
    mark: Number(mark ?? 0),
  };
}

function canonical(address: string): string {
  const block = address.includes(':') ? addressBlock(address) : undefined;
  return block === undefined ? address : toCidr(block);
}

/** Calls `onConnection` for every entry of both families that goes to one of `ports`. */
export type ListConnections = (
  ports: ReadonlySet<number>,
  onConnection: (connection: Connection) => void,
  signal: AbortSignal,
) => Promise<void>;

/**
 * Line by line, so that a table of any size costs no memory: 100,000 entries take half a second of a processor. The file in
 * /proc only where the program is missing or its part of the kernel is: many kernels write it in quadratic time (each
 * read begins at the first bucket again). Rejects where there is neither, and when `signal` aborts.
 */
export const listConnections: ListConnections = async (ports, onConnection, signal) => {
  const onLine = (line: string): void => {
    const connection = parseConnection(line, ports);
    if (connection !== undefined) onConnection(connection);
  };
  try {
    for (const family of ['ipv4', 'ipv6']) await eachLineOfConntrack(family, onLine, signal);
  } catch (error) {
    signal.throwIfAborted();
    await eachLine(createReadStream('/proc/net/nf_conntrack', { signal }), onLine).catch(() => {
      throw error;
    });
  }
};

async function eachLineOfConntrack(
  family: string,
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const child = spawn('conntrack', ['-L', '-f', family], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
    signal,
    killSignal: 'SIGKILL',
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve);
  });
  const [exitCode] = await Promise.all([ended, eachLine(child.stdout, onLine)]);
  if (exitCode !== 0) throw new Error(`listing connections (${family}): ${said.trim()}`);
}

async function eachLine(stream: Readable, onLine: (line: string) => void): Promise<void> {
  for await (const line of createInterface({ input: stream })) onLine(line);
}
