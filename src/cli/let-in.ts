import { durationField } from '../config/duration.ts';
import { runCommand } from '../kernel/command.ts';
import { createKernel } from '../kernel/kernel.ts';
import type { Cidr } from '../net/network.ts';
import { show } from '../net/show.ts';
import { planGrant } from '../ruleset/grants.ts';
import { type Context, requireConfig } from './context.ts';
import { exitCodes, type ExitCode, UserError } from './exit-code.ts';

/** Lets one address into a group for a while: a member of its set that the kernel takes out again by itself. */
export async function letIn(
  context: Context,
  { group, source, time }: { readonly group: string; readonly source: string; readonly time: string },
): Promise<ExitCode> {
  const { config } = await requireConfig(context);
  const names = ['trusted', ...config.groups.keys()];
  if (!names.includes(group))
    throw new UserError(exitCodes.bad, `no group is named ${show(group)}: there are ${names.join(', ')}`);
  const seconds = requireTime(time, config.maxGrant);
  const kernel = createKernel(runCommand);
  const { sets } = await kernel.observe();
  const asked = { group, networks: [source as Cidr] };
  const { changes, held, denied, homeless } = planGrant(sets, asked, { seconds, note: '' });
  if (homeless.length > 0)
    throw new UserError(exitCodes.failed, `the kernel has no set of ${group}: is dockwall running?`);
  if (held.length > 0) context.print(`${source} is in ${group} already, for good.`);
  if (denied.length > 0) context.complain(`note: ${source} is denied, and that comes first`);
  if (changes.length === 0) return exitCodes.ok;
  await kernel.apply({ sets: changes, tables: [], destroy: [] });
  context.print(`${source} is in ${group} for ${time}.`);
  return exitCodes.ok;
}

function requireTime(text: string, longest: number): number {
  const parsed = durationField({ least: '1s', most: '24d' }).safeParse(text);
  if (!parsed.success || parsed.data === 0)
    throw new UserError(exitCodes.bad, parsed.error?.issues[0]?.message ?? 'for how long? such as 2h');
  if (parsed.data > longest)
    throw new UserError(
      exitCodes.bad,
      `${show(text)} is longer than a grant may be: ask for less, or set maxGrant in the configuration`,
    );
  return Math.round(parsed.data / 1000);
}
