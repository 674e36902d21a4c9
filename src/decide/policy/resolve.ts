import type { Inventory } from '../inventory/model.ts';
import { externalInterfaces, readBridges } from './bridges.ts';
import type { Config } from './config.ts';
import { settleConflicts } from './conflicts.ts';
import { resolveGroups, resolveMembers, usedSources } from './groups.ts';
import { crowdedNames, markWide } from './limits.ts';
import { type Answers, dockersAnswer, type Policy, type Problem } from './model.ts';
import { readServices } from './services.ts';

const noAnswers: Answers = new Map();

/**
 * Inventory, configuration and the answers of live sources into the one value that both walls are rendered from. Bad labels are in
 * `problems`, never thrown: they close their own container and nothing else.
 */
export function resolve(asRead: Inventory, config: Config, answers: Answers = noAnswers): Policy {
  const bridges = readBridges(asRead);
  const inventory = { ...asRead, networks: bridges.networks };
  const read = readServices(inventory, config);
  const services = markWide(settleConflicts(read.services, inventory, startsUnknown(inventory)));
  const groups = resolveGroups({ config, inventory: asRead, answers, inside: bridges.inside }, services);
  return {
    mark: config.mark,
    connmark: config.connmark,
    rememberBlocked: config.blocked === 'on',
    external: externalInterfaces(config),
    inside: bridges.inside,
    foreignBridges: bridges.foreign,
    bridgedSeen: inventory.bridgedSeen === true,
    networks: inventory.networks.flatMap(({ id, name, bridge }) =>
      bridge === undefined ? [] : [{ id, name, bridge }],
    ),
    trusted: { ...resolveMembers(config.trusted, answers), groups: config.trusted.groups },
    deny: { ...resolveMembers(config.deny, answers), groups: config.deny.groups },
    groups,
    sources: usedSources(config, services),
    services,
    problems: [
      ...bridges.problems,
      ...read.problems,
      ...crowdedNames(services, groups),
      ...unreadable(inventory),
    ].sort((a, b) => {
      const left = `${a.container}\0${a.label}\0${a.problem}`;
      const right = `${b.container}\0${b.label}\0${b.problem}`;
      return left < right ? -1 : left > right ? 1 : 0;
    }),
  };
}

function unreadable({ unreadable = [] }: Inventory): readonly Problem[] {
  return unreadable.map(({ what, why }) => ({
    container: what,
    label: dockersAnswer,
    value: '',
    problem: `it cannot be read: ${why}`,
    hint: undefined,
  }));
}

function startsUnknown({ containers }: Inventory): boolean {
  return containers.some(
    ({ active, portsKnown, overdue, networkMode }) =>
      !active && !portsKnown && overdue !== true && networkMode.kind === 'own',
  );
}
