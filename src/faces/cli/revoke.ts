import type { Cidr } from '../../decide/net/network.ts';
import { spanText } from '../../decide/net/span.ts';
import {
  grantsOf,
  otherWays,
  type OtherWay,
  planRevoke,
  type RevokePlan,
  withoutMembers,
} from '../../decide/wall/grants.ts';
import type { Context } from './context.ts';
import { exitCodes, type ExitCode } from './exit-code.ts';
import {
  type GrantParts,
  grantParts,
  remarkObserving,
  requireGroup,
  requireSource,
  type Source,
  write,
} from './grant-parts.ts';

/**
 * `dockwall revoke GROUP SOURCE`: takes a grant back. The source's next packet is refused; the running dockwall cuts the sessions of
 * clients that say nothing.
 */
export async function revoke(context: Context, group: string, text: string): Promise<ExitCode> {
  const parts = await grantParts(context);
  requireGroup(group, parts);
  const source = await requireSource(text);
  const networks = [...source.networks, ...grantedByName(parts, group, source)];
  const plan = planRevoke(parts.sets, { group, networks });
  const heard = plan.changes.length === 0 || (await write(context, plan.changes));
  const gone = plan.changes.map(({ member }) => member);
  if (gone.length > 0) context.print(`${gone.join(', ')} is no longer in ${group}`);
  if (!heard)
    context.complain(
      'note: dockwall does not run here: sessions end with the next packet of the client, those of silent ones go on',
    );
  for (const line of problems(plan, group)) context.complain(`dockwall: ${line}`);
  if (gone.length > 0) {
    const left = otherWays(withoutMembers(parts.sets, plan.changes), networks, parts.groups);
    for (const way of left) context.complain(`note: still let in: ${wayText(way)}`);
  }
  remarkObserving(context, parts);
  const undone = plan.within.length + plan.permanent.length > 0;
  return gone.length > 0 && !undone ? exitCodes.ok : exitCodes.failed;
}

/** What was granted to a name then; it may mean another address now. */
function grantedByName({ sets, groups }: GrantParts, group: string, { name }: Source): readonly Cidr[] {
  if (name === undefined) return [];
  return grantsOf(sets, groups)
    .filter((one) => one.group === group && (one.note === name || one.note.startsWith(`${name}: `)))
    .map(({ network }) => network);
}

function problems({ permanent, within, missing, changes }: RevokePlan, group: string): readonly string[] {
  return [
    ...permanent.map((one) => `${one} is in ${group} for good, by the configuration: take it out there`),
    ...within.map(({ member, grant }) => `${member} is let in by the grant for ${grant}: revoke that`),
    ...(changes.length > 0
      ? []
      : missing.map((one) => `${one} has no grant in ${group}: see dockwall grants`)),
  ];
}

function wayText({ group, member, seconds }: OtherWay): string {
  return seconds === 0
    ? `${member} is in ${group} by the configuration`
    : `${member} is in ${group} for ${spanText(seconds)} more`;
}
