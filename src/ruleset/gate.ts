import type { Cidr, Family } from '../net/network.ts';
import type { Policy } from '../policy/model.ts';
import {
  boundIn,
  bridgedContainer,
  connectionMarked,
  count,
  drop,
  from,
  giveBack,
  goTo,
  jump,
  marked,
  pairIn,
  pairNotIn,
  portIn,
  related,
  reply,
  to,
  toDockerLike,
} from './matches.ts';
import type { Match, SetName, Table, Target } from './model.ts';
import { blockedRoles, chains, countRoles, setName } from './names.ts';
import { chainOf, type Line, lineRule } from './rule.ts';
import { hasRouted, rememberedFor, routedPrefix, usedRoles } from './sets.ts';
import { type WayIn, waysIn } from './ways-in.ts';

type GroupName = Policy['trusted']['groups'][number];
/** What decides where a packet's interface is. */
export type Interfaces = Pick<Policy, 'external' | 'inside' | 'foreignBridges' | 'bridgedSeen'>;

/** Docker's bridges that have no number in their name: the default one, and Swarm's. */
const usual: readonly string[] = ['docker0', 'docker_gwbridge'];

const refuse = goTo(chains.refuse);
/** For what somebody has asked of a published port. */
const block = goTo(chains.blocked);
/** As long as conntrack keeps an established connection that says nothing (nf_conntrack_tcp_timeout_established). */
const rememberedSeconds = 432_000;
const loopbackNetwork: Record<Family, Cidr> = { 4: '127.0.0.0/8' as Cidr, 6: '::1' as Cidr };

/**
 * Packets that are routed on. Broadcast, multicast and anycast are not: docker-proxy's sockets get them too
 * (a forwarding IPv6 host has an anycast address in each subnet). IPv4's types come from the routing table and
 * exclude each other; IPv6's UNICAST is the address's class, a local address's as well (xt_addrtype.c, match_type6).
 */
const elsewhere: Record<Family, readonly Match[]> = {
  4: [{ kind: 'destination-type', type: 'UNICAST' }],
  6: [
    { kind: 'destination', network: 'ff00::/8' as Cidr, negated: true },
    { kind: 'destination-type', type: 'LOCAL,ANYCAST', negated: true },
  ],
};

/**
 * The gate: the guarantee, on host ports, in `mangle`, before Docker's DNAT: `mangle` is at priority -150 of PREROUTING, and
 * what translates destinations at -100, also the chains of Docker's nftables backend. It only drops or writes one mark
 * bit; how many rules it has depends on the source groups, never on the containers. A published
 * port is decided here for DNAT, docker-proxy, host-network services and Swarm's mesh alike.
 *
 * Every packet of the original direction is judged, not only a connection's first, so a source that leaves
 * a set loses its running sessions.
 */
export function renderGate(policy: Policy, family: Family): Table {
  const pass = goTo(chains.pass);
  return {
    family,
    table: 'mangle',
    chains: [
      chainOf(chains.pass, passLines(policy, family)),
      chainOf(chains.refuse, refuseLines(policy, family)),
      chainOf(chains.blocked, blockedLines(policy, family)),
      chainOf(chains.routed, routedLines(policy, family, pass)),
      chainOf(chains.judge, judgeLines(policy, family, pass)),
      chainOf(chains.gate, externalLines(policy, goTo(chains.judge))),
      chainOf(chains.unpassed, [...bridgedLines(policy), ...externalLines(policy, refuse)]),
      chainOf(chains.forward, forwardLines(policy)),
      chainOf(chains.listening, listeningLines(family)),
      chainOf(chains.input, inputLines(policy, family)),
      chainOf(chains.cut, outsideLines(policy)),
      chainOf(chains.replies, replyLines(policy, family)),
    ],
    hooks: [
      { chain: 'PREROUTING', rule: lineRule('PREROUTING', [[], jump(chains.gate), 'the gate']) },
      { chain: 'INPUT', rule: lineRule('INPUT', [[], jump(chains.input), 'the gate']) },
      { chain: 'FORWARD', rule: lineRule('FORWARD', [[], jump(chains.forward), 'the gate']) },
      { chain: 'POSTROUTING', rule: lineRule('POSTROUTING', [[], jump(chains.replies), 'the gate']) },
    ],
  };
}

