import { plan } from '../../daemon/pass.ts';
import { answer } from '../../decide/explain/answer.ts';
import { foreignNames } from '../../decide/explain/foreign.ts';
import type { Moment } from '../../decide/explain/model.ts';
import { readInventory } from '../../decide/inventory/read-inventory.ts';
import { harmless } from '../../decide/report/text.ts';
import { lookUp } from '../../reach/host/lookup.ts';
import { ownAddresses } from '../../reach/host/own-addresses.ts';
import { readOthers } from '../../reach/kernel/others.ts';
import type { Context } from './context.ts';
import { exitCodes, type ExitCode, UserError } from './exit-code.ts';
import { explanationText } from './explanation-text.ts';
import { openParts, requireConfig, run } from './parts.ts';

interface Asked {
  readonly source: string;
  readonly target: string;
  readonly json?: boolean | undefined;
}

/**
 * `dockwall explain SOURCE TARGET`: whether that source gets in there, what decides it, and whether the kernel agrees. Writes
 * nothing. 0 when the question was answered, whatever the answer; 2 for a source or a target that cannot be read; 1 for a name
 * that does not resolve.
 */
export async function explain(context: Context, { source, target, json }: Asked): Promise<ExitCode> {
  const found = await answer({ source, target }, { look: () => look(context), lookup: lookUp });
  if (!found.ok)
    throw new UserError(found.why === 'unreadable' ? exitCodes.bad : exitCodes.failed, found.problem);
  const { explanation } = found;
  context.print(
    json === true
      ? JSON.stringify({ source: harmless(source), target: harmless(target), ...explanation }, undefined, 2)
      : explanationText(explanation, context.screen?.columns),
  );
  return exitCodes.ok;
}

async function look(context: Context): Promise<Moment> {
  const config = await requireConfig(context);
  const parts = await openParts(context, config);
  const [{ policy, ruleset, observed, from }, others] = await Promise.all([plan(parts), readOthers(run)]);
  const foreign = await parts.kernel.readSets(foreignNames(policy, observed));
  const inventory = readInventory(from.snapshot, from.host);
  return { policy, inventory, own: ownAddresses(), kernel: { ruleset, observed, foreign, ...others } };
}
