import { readdir, readFile } from 'node:fs/promises';
import type { Listener } from '../../decide/inventory/model.ts';
import type { HostFacts } from '../../decide/inventory/read-inventory.ts';
import { isDockerPort } from '../../decide/net/interface-name.ts';
import type { Run } from '../kernel/command.ts';
import { readLinks } from './links.ts';
import { type HostSocket, listenersOf, parseSockets } from './listeners.ts';
import { readOwnAddresses } from './own-addresses.ts';

/**
 * The interfaces of the host's network namespace: one process for the links, the rest is read through /proc/net, which follows the
 * process's own namespace (sysfs follows its mount's). Which listeners are the host's own, only who has asked Docker knows: here none is.
 */
export async function readHost(run: Run): Promise<HostFacts> {
  const [links, devices, bridged] = await Promise.all([
    readLinks(run),
    readProc('net/dev'),
    readProc('sys/net/bridge/bridge-nf-call-iptables'),
  ]);
  return {
    interfaces: links.ok ? links.links : namesOf(devices).map((name) => ({ name, networks: [] })),
    listeners: [],
    linksProblem: links.ok ? undefined : links.problem,
    bridgedSeen: bridged !== '',
  };
}

/** Ports on which anybody listens in the host's network namespace now. */
export async function readListeners(): Promise<readonly Listener[]> {
  return listenersOf(await readSockets());
}

/**
 * The names of the host's interfaces, less those that Docker makes for containers, and tells of itself. By far the cheapest way to see a new one: with 400
 * interfaces 0.2 ms, where /proc/net/dev, which sums up counters, takes 0.7 (measured). Follows the process's namespace.
 */
export async function linkNames(): Promise<string> {
  const names = await readdir('/proc/sys/net/ipv4/conf').catch((): string[] => []);
  return names
    .filter((name) => !isDockerPort(name))
    .sort()
    .join(' ');
}

/** The sockets that wait for somebody in the host's network namespace now. */
export async function readSockets(): Promise<readonly HostSocket[]> {
  const [own, [tcp = '', tcp6 = '', udp = '', udp6 = '', sctp = '']] = await Promise.all([
    readOwnAddresses(),
    Promise.all(['net/tcp', 'net/tcp6', 'net/udp', 'net/udp6', sctpEndpoints].map(readProc)),
  ]);
  return parseSockets({ tcp: [tcp, tcp6], udp: [udp, udp6], sctp }).map((socket) =>
    socket.loopback || socket.address === 'any' || own.has(socket.address)
      ? socket
      : { ...socket, foreign: true },
  );
}

/** Missing where the kernel has no SCTP, or nobody has asked for it yet. */
const sctpEndpoints = 'net/sctp/eps';

/**
 * How many sockets there are of each kind, as text: another text means that a socket has come or gone. Cheap, where the tables
 * themselves are not: /proc/net/tcp walks the hash of all connections of all namespaces, which has a bucket for each
 * 128 KiB of memory (4 ms of processor time on a machine of 24 GiB, empty or not). SCTP is not counted there; its table is small.
 */
export async function countSockets(): Promise<string> {
  const [sctp = '', ...files] = await Promise.all(
    [sctpEndpoints, 'net/sockstat', 'net/sockstat6'].map(readProc),
  );
  return [...files.join('\n').matchAll(/^(?:TCP|UDP)6?: inuse \d+/gm), sctp].join(' ');
}

/** Linux's own `net.ipv4.ip_local_port_range`, where it cannot be read. */
const usualLocalPort = 32_768;

/**
 * The first port that the kernel gives to sockets that ask for none. Docker takes the ports that it chooses from the same
 * range (libnetwork/portallocator), so below it Docker publishes only what was asked for.
 */
export async function firstLocalPort(): Promise<number> {
  const first = Number.parseInt(await readProc('sys/net/ipv4/ip_local_port_range'), 10);
  return Number.isInteger(first) && first > 0 ? first : usualLocalPort;
}

/** Empty where there is no such file: a host without IPv6 has no tcp6 and udp6. */
async function readProc(path: string): Promise<string> {
  try {
    return await readFile(`/proc/${path}`, 'utf8');
  } catch {
    return '';
  }
}

function namesOf(devices: string): readonly string[] {
  return devices.split('\n').flatMap((line) => /^\s*([^\s:]+):/.exec(line)?.[1] ?? []);
}
