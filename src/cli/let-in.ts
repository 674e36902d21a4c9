import { durationField } from '../config/duration.ts';
import { runCommand } from '../kernel/command.ts';
import { createKernel } from '../kernel/kernel.ts';
import { show } from '../net/show.ts';
import { setName } from '../ruleset/names.ts';
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
  const parsed = durationField({ least: '1s' }).safeParse(time);
  if (!parsed.success || parsed.data === 0)
    throw new UserError(exitCodes.bad, parsed.error?.issues[0]?.message ?? 'for how long? such as 2h');
  const family = source.includes(':') ? 6 : 4;
  const set = setName(family, group === 'trusted' ? group : `src-${group}`);
  const kernel = createKernel(runCommand);
  const seen = (await kernel.observe()).sets.find(({ name }) => name === set);
  if (seen === undefined)
    throw new UserError(exitCodes.failed, `the kernel has no set of ${group}: is dockwall running?`);
  if (seen.members.get(source) === 0) {
    context.print(`${source} is in ${group} already, for good.`);
    return exitCodes.ok;
  }
  const seconds = Math.round(parsed.data / 1000);
  await kernel.apply({
    sets: [{ kind: 'add-member', set, member: source, seconds }],
    tables: [],
    destroy: [],
  });
  context.print(`${source} is in ${group} for ${time}.`);
  return exitCodes.ok;
}
