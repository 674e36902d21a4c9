import type { Config } from '../config/model.ts';
import type { Inventory, Network } from '../inventory/model.ts';
import type { External } from './model.ts';

/** Names that Docker's own code gives to bridges: the default one, Swarm's, and br- with 12 hex digits (moby, bridge driver). */
const dockerNames = /^(docker0|docker_gwbridge|br-[0-9a-f]{12})$/;

/** Whether an interface is one of Docker's bridges: by its name's shape, or because a network says so. */
export function isDockerBridge(name: string, networks: readonly Network[]): boolean {
  return dockerNames.test(name) || networks.some((network) => network.bridge === name);
}

/**
 * The bridges whose traffic is inside. `br-+` stands for all that Docker names itself, so that a new
 * network needs no new rule; a bridge named by a network option gets a rule of its own.
 */
export function bridgePatterns(networks: readonly Network[]): readonly string[] {
  const named = networks.flatMap(({ bridge }) =>
    bridge === undefined || bridge.startsWith('br-') ? [] : [bridge],
  );
  return [...new Set(['br-+', 'docker0', 'docker_gwbridge', ...named])].sort();
}

/**
 * In auto mode an interface such as `br-lan` matches `br-+` but is the host's own: it is outside, or everybody on that LAN
 * would walk past the gate.
 */
export function externalInterfaces(config: Config, inventory: Inventory): External {
  if (config.interfaces !== 'auto') return { kind: 'list', names: [...config.interfaces].sort() };
  const exceptions = inventory.interfaces
    .map(({ name }) => name)
    .filter((name) => name.startsWith('br-') && !isDockerBridge(name, inventory.networks));
  return { kind: 'auto', exceptions: exceptions.sort() };
}
