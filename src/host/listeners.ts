import type { Listener } from '../inventory/model.ts';

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
export interface HostSocket extends Listener {
  /** Its number for life: another one on the same port has another. */
  readonly inode: number;
  /** Of the user who made it, as this process's user namespace numbers users. */
  readonly uid: number;
  /** Bound to 127.0.0.0/8 or ::1: out of reach from outside. */
  readonly loopback: boolean;
}

/** Ports that a socket of the host waits on, on whichever address, in the order of protocols and numbers. */
export function listenersOf(sockets: readonly HostSocket[]): readonly Listener[] {
  const found = new Map(sockets.map(({ protocol, port }) => [`${protocol}:${port}`, { protocol, port }]));
  return [...found.values()].sort(
    (a, b) => (a.protocol < b.protocol ? -1 : a.protocol > b.protocol ? 1 : 0) || a.port - b.port,
  );
}

/** Every socket that waits, of both families. Lines that say something else are passed over. */
export function parseSockets(tables: SocketTables): readonly HostSocket[] {
  return [
    ...(['tcp', 'udp'] as const).flatMap((protocol) =>
      tables[protocol].flatMap((table) => parseTable(table, protocol)),
    ),
    ...parseEndpoints(tables.sctp),
  ];
}

/**
 * `ENDPT SOCK STY SST HBKT LPORT UID INODE LADDRS`, all decimal but for the first two (net/sctp/proc.c, sctp_eps_seq_show). State 10 is
 * SCTP_SS_LISTENING. Of the addresses, in full, the endpoint's first one may have a `*`.
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
    return [{ protocol: 'sctp', port: Number(port), inode: Number(inode), uid: Number(uid), loopback }];
  });
}

/**
 * `  0: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12345 ...`: local and remote
 * address with the port, hexadecimal; state; queues; timer; retransmits; uid; timeout; inode (Documentation/networking/proc_net_tcp.rst).
 */
const line =
  /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) \S+ \S+ \S+\s+(\d+)\s+\d+\s+(\d+)/;

function parseTable(table: string, protocol: 'tcp' | 'udp'): readonly HostSocket[] {
  const sockets: HostSocket[] = [];
  for (const text of table.split('\n')) {
    // Most lines of a busy host are connections: told apart before anything is taken to pieces.
    if (!text.includes(` ${listening[protocol]} `)) continue;
    const [, address = '', port = '', state, uid, inode] = line.exec(text) ?? [];
    if (state !== listening[protocol]) continue;
    sockets.push({
      protocol,
      port: Number.parseInt(port, 16),
      inode: Number(inode),
      uid: Number(uid),
      loopback: isLoopback(address),
    });
  }
  return sockets;
}

/** As the kernel prints addresses: 32-bit words, each in the byte order of the machine, so both orders are looked for. */
function isLoopback(address: string): boolean {
  if (address.length === 8) return address.endsWith('7F') || address.startsWith('7F');
  return /^0{24}(?:01000000|00000001)$/.test(address);
}
