import { plan } from '../../daemon/pass.ts';
import { readStatus, type Status } from '../../decide/report/status.ts';
import { jsonText } from '../../decide/report/text.ts';
import { askDaemon } from '../web/ask.ts';
import { type Context, healthSocket } from './context.ts';
import { exitCodes, type ExitCode } from './exit-code.ts';
import { openParts, requireConfig } from './parts.ts';
import { statusText } from './status-text.ts';

export interface StatusOptions {
  readonly json?: boolean | undefined;
  readonly watch?: boolean | undefined;
}

/** `dockwall status`: who may reach what, whether the walls stand, and which labels are wrong. Writes nothing. */
export async function status(context: Context, options: StatusOptions): Promise<ExitCode> {
  const { screen } = context;
  const draw = async (from: Context): Promise<string> =>
    statusText(await look(from), { width: screen?.columns, now: Date.now() });
  if (options.json === true) context.print(jsonText(await look(context)));
  else if (options.watch === true && screen !== undefined) {
    const { watch } = await import('./watch.ts');
    // A warning would be written across the page.
    await watch(async () => draw({ ...context, complain: () => {} }));
  } else context.print(await draw(context));
  return exitCodes.ok;
}

/** Longer than this, ms, and the daemon is busy; what the kernel shows is shown without it. */
const patience = 1000;

async function look(context: Context): Promise<Status> {
  const report = askDaemon(healthSocket(context.env), patience);
  const config = await requireConfig(context);
  const decision = await plan(await openParts(context, config));
  return readStatus(decision, { daemon: await report, now: Date.now() });
}
