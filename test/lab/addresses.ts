/** Where a client is and what it is called. Documentation ranges only (RFC 5737, RFC 3849). */
export interface ClientSpec {
  readonly name: string;
  readonly v4: string;
  readonly v6: string;
  /** On the same layer-2 segment as the Docker host's ext0, instead of behind the router. */
  readonly neighbour?: boolean;
  /** Of the link to the internet; smaller than 1500 makes the router send "too big". */
  readonly mtu?: number;
}

/** The Docker host's ext0. */
export const hostAddress = { v4: '192.0.2.10', v6: '2001:db8:1::10', linkLocal: 'fe80::10' } as const;

/** The router on the host's own segment; a DNS server for the host can be run there. */
export const routerAddress = { v4: '192.0.2.1', v6: '2001:db8:1::1', linkLocal: 'fe80::1' } as const;

/** Trusted, group member, forbidden, and a neighbour on the host's own segment (forbidden as well). */
export const defaultClients: readonly ClientSpec[] = [
  { name: 'T', v4: '198.51.100.10', v6: '2001:db8:a::10' },
  { name: 'G', v4: '203.0.113.20', v6: '2001:db8:b::20' },
  { name: 'X', v4: '203.0.113.200', v6: '2001:db8:c::200' },
  { name: 'N', v4: '192.0.2.50', v6: '2001:db8:1::50', neighbour: true },
];
