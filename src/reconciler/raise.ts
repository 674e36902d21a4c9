import { diff, isEmpty } from '../diff/diff.ts';
import type { Plan } from '../diff/model.ts';
import { gateStands, place } from '../diff/placement.ts';
import { type HostFacts, readInventory } from '../inventory/read-inventory.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { resolve } from '../policy/resolve.ts';
import { render } from '../ruleset/render.ts';
import type { ConfigInForce } from './pass.ts';

/**
 * Puts the gate up before Docker is asked anything. A gate that an earlier process left standing is left
 * alone: it holds what that process knew, and the first pass brings it up to date. Resolves to what was
 * written, or undefined where the gate stood.
 */
export async function raiseGate(
  kernel: Kernel,
  host: HostFacts,
  { config }: ConfigInForce,
): Promise<Plan | undefined> {
  const observed = await kernel.observe();
  const stands = observed.families.every((family) =>
    gateStands(observed, family, place(observed, family).gate),
  );
  if (stands) return undefined;
  const inventory = readInventory({ containers: [], networks: [], details: new Map() }, host);
  const plan = diff(render(resolve(inventory, config), 'unasked'), observed);
  if (!isEmpty(plan)) await kernel.apply(plan);
  return plan;
}
