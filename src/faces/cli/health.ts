import { access, constants, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { askHealth } from '../web/ask.ts';
import { type Context, healthSocket } from './context.ts';
import { exitCodes, type ExitCode } from './exit-code.ts';

/** `dockwall health`: asks the running daemon. For HEALTHCHECK: 0 healthy, 1 not. */
export async function health(context: Context): Promise<ExitCode> {
  const socket = healthSocket(context.env);
  try {
    const { healthy, problems, observing } = await askHealth(socket, 4000);
    const so =
      observing === undefined ? '' : `, observing until ${observing}: nobody but the denied is turned away`;
    context.print(healthy ? `healthy${so}` : `unhealthy: ${problems.join('; ')}`);
    return healthy ? exitCodes.ok : exitCodes.failed;
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    const folder = dirname(socket);
    const advice = (await cannotBeMade(folder))
      ? `; a read-only container needs "tmpfs: [${folder}]" in the dockwall service`
      : '';
    context.print(`unhealthy: no daemon answers at ${socket} (${said})${advice}`);
    return exitCodes.failed;
  }
}

/** Whether the folder is not there, and on a file system that takes none (`read_only: true`). */
async function cannotBeMade(folder: string): Promise<boolean> {
  const code = (error: NodeJS.ErrnoException): string | undefined => error.code;
  const missing = await stat(folder).then(() => undefined, code);
  return missing === 'ENOENT' && (await access(dirname(folder), constants.W_OK).catch(code)) === 'EROFS';
}
