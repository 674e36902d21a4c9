import { diff, isEmpty } from '../decide/diff/diff.ts';
import type { Observed } from '../decide/diff/model.ts';
import { gateStands, place } from '../decide/diff/placement.ts';
import { type HostFacts, readInventory } from '../decide/inventory/read-inventory.ts';
import type { ConfigInForce } from '../decide/pass/decide.ts';
import type { Answers } from '../decide/policy/model.ts';
import { resolve } from '../decide/policy/resolve.ts';
import { render } from '../decide/wall/render.ts';
import type { Kernel } from '../reach/kernel/kernel.ts';

/** All that is known before Docker is asked. */
interface Surroundings {
  readonly host: HostFacts;
  readonly inForce: ConfigInForce;
  /** What live sources meant when they last answered. */
  readonly answers: Answers;
}

/**
 * Puts the gate up before Docker is asked anything. Where an earlier process left it standing its rules and port sets
 * hold what that process knew, and stay until the first pass; who is trusted, denied and in a group is
 * the configuration's to say, and is brought up to date at once, but for what would let more in under rules that are to change.
 */
export async function bootstrapGate(
  kernel: Kernel,
  { host, inForce, answers }: Surroundings,
): Promise<{ readonly stood: boolean; readonly observed: Observed }> {
  const observed = await kernel.observe();
  const stood = observed.families.every((family) =>
    gateStands(observed, family, place(observed, family).gate),
  );
  const inventory = readInventory({ containers: [], networks: [], details: new Map() }, host);
  const plan = diff(render(resolve(inventory, inForce.config, answers), 'unasked'), observed);
  // The rules that stand are another process's: what opens waits for the pass that writes its own.
  const { sets, destroy } = plan;
  const wanted = stood ? { sets, tables: [], destroy } : plan;
  if (!isEmpty(wanted)) await kernel.apply(wanted);
  return { stood, observed };
}
