import { runDaemon } from '../run.ts';
import { type Context, healthSocket } from './context.ts';
import { exitCodes, type ExitCode } from './exit-code.ts';

/** `dockwall run`: stays until SIGTERM. */
export async function run({ env }: Context): Promise<ExitCode> {
  await runDaemon({ env, healthSocket: healthSocket(env) });
  return exitCodes.ok;
}
