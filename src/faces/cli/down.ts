import { diffAway, isEmpty } from '../../decide/diff/diff.ts';
import { summarize } from '../../decide/diff/summary.ts';
import { takePost } from '../../reach/host/post.ts';
import { runCommand } from '../../reach/kernel/command.ts';
import { createKernel } from '../../reach/kernel/kernel.ts';
import type { Context } from './context.ts';
import { exitCodes, type ExitCode, UserError } from './exit-code.ts';
import { changesText } from './plan.ts';

/**
 * `dockwall down`: removes every rule, chain and set of ours, in every backend. Needs neither Docker nor a good config. Not while a
 * sidecar runs on this host, in whatever container this is: it would put them back.
 */
export async function down(context: Context, options: { verbose?: boolean | undefined }): Promise<ExitCode> {
  const leave = await takePost();
  if (leave === undefined) {
    throw new UserError(
      exitCodes.failed,
      'dockwall is running on this host and would put the walls back: stop it first (docker compose stop dockwall), then docker compose run --rm dockwall down. Where none runs, `ss -xlp src @dockwall` on the host shows who has its socket',
    );
  }
  try {
    return await takeDown(context, options);
  } finally {
    await leave();
  }
}

async function takeDown(context: Context, options: { verbose?: boolean | undefined }): Promise<ExitCode> {
  const kernel = createKernel(runCommand, { lock: { kind: 'once' } });
  const plan = diffAway(await kernel.observe());
  if (!isEmpty(plan)) await kernel.apply(plan);
  if (isEmpty(plan)) context.print('Nothing of dockwall is here.');
  else {
    context.print(options.verbose === true ? changesText(plan) : summarize(plan).join('\n'));
    context.print('Every published port is open again as Docker left it.');
  }
  return exitCodes.ok;
}