/** Sends what comes from outside to `target` and lets the rest go. */
export function externalLines({ external, inside }: Interfaces, target: Target): readonly Line[] {
  if (external.kind === 'list') {
    return external.names.map((name): Line => [[from(name)], target, `from ${name}, as configured`]);
  }
  return [
    ...['lo', ...inside].map((name): Line => [[from(name)], giveBack, `from ${name}: inside`]),
    [[], target, 'everything else is outside'],
  ];
}

/**
 * Containers of one network to each other, where such packets pass iptables: from the moment that it is there, also while dockwall
 * does not know its bridge yet, or does not run. Only where br_netfilter is loaded anyway: xt_physdev would load it, and the
 * bridges of virtual machines would find themselves behind Docker's FORWARD policy.
 */
export function bridgedLines({ bridgedSeen }: Pick<Policy, 'bridgedSeen'>): readonly Line[] {
  return bridgedSeen ? [[[bridgedContainer], giveBack, 'between containers of one network']] : [];
}

/**
 * Sends what goes to a bridge of Docker to `target`. By a pattern, since a network that was made a moment ago has to be closed as well:
 * a pattern may close too much for a moment, and never opens.
 */
export function guardedLines({ inside, foreignBridges }: Interfaces, target: Target): readonly Line[] {
  const named = inside.filter((name) => !name.startsWith('br-') && !usual.includes(name));
  return [
    ...foreignBridges.map((name): Line => [[to(name)], giveBack, `${name} is not a bridge of Docker`]),
    [[toDockerLike], target, 'to br-*'],
    ...[...usual, ...named].map((name): Line => [[to(name)], target, `to ${name}`]),
  ];
}

/**
 * A connection whose source has been let in again is no longer refused. The sets of the counts hold what is published; the trusted
 * pass on their way to the host's own services too, which nobody counts.
 */
function passLines({ mark, connmark }: Policy, family: Family): readonly Line[] {
  return [
    [[portIn(setName(family, countRoles.passed))], count, 'counts what is let in'],
    [
      [{ kind: 'state', states: 'NEW' }, portIn(setName(family, countRoles.begun))],
      count,
      'counts connections let in',
    ],
    [[], { kind: 'clear-connection-mark', bit: connmark }, 'not refused, or no longer'],
    [[], { kind: 'set-mark', bit: mark }, 'passed the gate'],
  ];
}

/**
 * The connection remembers, so that its other direction is cut as well: a server that pushes would go on. Forgetting the
 * connection instead (`conntrack -D`) would open it: the server's next packet would begin it anew, the other way round
 * (conntrack picks TCP up in the middle), and the client's packets would be replies. Not for established ones only: a
 * request that nobody has answered yet has an answer to come.
 */
function refuseLines({ connmark }: Policy, family: Family): readonly Line[] {
  const remember: Target = {
    kind: 'remember-source',
    set: setName(family, 'refused'),
    seconds: rememberedSeconds,
  };
  return [
    [
      [
        { kind: 'protocol', protocol: 'tcp' },
        { kind: 'state', states: 'RELATED,ESTABLISHED' },
      ],
      remember,
      'had a session',
    ],
    [[], { kind: 'set-connection-mark', bit: connmark }, 'the answers are refused too'],
    [[], drop, 'refused'],
  ];
}

/**
 * Only packets that ask for something published come by here: in PREROUTING, so with the port as it was asked for. What is
 * remembered is a matter of two sets, since an entry that is added again for its time begins to count anew (ip_set_hash_gen.h,
 * overwrite_extensions). A full set lets an entry go for a new one, so a flood costs memory that is known beforehand.
 */
