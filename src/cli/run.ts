import { runDaemon } from '../daemon.ts';
import type { Context } from './context.ts';
import type { ExitCode } from './exit-code.ts';

/** `dockwall run`: stays until SIGTERM. */
export function run(context: Context): Promise<ExitCode> {
  return runDaemon(context.env);
}
