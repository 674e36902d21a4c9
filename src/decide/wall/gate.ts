import type { Cidr, Family } from '../net/network.ts';
import { isSourceWord } from '../net/source-word.ts';
import type { Policy } from '../policy/model.ts';
import { rememberLines } from './blocked-lines.ts';
import { asksLines, elsewhere, inputLines, listeningLines, unheardLines } from './guard.ts';
import { renderHooks } from './hooks.ts';
import { bridgesEnd, outsideEnd } from './interfaces.ts';
import {
  answererIn,
  answerIn,
  boundIn,
  connectionMarked,
  count,
  drop,
  giveBack,
  goTo,
  marked,
  pairIn,
  portIn,
  related,
  reply,
  sourceIn,
  to,
} from './matches.ts';
import type { Match, SetName, Table, Target } from './model.ts';
import {
  blockedRoles,
  chains,
  countRoles,
  observingRole,
  type PortPrefix,
  type PortRole,
  portsSet,
  setName,
  widePrefix,
} from './names.ts';
import { chainOf, type Line } from './rule.ts';
import { hasRouted, ruledGroups, usedRoles, wideProtocols } from './sets.ts';
import { type WayIn, waysAround, waysIn } from './ways-in.ts';

type GroupName = Policy['trusted']['groups'][number];
const refuse = goTo(chains.refuse);
/** For what somebody has asked of a published port. */
const block = goTo(chains.blocked);
const loopbackNetwork: Record<Family, Cidr> = { 4: '127.0.0.0/8' as Cidr, 6: '::1' as Cidr };

/**
 * The gate: the guarantee, on host ports, in `mangle`, before Docker's DNAT: `mangle` is at priority -150 of PREROUTING, and
 * what translates destinations at -100, also the chains of Docker's nftables backend. It only drops or writes one mark
 * bit; how many rules it has depends on the configuration and the host's interfaces, never on the containers. A published
 * port is decided here for DNAT, docker-proxy, host-network services and Swarm's mesh alike.
 *
 * Every packet of the original direction is judged, not only a connection's first, so a source that leaves
 * a set loses its running sessions.
 */
export function renderGate(policy: Policy, family: Family): Table {
  const pass = goTo(chains.pass);
  const judge = outsideEnd(policy, chains.judge, judgeLines(policy, family, pass));
  const bridges = bridgesEnd(policy, chains.unpassed, refuse);
  const listening = outsideEnd(policy, chains.listening, listeningLines(family));
  return {
    family,
    table: 'mangle',
    chains: [
      chainOf(chains.pass, passLines(policy, family)),
      chainOf(chains.refuse, refuseLines(policy)),
      chainOf(chains.blocked, blockedLines(policy, family, pass)),
      ...(hasRouted(policy) ? [chainOf(chains.routed, routedLines(policy, family, pass))] : []),
      ...judge.chains,
      chainOf(chains.gate, judge.lines),
      ...bridges.chains,
      chainOf(chains.forward, [...forwardLines(policy, family), ...bridges.lines]),
      chainOf(chains.unheard, unheardLines(policy, family)),
      ...listening.chains,
      chainOf(chains.input, [...inputLines(policy, family), ...listening.lines]),
      chainOf(chains.asks, asksLines(family)),
      chainOf(chains.cut, cutLines(policy)),
      chainOf(chains.replies, replyLines(policy, family)),
    ],
    hooks: renderHooks('mangle', 'the gate'),
  };
}

