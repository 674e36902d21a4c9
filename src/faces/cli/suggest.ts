import { jsonText } from '../../decide/report/text.ts';
import { lookUp } from './blocked.ts';
import type { Context } from './context.ts';
import { exitCodes, type ExitCode, UserError } from './exit-code.ts';
import { openParts, requireConfig } from './parts.ts';
import { suggestions, suggestionText } from './suggestion.ts';

/** `dockwall suggest`: who was turned away, or would be, as `services:` entries and labels to paste. */
export async function suggest(context: Context, options: { json?: boolean | undefined }): Promise<ExitCode> {
  const inForce = await requireConfig(context);
  if (inForce.config.blocked === 'off')
    throw new UserError(exitCodes.bad, 'the configuration says `blocked: off`: nobody is remembered');
  const { found, observing, policy } = await lookUp(context, await openParts(context, inForce));
  if (policy === undefined) return exitCodes.failed;
  const all = suggestions(policy, found);
  context.print(
    options.json === true
      ? jsonText({ version: 1, observing, suggestions: all })
      : suggestionText(all, observing),
  );
  return exitCodes.ok;
}
