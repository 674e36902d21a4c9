import type { Cidr, Family } from '../net/network.ts';
import { protocols } from '../net/port.ts';
import type { Policy } from '../policy/model.ts';
import { rememberLines } from './blocked-lines.ts';
import { drop, giveBack, goTo, marked, portIn, udp } from './matches.ts';
import type { Match, Target } from './model.ts';
import { askedRole, chains, setName, unheardRoles } from './names.ts';
import type { Line } from './rule.ts';
import { askedFor } from './sets.ts';

const multicast6 = 'ff00::/8' as Cidr;

/**
 * Packets that are routed on. Broadcast, multicast and anycast are not: docker-proxy's sockets get them too
 * (a forwarding IPv6 host has an anycast address in each subnet). IPv4's types come from the routing table and
 * exclude each other; IPv6's UNICAST is the address's class, a local address's as well (xt_addrtype.c, match_type6).
 */
export const elsewhere: Record<Family, readonly Match[]> = {
  4: [{ kind: 'destination-type', type: 'UNICAST' }],
  6: [
    { kind: 'destination', network: multicast6, negated: true },
    { kind: 'destination-type', type: 'LOCAL,ANYCAST', negated: true },
  ],
};

/**
 * The guard: what listens for a container (docker-proxy, Docker itself) listens before Docker tells its port. So new
 * connections from outside reach only ports on which the host's own services are known to listen; where nobody listens
 * they would be refused anyway. After DNAT, so what is forwarded is not concerned.
 *
 * What is related passes whole, also what a conntrack helper expects: a port that is published was judged in PREROUTING, by the
 * packet's address and port, before anybody asked here. What is meant for another address is a transparent proxy's (TPROXY),
 * which takes packets for whatever port: docker-proxy has the host's own addresses only.
 */
export function inputLines(policy: Policy, family: Family): readonly Line[] {
  const down: Match = { kind: 'set', set: setName(family, 'guard'), fields: 'dst', negated: true };
  return [
    [[{ kind: 'state', states: 'RELATED,ESTABLISHED' }], giveBack, 'known connections'],
    [[marked(policy.mark)], giveBack, 'passed the gate'],
    [[down], giveBack, 'the guard is down: dockwall does not run'],
    [elsewhere[family], giveBack, 'for a transparent proxy of the host'],
  ];
}

export function listeningLines(family: Family): readonly Line[] {
  const unknown: Match = { kind: 'set', set: setName(family, 'listening'), fields: 'dst,dst', negated: true };
  return [
    [[udp, portIn(setName(family, askedRole))], giveBack, 'answers to what this host has asked'],
    ...protocols.map((protocol): Line => [
      [{ kind: 'protocol', protocol }, { kind: 'state', states: 'NEW' }, unknown],
      goTo(chains.unheard),
      `${protocol}: not known as a service of this host`,
    ]),
  ];
}

/** What groups and everybody get is nobody's question to this host, and a LAN is full of it. */
const toThisHost: Record<Family, Match> = {
  4: { kind: 'destination-type', type: 'LOCAL' },
  6: { kind: 'destination', network: multicast6, negated: true },
};

export function unheardLines({ rememberBlocked }: Policy, family: Family): readonly Line[] {
  return [
    ...(rememberBlocked ? rememberLines(family, unheardRoles, [toThisHost[family]]) : []),
    [[], drop, 'nobody is known to listen'],
  ];
}

const toMany: Record<Family, Match> = {
  4: { kind: 'destination-type', type: 'MULTICAST,BROADCAST' },
  6: { kind: 'destination', network: multicast6 },
};

/**
 * Discovery (SSDP, mDNS, WS-Discovery, DHCP): the host asks a group or everybody, and who answers has an address that conntrack does
 * not know, so the answer is NEW. In OUTPUT, where only what sockets of the host's own namespace send comes by: not what is
 * forwarded, nor what is bridged, whatever source it claims. A server of TFTP answers from another port (RFC 1350).
 *
 * What is published or declared has been judged in PREROUTING: no question opens that.
 */
export function asksLines(family: Family): readonly Line[] {
  const remember = (fields: 'src,src' | 'dst,src'): Target => ({
    kind: 'remember-question',
    set: setName(family, askedRole),
    seconds: askedFor,
    fields,
  });
  return [
    [[toMany[family]], remember('src,src'), 'asks many: the answers come here'],
    [[toMany[family]], remember('dst,src'), 'asks many: the answers go to all'],
    [[{ kind: 'port', protocol: 'udp', port: 69 }], remember('src,src'), 'TFTP'],
  ];
}