function blockedLines({ rememberBlocked }: Policy, family: Family): readonly Line[] {
  const set = (role: string): SetName => setName(family, role);
  const remember = (role: string, renew: boolean): Target => ({
    kind: 'remember-asker',
    set: set(role),
    seconds: rememberedFor,
    renew,
  });
  return [
    [[portIn(set(countRoles.refused))], count, 'counts what is turned away'],
    ...(rememberBlocked
      ? ([
          [[pairNotIn(set(blockedRoles.first))], remember(blockedRoles.first, false), 'turned away, counted'],
          [[], remember(blockedRoles.last, true), 'turned away last'],
        ] as const)
      : []),
    [[], refuse, 'turned away'],
  ];
}

function judgeLines(policy: Policy, family: Family, pass: Target): readonly Line[] {
  const set = (role: string): SetName => setName(family, role);
  const published = portIn(set('published'));
  return [
    // A tunnel may hand on the mark of its outer packet (IPsec keeps skb->mark when it unwraps).
    [[], { kind: 'clear-mark', bit: policy.mark }, 'nobody brings the mark along'],
    [[reply], giveBack, 'answers to what containers and the host asked for'],
    [[related], giveBack, 'ICMP errors of known connections'],
    [[{ kind: 'destination', network: loopbackNetwork[family] }], drop, 'loopback, crafted by a neighbour'],
    [elsewhere[family], goTo(chains.routed), 'not for this host'],
    ...deniedSources(policy, family).map(([match, note]): Line => [[published, match], block, note]),
    ...labelDenials(policy, '', family),
    ...trustedLines(policy, family, pass),
    ...openLines(policy, { prefix: '', family, pass }),
    [[published], block, 'published, and nothing above lets this source in'],
  ];
}

/** What is not marked here can still be routed anywhere but to a bridge of Docker (see FORWARD). */
function routedLines(policy: Policy, family: Family, pass: Target): readonly Line[] {
  const denied = deniedSources(policy, family);
  const leave = denied.map(([match, note]): Line => [[match], giveBack, note]);
  const trusted = trustedLines(policy, family, pass);
  if (!hasRouted(policy)) return [...leave, ...trusted];
  const published = portIn(setName(family, `${routedPrefix}published`));
  return [
    ...denied.map(([match, note]): Line => [[published, match], block, note]),
    ...leave,
    ...labelDenials(policy, routedPrefix, family),
    ...trusted,
    ...openLines(policy, { prefix: routedPrefix, family, pass }),
    // FORWARD would drop it for want of the mark; here it is known what was asked for
    [[published], block, 'published, and nothing above lets this source in'],
  ];
}

function deniedSources(policy: Policy, family: Family): readonly (readonly [Match, string])[] {
  return [
    ...waysIn('denied', { family, role: 'deny' }, policy.deny),
    ...policy.deny.groups.flatMap((name) => groupWays(policy, name, { words: 'denied', family, use: 'den' })),
  ].map(({ match, words }) => [match, words] as const);
}

function groupWays(
  { groups }: Policy,
  name: GroupName,
  { words, family, use }: { words: string; family: Family; use: 'src' | 'den' },
): readonly WayIn[] {
  const group = groups.get(name);
  return group === undefined ? [] : waysIn(`${words} ${name}`, { family, role: `${use}-${name}` }, group);
}

function labelDenials(policy: Policy, prefix: string, family: Family): readonly Line[] {
  const set = (role: string): SetName => setName(family, role);
  const { deniedGroups, denyPairs, denyBound } = usedRoles(policy);
  const note = 'label denies this address';
  return [
    ...deniedGroups.flatMap((name) =>
      groupWays(policy, name, { words: 'label denies', family, use: 'den' }).map(({ match, words }): Line => [
        [portIn(set(`${prefix}not-${name}`)), match],
        block,
        words,
      ]),
    ),
    ...(denyPairs && prefix === '' ? [[[pairIn(set('deny-pairs'))], block, note] as Line] : []),
    ...(denyBound ? [[[boundIn(set(`${prefix}deny-bound`))], block, note] as Line] : []),
  ];
}

function trustedLines(policy: Policy, family: Family, pass: Target): readonly Line[] {
  return [
    ...waysIn('trusted', { family, role: 'trusted' }, policy.trusted),
    ...policy.trusted.groups.flatMap((name) =>
      groupWays(policy, name, { words: 'trusted', family, use: 'src' }),
    ),
  ].map(({ match, words }): Line => [[match], pass, words]);
}

