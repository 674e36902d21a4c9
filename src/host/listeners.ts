import type { Listener } from '../inventory/model.ts';

/** Socket states in /proc/net/{tcp,udp} (include/net/tcp_states.h): TCP_LISTEN, and TCP_CLOSE for a bound UDP socket. */
const listening = { tcp: '0A', udp: '07' } as const;

/** The socket tables of one network namespace, as text. */
export interface SocketTables {
  readonly tcp: readonly string[];
  readonly udp: readonly string[];
}

/** Ports that a socket of the host waits on. Addresses are left out: a listener on any address counts. */
export function parseListeners(tables: SocketTables): readonly Listener[] {
  const tcp = ports(tables.tcp, listening.tcp).map((port): Listener => ({ protocol: 'tcp', port }));
  const udp = ports(tables.udp, listening.udp).map((port): Listener => ({ protocol: 'udp', port }));
  return [...tcp, ...udp];
}

function ports(tables: readonly string[], state: string): readonly number[] {
  const found = tables.flatMap((table) =>
    table.split('\n').flatMap((line) => {
      // "  0: 00000000:0050 00000000:0000 0A ...", addresses and ports in hexadecimal.
      const fields = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) /.exec(line);
      return fields !== null && fields[2] === state ? [Number.parseInt(fields[1] ?? '', 16)] : [];
    }),
  );
  return [...new Set(found)].sort((a, b) => a - b);
}
