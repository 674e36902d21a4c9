import type { SetChange } from '../../decide/diff/model.ts';
import { show } from '../../decide/net/show.ts';
import { observingNote } from '../../decide/report/observing-note.ts';
import { longestObserving, observingMembers } from '../../decide/wall/observing.ts';
import { milliseconds } from '../../reach/config/duration.ts';
import type { Context } from './context.ts';
import { exitCodes, type ExitCode, UserError } from './exit-code.ts';
import { grantParts, write } from './grant-parts.ts';

export interface ObserveOptions {
  readonly for?: string | undefined;
  readonly stop?: boolean | undefined;
}

/**
 * `dockwall observe --for TIME`: the walls look and close nothing but what is denied, until the kernel ends it by itself. `--stop` ends it
 * now; neither: says how it is.
 */
export async function observe(context: Context, options: ObserveOptions): Promise<ExitCode> {
  const seconds = requireSpan(options);
  const { sets, config } = await grantParts(context);
  const members = observingMembers(sets);
  if (members.length === 0)
    throw new UserError(
      exitCodes.failed,
      'the kernel has no set for it: start dockwall, of this version, which makes the sets',
    );
  if (seconds === undefined) {
    context.print(observingNote(sets, Date.now()) ?? closedText);
    return exitCodes.ok;
  }
  const there = new Map<string, ReadonlyMap<string, number>>(sets.map((set) => [set.name, set.members]));
  const changes = members
    .filter(({ set, member }) => seconds > 0 || there.get(set)?.has(member) === true)
    .map(({ set, member }): SetChange => {
      return seconds > 0
        ? { kind: 'add-member', set, member, seconds }
        : { kind: 'delete-member', set, member };
    });
  if (changes.length > 0) await write(context, changes);
  const now = members.map(({ set, member }) => ({ name: set, members: new Map([[member, seconds]]) }));
  context.print(observingNote(now, Date.now()) ?? closedText);
  if (seconds === 0) return exitCodes.ok;
  context.print('After that the kernel closes the walls by itself; after a reboot they are closed at once.');
  context.print('Who would be turned away: dockwall blocked. What to write for them: dockwall suggest.');
  if (config.blocked === 'off')
    context.complain('note: the configuration says `blocked: off`: nobody is remembered');
  return exitCodes.ok;
}

const closedText = 'The walls are closed: nobody observes.';

/** 0 to stop, undefined to ask. */
function requireSpan({ for: text, stop }: ObserveOptions): number | undefined {
  if (stop === true && text !== undefined)
    throw new UserError(exitCodes.bad, 'write --for TIME or --stop, not both');
  if (stop === true) return 0;
  if (text === undefined) return undefined;
  const time = milliseconds(text.trim());
  if (time === undefined || time < 1000 || time > longestObserving * 1000)
    throw new UserError(
      exitCodes.bad,
      `--for ${show(text)} is not a time from one second to 21d: write it like 2h or 7d`,
    );
  return Math.ceil(time / 1000);
}
