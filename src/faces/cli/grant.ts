import { cleanNote } from '../../decide/net/note.ts';
import { show } from '../../decide/net/show.ts';
import { spanText } from '../../decide/net/span.ts';
import { type GrantPlan, planGrant } from '../../decide/wall/grants.ts';
import { milliseconds } from '../../reach/config/duration.ts';
import type { Context } from './context.ts';
import { exitCodes, type ExitCode, UserError } from './exit-code.ts';
import {
  grantParts,
  remarkObserving,
  requireGroup,
  requireSomebody,
  requireSource,
  type Source,
  write,
} from './grant-parts.ts';

/**
 * `dockwall grant GROUP SOURCE --for TIME`: lets a source into a group for a while. It is an entry of the group's set that the kernel
 * takes out again by itself, whether dockwall runs then or not.
 */
export async function grant(
  context: Context,
  group: string,
  asked: { readonly source: string; readonly for: string; readonly note?: string | undefined },
): Promise<ExitCode> {
  const parts = await grantParts(context);
  const seconds = requireTime(asked.for, parts.config.maxGrant);
  requireGroup(group, parts);
  const source = await requireSource(asked.source);
  requireSomebody(group, source);
  const note = noteOf(asked.note ?? '', source);
  const plan = planGrant(parts.sets, { group, networks: source.networks }, { seconds, note });
  if (plan.changes.length > 0) await write(context, plan.changes);
  if (source.name !== undefined)
    context.print(`${source.name} is now ${source.networks.join(', ')}; another address later is not let in`);
  for (const line of grantText(plan, group, seconds)) context.print(line);
  for (const line of remarks(plan, group)) context.complain(`note: ${line}`);
  remarkObserving(context, parts);
  return plan.changes.length === 0 && plan.held.length === 0 ? exitCodes.failed : exitCodes.ok;
}

/** A name that was resolved is kept with what it was resolved to, so that it can be revoked by that name. */
function noteOf(note: string, { name }: Source): string {
  return cleanNote(name === undefined ? note : note === '' ? name : `${name}: ${note}`);
}

function requireTime(text: string, longest: number): number {
  const time = milliseconds(text.trim());
  if (time === undefined || time < 1000)
    throw new UserError(
      exitCodes.bad,
      `--for ${show(text)} is not a time from one second on: write it like 30m, 2h or 1d`,
    );
  if (longest === 0)
    throw new UserError(exitCodes.bad, 'the configuration allows no grants: maxGrant is `off`');
  if (time > longest)
    throw new UserError(
      exitCodes.bad,
      `--for ${show(text)} is longer than a grant may be, ${spanText(Math.ceil(longest / 1000))}: ask for less, or set maxGrant in the configuration`,
    );
  return Math.ceil(time / 1000);
}

function grantText({ changes, held }: GrantPlan, group: string, seconds: number): readonly string[] {
  const granted = changes.map(({ member }) => member).join(', ');
  return [
    ...(changes.length === 0 ? [] : [`${granted} may reach what ${group} may, for ${spanText(seconds)}`]),
    ...(held.length === 0
      ? []
      : [`${held.join(', ')} is in ${group} for good, by the configuration: nothing to grant`]),
  ];
}

function remarks({ denied, noteLost, homeless }: GrantPlan, group: string): readonly string[] {
  return [
    ...(denied.length === 0 ? [] : [`${denied.join(', ')} is denied, and that comes first`]),
    ...(noteLost
      ? [`the note is not kept: the set of ${group} was made by an earlier dockwall, without room for notes`]
      : []),
    ...(homeless.length === 0
      ? []
      : [`${homeless.join(', ')} is of an IP version that this host does not filter`]),
  ];
}
