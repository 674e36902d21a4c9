import { diffAway, isEmpty } from '../diff/diff.ts';
import { summarize } from '../diff/summary.ts';
import { runCommand } from '../kernel/command.ts';
import { createKernel } from '../kernel/kernel.ts';
import { askHealth } from '../web/health.ts';
import { type Context, healthSocket } from './context.ts';
import { exitCodes, type ExitCode, UserError } from './exit-code.ts';
import { changesText } from './plan.ts';

/** `dockwall down`: removes every rule, chain and set of ours, in every backend. Needs neither Docker nor a good config. */
export async function down(context: Context, options: { verbose?: boolean | undefined }): Promise<ExitCode> {
  if (await daemonAnswers(healthSocket(context.env))) {
    throw new UserError(
      exitCodes.failed,
      'dockwall is running here and would put the walls back: stop it first (docker compose stop dockwall), then docker compose run --rm dockwall down',
    );
  }
  const kernel = createKernel(runCommand);
  const plan = diffAway(await kernel.observe());
  if (!isEmpty(plan)) await kernel.apply(plan);
  if (isEmpty(plan)) context.print('Nothing of dockwall is here.');
  else {
    context.print(options.verbose === true ? changesText(plan) : summarize(plan).join('\n'));
    context.print('Every published port is open again as Docker left it.');
  }
  return exitCodes.ok;
}

async function daemonAnswers(socket: string): Promise<boolean> {
  try {
    await askHealth(socket, 1000);
    return true;
  } catch {
    return false;
  }
}
