import { spanText } from '../../decide/net/span.ts';
import { columns, harmless } from '../../decide/report/text.ts';
import { grantsOf } from '../../decide/wall/grants.ts';
import type { Context } from './context.ts';
import { exitCodes, type ExitCode } from './exit-code.ts';
import { grantParts, remarkObserving } from './grant-parts.ts';

/** `dockwall grants`: who is let in for a while, and how long still. What somebody's own ipset has added is among them. */
export async function grants(context: Context, options: { json?: boolean | undefined }): Promise<ExitCode> {
  const parts = await grantParts(context);
  const { sets, groups } = parts;
  const all = grantsOf(sets, groups);
  if (options.json === true) {
    const list = all.map(({ group, network, seconds, note }) => ({
      group,
      source: network,
      secondsLeft: seconds,
      note,
    }));
    context.print(JSON.stringify({ version: 1, grants: list }, undefined, 2));
  } else if (all.length === 0) context.print('Nobody is let in for a while.');
  else {
    const rows = all.map(({ group, network, seconds, note }) => [
      harmless(group, 60),
      network,
      spanText(seconds),
      harmless(note, 255),
    ]);
    context.print(
      columns([['GROUP', 'SOURCE', 'TIME LEFT', 'NOTE'], ...rows], {
        width: context.screen?.columns,
        flexible: [0, 3],
      }),
    );
  }
  remarkObserving(context, parts);
  return exitCodes.ok;
}
