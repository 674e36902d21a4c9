import type { Cidr, Family } from '../net/network.ts';
import type { External, Policy } from '../policy/model.ts';
import {
  drop,
  from,
  giveBack,
  goTo,
  jump,
  marked,
  pairIn,
  portIn,
  related,
  reply,
  sourceIn,
  to,
} from './matches.ts';
import type { Match, SetName, Table, Target } from './model.ts';
import { chains, setName } from './names.ts';
import { chainOf, type Line, lineRule } from './rule.ts';
import { deniedGroups, hasRouted, routedPrefix, usesDeniedPairs } from './sets.ts';

const loopbackNetwork: Record<Family, Cidr> = { 4: '127.0.0.0/8' as Cidr, 6: '::1' as Cidr };

/**
 * The gate: the guarantee, in `mangle`, before Docker's DNAT, on host ports. It only drops or writes one mark
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
      chainOf(chains.pass, [[[], { kind: 'set-mark', bit: policy.mark }, 'passed the gate']]),
      chainOf(chains.routed, routedLines(policy, family, pass)),
      chainOf(chains.judge, judgeLines(policy, family, pass)),
      chainOf(chains.gate, externalLines(policy.external, policy.bridges, goTo(chains.judge))),
      chainOf(chains.unpassed, externalLines(policy.external, policy.bridges, drop)),
      chainOf(chains.forward, forwardLines(policy)),
    ],
    hooks: [
      { chain: 'PREROUTING', rule: lineRule('PREROUTING', [[], jump(chains.gate), 'the gate']) },
      { chain: 'FORWARD', rule: lineRule('FORWARD', [[], jump(chains.forward), 'the gate']) },
    ],
  };
}

/** Sends what comes from outside to `target` and lets the rest go. */
function externalLines(external: External, bridges: readonly string[], target: Target): readonly Line[] {
  if (external.kind === 'list') {
    return external.names.map((name): Line => [[from(name)], target, `from ${name}, as configured`]);
  }
  return [
    ...external.exceptions.map((name): Line => [[from(name)], target, `${name} is not a bridge of Docker`]),
    ...['lo', ...bridges].map((name): Line => [[from(name)], giveBack, `from ${name}: inside`]),
    [[], target, 'everything else is outside'],
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
    // Broadcast and multicast reach docker-proxy sockets too, so only UNICAST (routed on) is somewhere else.
    [[{ kind: 'destination-type', type: 'UNICAST' }], goTo(chains.routed), 'not for this host'],
    ...deniedSources(policy, set).map(([match, note]): Line => [[published, match], drop, note]),
    ...labelDenials(policy, '', set),
    ...trustedLines(policy, set, pass),
    ...openLines(policy, { prefix: '', set, pass }),
    [[published], drop, 'published, and nothing above lets this source in'],
  ];
}

/** What is not marked here can still be routed anywhere but to a bridge of Docker (see FORWARD). */
function routedLines(policy: Policy, family: Family, pass: Target): readonly Line[] {
  const set = (role: string): SetName => setName(family, role);
  const denied = deniedSources(policy, set).map(([match, note]): Line => [[match], giveBack, note]);
  const trusted = trustedLines(policy, set, pass);
  if (!hasRouted(policy)) return [...denied, ...trusted];
  return [
    ...denied,
    ...labelDenials(policy, routedPrefix, set),
    ...trusted,
    ...openLines(policy, { prefix: routedPrefix, set, pass }),
  ];
}

function deniedSources(
  policy: Policy,
  set: (role: string) => SetName,
): readonly (readonly [Match, string])[] {
  return [
    [sourceIn(set('deny')), 'denied'],
    ...policy.deny.groups.map((name) => [sourceIn(set(`src-${name}`)), `denied ${name}`] as const),
  ];
}

function labelDenials(policy: Policy, prefix: string, set: (role: string) => SetName): readonly Line[] {
  return [
    ...deniedGroups(policy).map((name): Line => [
      [portIn(set(`${prefix}not-${name}`)), sourceIn(set(`src-${name}`))],
      drop,
      `label denies ${name}`,
    ]),
    ...(usesDeniedPairs(policy)
      ? [[[pairIn(set(`${prefix}deny-pairs`))], drop, 'label denies this address'] as Line]
      : []),
  ];
}

function trustedLines(policy: Policy, set: (role: string) => SetName, pass: Target): readonly Line[] {
  return [
    [[sourceIn(set('trusted'))], pass, 'trusted'],
    ...policy.trusted.groups.map((name): Line => [[sourceIn(set(`src-${name}`))], pass, `trusted ${name}`]),
  ];
}

/** Public ports, then groups, then addresses written in labels. */
function openLines(
  policy: Policy,
  { prefix, set, pass }: { prefix: string; set: (role: string) => SetName; pass: Target },
): readonly Line[] {
  return [
    [[portIn(set(`${prefix}public`))], pass, 'public'],
    ...[...policy.groups.keys()].map((name): Line => [
      [portIn(set(`${prefix}to-${name}`)), sourceIn(set(`src-${name}`))],
      pass,
      `allow ${name}`,
    ]),
    [[pairIn(set(`${prefix}allow-pairs`))], pass, 'allow, address in a label'],
  ];
}

/** Towards a Docker bridge only with the mark: unknown ports, ports just chosen, container addresses. */
function forwardLines(policy: Policy): readonly Line[] {
  const exceptions = policy.external.kind === 'auto' ? policy.external.exceptions : [];
  return [
    [[reply], giveBack, 'answers'],
    [[related], giveBack, 'ICMP errors of known connections'],
    [[marked(policy.mark)], giveBack, 'passed the gate'],
    ...exceptions.map((name): Line => [[to(name)], giveBack, `${name} is not a bridge of Docker`]),
    ...policy.bridges.map((name): Line => [[to(name)], goTo(chains.unpassed), `to ${name}`]),
  ];
}
