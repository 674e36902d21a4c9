import type { Policy } from '../policy/model.ts';
import { bridgedContainer, from, giveBack, to, toDockerLike } from './matches.ts';
import type { Target } from './model.ts';
import type { Line } from './rule.ts';

/** What decides where a packet's interface is. */
export type Interfaces = Pick<Policy, 'external' | 'inside' | 'foreignBridges' | 'bridgedSeen'>;

/** Docker's bridges that have no number in their name: the default one, and Swarm's. */
const usual: readonly string[] = ['docker0', 'docker_gwbridge'];

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
