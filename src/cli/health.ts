import { askHealth } from '../web/health.ts';
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
    context.print(
      `unhealthy: no daemon answers at ${socket} (${error instanceof Error ? error.message : String(error)})`,
    );
    return exitCodes.failed;
  }
}
