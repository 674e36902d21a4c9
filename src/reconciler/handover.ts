import type { Config } from '../config/model.ts';
import type { SetChange } from '../diff/model.ts';
import type { Container, Inventory } from '../inventory/model.ts';
import { resolve } from '../policy/resolve.ts';
import type { Ruleset } from '../ruleset/model.ts';
import { renderSets } from '../ruleset/sets.ts';

/** What the last pass went by, and what it wanted. */
export interface LastPass {
  readonly inventory: Inventory;
  readonly config: Config;
  readonly ruleset: Ruleset;
}

/**
 * What a container that has just died, or is gone for good, leaves open and nobody else wants open: its host port, when
 * another container that says less claims it too, or its own address without NAT. The next container may have
 * either within a tenth of a second, which is less than a pass may take. Only closes; a pass sees to the rest.
 *
 * A stopped container that nobody rivals keeps its ports as they are: its next start needs no pass.
 */
export function handover(last: LastPass, id: string, event: 'die' | 'destroy'): readonly SetChange[] {
  const { inventory, config, ruleset } = last;
  const container = inventory.containers.find((one) => one.id === id);
  if (container === undefined || !matters(container, inventory, event)) return [];
  const others = inventory.containers.filter((one) => one !== container);
  const stopped = { ...container, active: false, endpoints: [] };
  const containers = event === 'die' ? [...others, stopped] : others;
  const wanted = new Map(
    renderSets(resolve({ ...inventory, containers }, config), true).map(({ name, members }) => [
      name,
      members,
    ]),
  );
  const changes = ruleset.sets.map(({ name, effect, members }) => {
    const now = wanted.get(name) ?? [];
    if (members === 'keep' || now === 'keep') return [];
    const [kind, some, all] =
      effect === 'opens'
        ? (['delete-member', members, now] as const)
        : (['add-member', now, members] as const);
    const has = new Set(all);
    return some
      .filter((member) => !has.has(member))
      .map((member): SetChange => ({ kind, set: name, member }));
  });
  // What closes comes first.
  return changes.flat().sort((a, b) => Number(b.kind === 'add-member') - Number(a.kind === 'add-member'));
}

function matters(container: Container, inventory: Inventory, event: 'die' | 'destroy'): boolean {
  if (event === 'destroy') return container.ports.length > 0;
  if (!container.active) return false;
  const routed = new Set(inventory.networks.filter((one) => one.routed.length > 0).map(({ id }) => id));
  if (container.endpoints.some(({ networkId }) => routed.has(networkId))) return true;
  const own = new Set(container.ports.map(claim).filter((one) => one !== undefined));
  return inventory.containers.some(
    (one) => one !== container && one.ports.some((port) => own.has(claim(port) ?? '')),
  );
}

function claim({ protocol, hostPort }: Container['ports'][number]): string | undefined {
  return hostPort === undefined ? undefined : `${protocol}:${hostPort}`;
}