/** Whoever gets through to a door is not cut there any more. The set is empty as a rule, and then costs next to nothing. */
function letInAgain(family: Family, also: readonly Match[] = []): readonly Line[] {
  const cut = setName(family, 'cut');
  return [[[...also, boundIn(cut)], { kind: 'forget-bound', set: cut }, 'not cut here any more']];
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
    ...letInAgain(family),
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
function refuseLines({ connmark }: Policy): readonly Line[] {
  return [
    [[], { kind: 'set-connection-mark', bit: connmark }, 'the answers are refused too'],
    [[], drop, 'refused'],
  ];
}

/**
 * Only packets that ask for something published come by here: in PREROUTING, so with the port as it was asked for. What has the mark was
 * given it by {@link closingLines}. The set is asked again: a mark that a tunnel handed on opens nothing, even with the rule gone that
 * clears it.
 */
function blockedLines({ mark, rememberBlocked }: Policy, family: Family, pass: Target): readonly Line[] {
  return [
    [[portIn(setName(family, countRoles.refused))], count, 'counts what is turned away'],
    ...(rememberBlocked ? rememberLines(family, blockedRoles) : []),
    [[marked(mark), sourceIn(setName(family, observingRole))], pass, 'observing: would be turned away'],
    [[], refuse, 'turned away'],
  ];
}

/**
 * What nothing above lets in. While the walls only look, it gets the mark first: it is remembered as ever, and then let in. The set's
 * members expire, so the kernel itself ends it. Who is denied never comes by here: that is somebody's explicit wish.
 */
function closingLines(
  { mark }: Policy,
  family: Family,
  published: readonly (readonly Match[])[],
): readonly Line[] {
  const looking = sourceIn(setName(family, observingRole));
  return [
    ...published.map((ports): Line => [
      [looking, ...ports],
      { kind: 'set-mark', bit: mark },
      'observing: let in, remembered',
    ]),
    ...published.map((ports): Line => [ports, block, 'published, and nothing above lets this source in']),
  ];
}

function judgeLines(policy: Policy, family: Family, pass: Target): readonly Line[] {
  const published = portsIn(policy, 'published', { prefix: '', family });
  return [
    // A tunnel may hand on the mark of its outer packet (IPsec keeps skb->mark when it unwraps).
    [[], { kind: 'clear-mark', bit: policy.mark }, 'nobody brings the mark along'],
    [[reply], giveBack, 'answers to what containers and the host asked for'],
    [related(family), giveBack, 'ICMP errors of known connections'],
    [[{ kind: 'destination', network: loopbackNetwork[family] }], drop, 'loopback, crafted by a neighbour'],
    ...elsewhereLines(policy, family, pass),
    ...deniedSources(policy, family).flatMap(([match, note]) =>
      published.map((ports): Line => [[...ports, match], block, note]),
    ),
    ...labelDenials(policy, '', family),
    ...trustedLines(policy, family, pass),
    ...openLines(policy, { prefix: '', family, pass }),
    ...closingLines(policy, family, published),
    // What was refused here when it was published: the host's own service may have the port now.
    [
      [connectionMarked(policy.connmark)],
      { kind: 'clear-connection-mark', bit: policy.connmark },
      'left alone: not refused any more',
    ],
    ...letInAgain(family),
  ];
}

/** The ways to be one of these ports: by address and port, and for each protocol of wide services by port alone. */
function portsIn(
  policy: Policy,
  role: PortRole,
  { prefix, family }: { prefix: PortPrefix; family: Family },
): readonly (readonly Match[])[] {
  const wide = prefix === '' ? wideProtocols(policy) : [];
  return [
    [portIn(portsSet(family, prefix, role))],
    ...wide.map((protocol): readonly Match[] => [
      { kind: 'port-set', protocol, set: portsSet(family, widePrefix[protocol], role) },
    ]),
  ];
}

/** What is not for this host: of the sets first, for the kernel has to look up a route to know it. Doors without NAT need a chain. */
function elsewhereLines(policy: Policy, family: Family, pass: Target): readonly Line[] {
  const note = 'not for this host';
  if (hasRouted(policy)) return [[elsewhere[family], goTo(chains.routed), note]];
  return [
    ...routedLines(policy, family, pass).map(([matches, target, words]): Line => [
      [...matches, ...elsewhere[family]],
      target,
      `${words}, ${note}`,
    ]),
    [elsewhere[family], giveBack, note],
  ];
}

/** What is not marked here can still be routed anywhere but to a bridge of Docker (see FORWARD). */
function routedLines(policy: Policy, family: Family, pass: Target): readonly Line[] {
  const denied = deniedSources(policy, family);
  const leave = denied.map(([match, note]): Line => [[match], giveBack, note]);
  const trusted = trustedLines(policy, family, pass);
  if (!hasRouted(policy)) return [...leave, ...trusted];
  const published = portIn(portsSet(family, 'r-', 'published'));
  return [
    ...denied.map(([match, note]): Line => [[published, match], block, note]),
    ...leave,
    ...labelDenials(policy, 'r-', family),
    ...trusted,
    ...openLines(policy, { prefix: 'r-', family, pass }),
    // FORWARD would drop it for want of the mark; here it is known what was asked for
    ...closingLines(policy, family, [[published]]),
  ];
}

function deniedSources(policy: Policy, family: Family): readonly (readonly [Match, string])[] {
  return [
    ...waysIn('denied', { family, list: 'deny' }, policy.deny),
    ...policy.deny.groups.flatMap((name) => groupWays(policy, name, { words: 'denied', family, use: 'den' })),
  ].map(({ match, words }) => [match, words] as const);
}

/** An interface that a label names has no set of sources. */
function groupWays(
  { groups }: Policy,
  name: GroupName,
  { words, family, use }: { words: string; family: Family; use: 'src' | 'den' },
): readonly WayIn[] {
  const group = groups.get(name);
  if (group === undefined) return [];
  const place = { family, list: { use, group: name } };
  return (isSourceWord(name) ? waysAround : waysIn)(`${words} ${name}`, place, group);
}

function labelDenials(policy: Policy, prefix: PortPrefix, family: Family): readonly Line[] {
  const set = (role: string): SetName => setName(family, role);
  const { deniedGroups, denyPairs, denyBound } = usedRoles(policy);
  const note = 'label denies this address';
  return [
    ...deniedGroups.flatMap((name) =>
      groupWays(policy, name, { words: 'label denies', family, use: 'den' }).flatMap(({ match, words }) =>
        portsIn(policy, { use: 'not', who: name }, { prefix, family }).map((ports): Line => [
          [...ports, match],
          block,
          words,
        ]),
      ),
    ),
    ...(denyPairs && prefix === '' ? [[[pairIn(set('deny-pairs'))], block, note] as Line] : []),
    ...(denyBound ? [[[boundIn(set(`${prefix}deny-bound`))], block, note] as Line] : []),
  ];
}

function trustedLines(policy: Policy, family: Family, pass: Target): readonly Line[] {
  return [
    ...waysIn('trusted', { family, list: 'trusted' }, policy.trusted),
    ...policy.trusted.groups.flatMap((name) =>
      groupWays(policy, name, { words: 'trusted', family, use: 'src' }),
    ),
  ].map(({ match, words }): Line => [[match], pass, words]);
}

/** Public ports, then groups, then addresses that labels name. */
function openLines(
  policy: Policy,
  { prefix, family, pass }: { prefix: PortPrefix; family: Family; pass: Target },
): readonly Line[] {
  const set = (role: string): SetName => setName(family, role);
  const { allowPairs, allowBound } = usedRoles(policy);
  const note = 'allow, address in a label';
  return [
    ...portsIn(policy, 'public', { prefix, family }).map((ports): Line => [ports, pass, 'public']),
    ...ruledGroups(policy).flatMap((name) =>
      groupWays(policy, name, { words: 'allow', family, use: 'src' }).flatMap(({ match, words }) =>
        portsIn(policy, { use: 'to', who: name }, { prefix, family }).map((ports): Line => [
          [...ports, match],
          pass,
          words,
        ]),
      ),
    ),
    ...(allowPairs && prefix === '' ? [[[pairIn(set('allow-pairs'))], pass, note] as Line] : []),
    ...(allowBound ? [[[boundIn(set(`${prefix}allow-bound`))], pass, note] as Line] : []),
  ];
}

/** A TCP answer of a published port, on its way out of this host. */
function publishedFrom(policy: Policy, family: Family): readonly Match[] {
  const wide = wideProtocols(policy).includes('tcp');
  return [
    answererIn(portsSet(family, '', 'published')),
    // TCP is said already where this is asked for
    ...(wide ? [sourceIn(portsSet(family, widePrefix.tcp, 'published'))] : []),
  ];
}

/**
 * What a refused connection still answers. In POSTROUTING, where forwarded packets and the host's own (docker-proxy, host
 * network) both come by, before the source is translated back. The set `cut` holds sessions whose client says nothing: the
 * kernel learns of those from the daemon (see src/daemon/cutter.ts).
 *
 * A published service begins no TCP connection in the middle. Where conntrack has forgotten a session (its client may make it:
 * one RST with a TTL that ends on the way), the service's next packet would begin it anew, the other way round, and whatever
 * the client says would be a reply. Connections that the service itself opens begin with a SYN, and most have another port.
 */
function replyLines(policy: Policy, family: Family): readonly Line[] {
  const fromTheMiddle: readonly Match[] = [{ kind: 'state', states: 'NEW' }, { kind: 'not-syn' }];
  const set = (role: string): SetName => setName(family, role);
  return [
    [[connectionMarked(policy.connmark), reply], goTo(chains.cut), 'answers of a refused connection'],
    [[reply, answerIn(set('cut'))], goTo(chains.cut), 'to a silent client that is refused now'],
    ...publishedFrom(policy, family).map((match): Line => [
      [...fromTheMiddle, match],
      goTo(chains.cut),
      'begins in the middle, from a published port',
    ]),
    [
      [...fromTheMiddle, answererIn(set('answers'))],
      goTo(chains.cut),
      'begins in the middle, from a container',
    ],
  ];
}

/** The mirror of `externalLines`: what stays inside is none of ours, whatever the mark says. */
function cutLines({ external, inside }: Policy): readonly Line[] {
  if (external.kind === 'list') {
    return external.names.map((name): Line => [[to(name)], refuse, `to ${name}, as configured`]);
  }
  return [
    ...['lo', ...inside].map((name): Line => [[to(name)], giveBack, `to ${name}: inside`]),
    [[], refuse, 'everything else is outside'],
  ];
}

/** Towards a Docker bridge only with the mark, which unknown ports, ports just chosen and container addresses have not: the rest follows. */
function forwardLines(policy: Policy, family: Family): readonly Line[] {
  return [
    [[reply], giveBack, 'answers'],
    [related(family), giveBack, 'ICMP errors of known connections'],
    // after the translation: what is cut is known by the container's address and port
    ...letInAgain(family, [marked(policy.mark)]),
    [[marked(policy.mark)], giveBack, 'passed the gate'],
  ];
}
