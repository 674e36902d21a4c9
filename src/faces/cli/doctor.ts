import { runCommand } from '../../reach/kernel/command.ts';
import { examine, exitCodeOf } from '../doctor/examine.ts';
import { lookAtHost } from '../doctor/look.ts';
import { doctorText } from '../doctor/text.ts';
import type { Context } from './context.ts';
import type { ExitCode } from './exit-code.ts';

/**
 * `dockwall doctor`: the host as dockwall sees it, for a person who looks for what is wrong, and for a bug report. Changes nothing.
 * With `json`: `{version: 1, lines: [{topic, kind: 'ok' | 'note' | 'problem', text, advice?}]}`; `version` rises when a field changes
 * its meaning, and texts may change at any time.
 */
export async function doctor(context: Context, options: { json?: boolean | undefined }): Promise<ExitCode> {
  const view = await lookAtHost(context, runCommand);
  const lines = examine(view);
  context.print(
    options.json === true
      ? JSON.stringify({ version: 1, lines }, undefined, 2)
      : doctorText(lines, context.screen?.columns),
  );
  return exitCodeOf(view, lines);
}
