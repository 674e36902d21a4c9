import { ownVersion } from '../../reach/host/version.ts';
import type { Context } from './context.ts';
import { exitCodes, type ExitCode } from './exit-code.ts';

/** `dockwall version`. */
export async function version(context: Context): Promise<ExitCode> {
  context.print(`dockwall ${await ownVersion()}`);
  return exitCodes.ok;
}
