import type { Family } from '../net/network.ts';
import type { Protocol } from '../net/port.ts';
import { bridgedLines, externalLines, guardedLines, type Interfaces } from './interfaces.ts';
import { drop, giveBack, goTo, jump, related, reply } from './matches.ts';
import type { Hook, Table } from './model.ts';
import { bootChains } from './names.ts';
import { chainOf, type Line, lineRule } from './rule.ts';

/** A port of the host that stays reachable while the boot wall stands. */
export interface KeptPort {
  readonly protocol: Protocol;
  readonly port: number;
}

/** A host that asks for its address is answered on these; conntrack takes an answer to a multicast question for new. */
const dhcp: Record<Family, KeptPort> = {
  4: { protocol: 'udp', port: 68 },
  6: { protocol: 'udp', port: 546 },
};

/**
 * The boot wall: what stands between the boot of the host and the sidecar's first pass, put up by the host itself (see
 * cli/boot-unit.ts). It knows no container and needs no ipset: from outside nothing reaches a bridge of Docker, and of the
 * host only the ports that are its own, since docker-proxy listens on the host. A pass that has asked Docker takes it away.
 */
export function renderBoot(interfaces: Interfaces, kept: readonly KeptPort[], family: Family): Table {
  return {
    family,
    table: 'mangle',
    chains: [
      chainOf(bootChains.ports, portLines([...kept, dhcp[family]])),
      chainOf(bootChains.input, [
        [[{ kind: 'state', states: 'RELATED,ESTABLISHED' }], giveBack, 'known connections'],
        ...externalLines(interfaces, goTo(bootChains.ports)),
      ]),
      chainOf(bootChains.outside, [...bridgedLines(interfaces), ...externalLines(interfaces, drop)]),
      chainOf(bootChains.forward, [
        [[reply], giveBack, 'answers'],
        [related(family), giveBack, 'ICMP errors of known connections'],
        ...guardedLines(interfaces, goTo(bootChains.outside)),
      ]),
    ],
    hooks: [hook('INPUT', bootChains.input), hook('FORWARD', bootChains.forward)],
  };
}

function hook(chain: 'INPUT' | 'FORWARD', target: Parameters<typeof jump>[0]): Hook {
  return { chain, rule: lineRule(chain, [[], jump(target), 'until dockwall is up']) };
}

function portLines(kept: readonly KeptPort[]): readonly Line[] {
  return [
    ...kept.map((port): Line => [[{ kind: 'port', ...port }], giveBack, 'the host itself serves this']),
    ...(['tcp', 'udp', 'sctp'] as const).map((protocol): Line => [
      [
        { kind: 'protocol', protocol },
        { kind: 'state', states: 'NEW' },
      ],
      drop,
      `${protocol}: may be served by a container`,
    ]),
  ];
}
