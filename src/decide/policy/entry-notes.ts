import type { Inventory } from '../inventory/model.ts';
import { shorten } from '../net/show.ts';
import type { Config } from './config.ts';
import { meaning } from './entries.ts';
import type { Policy } from './model.ts';

/** Entries of `services:` that speak for nobody now, a line each. */
export function entryNotes(
  { containers }: Pick<Inventory, 'containers'>,
  policy: Pick<Policy, 'services'>,
  services: Config['services'],
): readonly string[] {
  const speaking = new Set(policy.services.map(({ entry }) => entry));
  const meant = new Set(containers.flatMap((container) => meaning(container, services)));
  return [...services].flatMap(([name]) => {
    if (speaking.has(name)) return [];
    const place = `services.${shorten(name)} in the configuration`;
    if (!meant.has(name)) return [`${place} matches no container or swarm service now`];
    return containers.some((container) => isGuestOf(container, name, services))
      ? []
      : [`${place} speaks for no container now: other entries match the same ones as well or better`];
  });
}

/** It speaks for its own container, in the network of another, and so for ports of that one. */
function isGuestOf(
  container: Inventory['containers'][number],
  name: string,
  services: Config['services'],
): boolean {
  return container.networkMode.kind === 'container' && meaning(container, services)[0] === name;
}
