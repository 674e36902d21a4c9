import type { Config } from '../config/model.ts';
import type { Inventory } from '../inventory/model.ts';
import { mergeNetworks } from '../net/merge-networks.ts';
import { bridgePatterns, externalInterfaces } from './bridges.ts';
import { settleConflicts } from './conflicts.ts';
import { resolveGroups } from './groups.ts';
import type { Policy } from './model.ts';
import { readServices } from './services.ts';

/**
 * Inventory and configuration into the one value that both walls are rendered from. Bad labels are in
 * `problems`, never thrown: they close their own container and nothing else.
 */
export function resolve(inventory: Inventory, config: Config): Policy {
  const read = readServices(inventory, config);
  const services = settleConflicts(read.services, inventory.hostListeners, startsUnknown(inventory));
  return {
    mark: config.mark,
    connmark: config.connmark,
    external: externalInterfaces(config, inventory),
    bridges: bridgePatterns(inventory.networks),
    networks: inventory.networks.flatMap(({ id, name, bridge }) =>
      bridge === undefined ? [] : [{ id, name, bridge }],
    ),
    trusted: { networks: mergeNetworks(config.trusted.networks), groups: config.trusted.groups },
    deny: { networks: mergeNetworks(config.deny.networks), groups: config.deny.groups },
    groups: resolveGroups(config, inventory, services),
    services,
    problems: [...read.problems].sort((a, b) => {
      const left = `${a.container}\0${a.label}\0${a.problem}`;
      const right = `${b.container}\0${b.label}\0${b.problem}`;
      return left < right ? -1 : left > right ? 1 : 0;
    }),
  };
}

function startsUnknown({ containers }: Inventory): boolean {
  return containers.some(
    ({ active, portsKnown, networkMode }) => !active && !portsKnown && networkMode.kind === 'own',
  );
}
