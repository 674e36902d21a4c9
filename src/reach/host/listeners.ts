import { endianness } from 'node:os';
import type { HostPort, Listener } from '../../decide/inventory/model.ts';
import { familyOf } from '../../decide/net/network.ts';
import { parseNetworks } from '../../decide/net/parse-networks.ts';

/** Socket states in /proc/net/{tcp,udp} (include/net/tcp_states.h): TCP_LISTEN, and TCP_CLOSE for a bound UDP socket. */
const listening = { tcp: '0A', udp: '07' } as const;

/** The socket tables of one network namespace, as text. */
export interface SocketTables {
  readonly tcp: readonly string[];
  readonly udp: readonly string[];
  /** /proc/net/sctp/eps, both families in one; empty where the kernel has no SCTP. */
  readonly sctp: string;
}

/** One socket that waits for whoever comes. */
export interface HostSocket extends HostPort {
  /** Its number for life: another one on the same port has another. */
  readonly inode: number;
  /** Of the user who made it, as this process's user namespace numbers users. */
  readonly uid: number;
  /** Bound to 127.0.0.0/8 or ::1: out of reach from outside. */
  readonly loopback: boolean;
  /** Bound to one address that no interface of the host has: whoever asks for that may have any (IP_FREEBIND). */
  readonly foreign?: true;
}

/** Ports that a socket of the host waits on, on whichever address, in the order of protocols and numbers. */
export function listenersOf(sockets: readonly HostSocket[]): readonly Listener[] {
  const found = new Map(sockets.map(({ protocol, port }) => [`${protocol}:${port}`, { protocol, port }]));
  return [...found.values()].sort(
    (a, b) => (a.protocol < b.protocol ? -1 : a.protocol > b.protocol ? 1 : 0) || a.port - b.port,
  );
}

/** Every socket that waits, of both families. Lines that say something else are passed over. */
export function parseSockets(tables: SocketTables, order = endianness()): readonly HostSocket[] {
  return [
    ...(['tcp', 'udp'] as const).flatMap((protocol) =>
      tables[protocol].flatMap((table) => parseTable(table, { protocol, order })),
    ),
    ...parseEndpoints(tables.sctp),
  ];
}

/**
 * `ENDPT SOCK STY SST HBKT LPORT UID INODE LADDRS`, all decimal but for the first two (net/sctp/proc.c, sctp_eps_seq_show). State 10 is
 * SCTP_SS_LISTENING. Of the addresses, in full, the endpoint's first one may have a `*`; an endpoint may have many, and counts as on all.
 */
const endpoint = /^\s*\S+\s+\S+\s+\d+\s+10\s+\d+\s+(\d+)\s+(\d+)\s+(\d+)\s+(\S.*)$/;

function parseEndpoints(table: string): readonly HostSocket[] {
  return table.split('\n').flatMap((text): HostSocket[] => {
    const [, port, uid, inode, addresses = ''] = endpoint.exec(text) ?? [];
    if (port === undefined) return [];
    const loopback = addresses
      .trim()
      .split(/\s+/)
      .every((address) => /^\*?(?:127\.|(?:0{4}:){7}0001$|::1$)/.test(address));
    const place = { family: 6, address: 'any', protocol: 'sctp', port: Number(port) } as const;
    return [{ ...place, inode: Number(inode), uid: Number(uid), loopback }];
  });
}

/**
 * `  0: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12345 ...`: local and remote
 * address with the port, hexadecimal; state; queues; timer; retransmits; uid; timeout; inode (Documentation/networking/proc_net_tcp.rst).
 */
const line =
  /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) \S+ \S+ \S+\s+(\d+)\s+\d+\s+(\d+)/;

interface TableKind {
  readonly protocol: 'tcp' | 'udp';
  /** Of the machine that printed the table. */
  readonly order: ReturnType<typeof endianness>;
}

function parseTable(table: string, { protocol, order }: TableKind): readonly HostSocket[] {
  const sockets: HostSocket[] = [];
  for (const text of table.split('\n')) {
    // Most lines of a busy host are connections: told apart before anything is taken to pieces.
    if (!text.includes(` ${listening[protocol]} `)) continue;
    const [, address = '', port = '', state, uid, inode] = line.exec(text) ?? [];
    if (state !== listening[protocol]) continue;
    sockets.push({
      ...whereabouts(address, order),
      protocol,
      port: Number.parseInt(port, 16),
      inode: Number(inode),
      uid: Number(uid),
    });
  }
  return sockets;
}

/** As the kernel prints addresses: 32-bit words in hexadecimal, each in the byte order of the machine. */
function whereabouts(
  address: string,
  order: TableKind['order'],
): Pick<HostSocket, 'family' | 'address' | 'loopback'> {
  if (/^0+$/.test(address)) return { family: address.length === 8 ? 4 : 6, address: 'any', loopback: false };
  const bytes = Buffer.from(address, 'hex');
  if (order === 'LE') bytes.swap32();
  const text = bytes.length === 4 ? bytes.join('.') : (bytes.toString('hex').match(/.{4}/g) ?? []).join(':');
  const parsed = parseNetworks(text);
  // `::a.b.c.d` is no address that parseNetworks takes: as good as bound to all.
  const [network] = parsed.ok ? parsed.networks : [];
  if (network === undefined) return { family: 6, address: 'any', loopback: false };
  const family = familyOf(network);
  // an IPv6 socket that is bound to all of IPv4 only: ::ffff:0.0.0.0
  if (network === '0.0.0.0') return { family, address: 'any', loopback: false };
  return { family, address: network, loopback: network === '::1' || network.startsWith('127.') };
}

/**
 * Where a socket waits. One on all of IPv6 waits on all of IPv4 as well, unless it was made not to (IPV6_V6ONLY), which the tables do
 * not tell.
 */
export function placesOf({ family, address, protocol, port }: HostSocket): readonly HostPort[] {
  const place = { family, address, protocol, port };
  return family === 6 && address === 'any' ? [place, { ...place, family: 4 }] : [place];
}
