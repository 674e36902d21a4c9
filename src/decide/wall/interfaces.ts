import type { Policy } from '../policy/model.ts';
import { bridgedContainer, from, giveBack, goTo, to, toDockerLike } from './matches.ts';
import type { Chain, ChainName, Target } from './model.ts';
import { chainOf, type Line } from './rule.ts';

/** What decides where a packet's interface is. */
export type Interfaces = Pick<Policy, 'external' | 'inside' | 'foreignBridges' | 'bridgedSeen'>;

/** Docker's bridges that have no number in their name: the default one, and Swarm's. */
const usual: readonly string[] = ['docker0', 'docker_gwbridge'];

/** Sends what comes from outside to `target` and lets the rest go. */
export function externalLines({ external, inside }: Interfaces, target: Target): readonly Line[] {
  if (external.kind === 'list') {
    return external.names.map((name): Line => [[from(name)], target, `from ${name}, as configured`]);
  }
  return [...insideLines(inside), [[], target, 'everything else is outside']];
}

function insideLines(inside: readonly string[]): readonly Line[] {
  return ['lo', ...inside].map((name): Line => [[from(name)], giveBack, `from ${name}: inside`]);
}

/** The end of a chain, and what it needs beside it. */
interface Ending {
  readonly lines: readonly Line[];
  readonly chains: readonly Chain[];
}

/**
 * The end of a chain that only what comes from outside reaches. Where outside is all but what is inside, the rest leaves and `lines`
 * follow; several interfaces that are listed need a chain to meet in.
 */
export function outsideEnd(interfaces: Interfaces, name: ChainName, lines: readonly Line[]): Ending {
  if (interfaces.external.kind === 'list') {
    return { lines: externalLines(interfaces, goTo(name)), chains: [chainOf(name, lines)] };
  }
  return { lines: [...insideLines(interfaces.inside), ...lines], chains: [] };
}

/** The same for what goes to a bridge of Docker: it is sent to `target`, but for what passes between containers of one network. */
export function bridgesEnd(interfaces: Interfaces, name: ChainName, target: Target): Ending {
  if (interfaces.external.kind === 'list') {
    const outside = [...bridgedLines(interfaces), ...externalLines(interfaces, target)];
    return { lines: guardedLines(interfaces, goTo(name)), chains: [chainOf(name, outside)] };
  }
  return {
    lines: [
      ...bridgedLines(interfaces),
      ...insideLines(interfaces.inside),
      ...guardedLines(interfaces, target),
    ],
    chains: [],
  };
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