/** Public ports, then groups, then addresses written in labels. */
function openLines(
  policy: Policy,
  { prefix, family, pass }: { prefix: string; family: Family; pass: Target },
): readonly Line[] {
  const set = (role: string): SetName => setName(family, role);
  const note = 'allow, address in a label';
  return [
    [[portIn(set(`${prefix}public`))], pass, 'public'],
    ...[...policy.groups.keys()].flatMap((name) =>
      groupWays(policy, name, { words: 'allow', family, use: 'src' }).map(({ match, words }): Line => [
        [portIn(set(`${prefix}to-${name}`)), match],
        pass,
        words,
      ]),
    ),
    ...(prefix === '' ? [[[pairIn(set('allow-pairs'))], pass, note] as Line] : []),
    ...(usedRoles(policy).allowBound ? [[[boundIn(set(`${prefix}allow-bound`))], pass, note] as Line] : []),
  ];
}

/**
 * The guard: what listens for a container (docker-proxy, Docker itself) listens before Docker tells its port. So new
 * connections from outside reach only ports on which the host's own services are known to listen; where nobody listens
 * they would be refused anyway. After DNAT, so what is forwarded is not concerned.
 */
function inputLines(policy: Policy, family: Family): readonly Line[] {
  const down: Match = { kind: 'set', set: setName(family, 'guard'), fields: 'dst', negated: true };
  return [
    [[{ kind: 'state', states: 'RELATED,ESTABLISHED' }], giveBack, 'known connections'],
    [[marked(policy.mark)], giveBack, 'passed the gate'],
    [[down], giveBack, 'the guard is down: dockwall does not run'],
    ...externalLines(policy, goTo(chains.listening)),
  ];
}

function listeningLines(family: Family): readonly Line[] {
  const unknown: Match = { kind: 'set', set: setName(family, 'listening'), fields: 'dst,dst', negated: true };
  return (['tcp', 'udp'] as const).map((protocol): Line => [
    [{ kind: 'protocol', protocol }, { kind: 'state', states: 'NEW' }, unknown],
    drop,
    `${protocol}: not known to be the host's own`,
  ]);
}

/**
 * What a refused connection still answers. In POSTROUTING, where forwarded packets and the host's own (docker-proxy, host
 * network) both come by, before the source is translated back. The set holds sessions whose client says nothing: the
 * kernel learns of those from the daemon (see src/reconciler/cutter.ts).
 */
function replyLines({ connmark }: Policy, family: Family): readonly Line[] {
  const refused: Match = { kind: 'set', set: setName(family, 'refused'), fields: 'dst', negated: false };
  return [
    [[connectionMarked(connmark), reply], goTo(chains.cut), 'answers of a refused connection'],
    [[reply, boundIn(setName(family, 'cut'))], goTo(chains.cut), 'to a silent client that is refused now'],
    [
      [{ kind: 'not-syn' }, { kind: 'state', states: 'NEW' }, refused],
      goTo(chains.cut),
      'a refused session, begun anew from the middle',
    ],
  ];
}

/** The mirror of {@link externalLines}: what stays inside is none of ours, whatever the mark says. */
function outsideLines({ external, inside }: Policy): readonly Line[] {
  if (external.kind === 'list') {
    return external.names.map((name): Line => [[to(name)], refuse, `to ${name}, as configured`]);
  }
  return [
    ...['lo', ...inside].map((name): Line => [[to(name)], giveBack, `to ${name}: inside`]),
    [[], refuse, 'everything else is outside'],
  ];
}

/** Towards a Docker bridge only with the mark: unknown ports, ports just chosen, container addresses. */
function forwardLines(policy: Policy): readonly Line[] {
  return [
    [[reply], giveBack, 'answers'],
    [[related], giveBack, 'ICMP errors of known connections'],
    [[marked(policy.mark)], giveBack, 'passed the gate'],
    ...guardedLines(policy, goTo(chains.unpassed)),
  ];
}
