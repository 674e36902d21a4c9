import { hostname, setPriority } from 'node:os';
import { pino } from 'pino';
import { ConfigKeeper } from './config/keeper.ts';
import { requireSocket } from './docker/require-socket.ts';
import { firstLocalPort, readHost } from './host/read-host.ts';
import { runCommand } from './kernel/command.ts';
import { createKernel } from './kernel/kernel.ts';
import { ProgramReader, readingRun } from './kernel/reader.ts';
import { systemClock } from './reconciler/clock.ts';
import { adoptedBefore } from './reconciler/guard.ts';
import { raiseGate } from './reconciler/raise.ts';
import { Reconciler, reportReload } from './reconciler/reconciler.ts';
import { withProblems } from './web/health.ts';
import { LastLook } from './web/last-look.ts';
import { routes } from './web/routes.ts';
import { Web } from './web/web.ts';

export interface DaemonOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Path of the unix socket on which the page and `dockwall health` are answered. */
  readonly healthSocket: string;
}

/**
 * `dockwall run`: real kernel, Docker, clock and signals put together. Resolves after SIGTERM or SIGINT; the walls
 * stay. Rejects where a privilege, ipset or Docker's socket is missing at the start, and where the engine is one that
 * cannot be guarded.
 */
export async function runDaemon({ env, healthSocket }: DaemonOptions): Promise<void> {
  const { promise: stopped, resolve: stop, reject: refuse } = Promise.withResolvers<void>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop());
  let reload = (): void => {};
  process.on('SIGHUP', () => reload());
  const keeper = new ConfigKeeper(env);
  const first = await keeper.reload();
  const log = pino({ level: keeper.inForce().config.logLevel, base: null });
  reportReload(log, first, keeper);
  const reader = new ProgramReader();
  const kernel = createKernel(readingRun(reader.readText, runCommand));
  const { stood, observed } = await raiseGate(kernel, {
    host: await readHost(),
    inForce: keeper.inForce(),
    answers: new Map(),
  });
  hurry();
  log.info({}, stood ? 'the gate was standing' : 'the gate is up');

  await requireSocket(env);
  const { connectDocker } = await import('./docker/dockerode-client.ts');
  const { families, sets } = observed;
  const looks = new LastLook({
    observe: () => kernel.observe(),
    clock: systemClock,
    today: () => new Date(),
  });
  const reconciler = new Reconciler({
    keeper,
    log,
    reader,
    kernel,
    families,
    client: await connectDocker(),
    firstLocalPort: await firstLocalPort(),
    env,
    sources: { answers: () => new Map(), want: () => {} },
    onRefusal: refuse,
    onPass: (decision) => looks.passed(decision),
    onConfig: ({ listen }) => void web.listen(listen),
  });
  const handler = routes({
    host: hostname,
    health: () => withProblems(reconciler.health(), web.problems()),
    look: () => looks.look(),
  });
  const web = await Web.open(healthSocket, { handler, clock: systemClock, log });
  await web.listen(keeper.inForce().config.listen);
  reload = () => reconciler.reload();
  await reconciler.start(adoptedBefore(sets, families));
  try {
    await stopped;
    log.info({}, 'stopping; the walls stay (dockwall down takes them away)');
  } finally {
    await Promise.all([reconciler.stop(), web.close()]);
  }
}

/**
 * What an event takes away has to be gone before the next container may have it, also on a host that is busy with
 * starting containers. Only this process: the reader of {@link ProgramReader} has been started before. Not allowed without
 * CAP_SYS_NICE.
 */
function hurry(): void {
  try {
    setPriority(-10);
  } catch {
    // then it is as quick as the others let it be
  }
}
