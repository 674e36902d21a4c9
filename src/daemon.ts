import { hostname, setPriority } from 'node:os';
import { ownVersion } from './cli/version.ts';
import { ConfigKeeper } from './config/keeper.ts';
import type { Observed } from './diff/model.ts';
import { requireSocket } from './docker/require-socket.ts';
import { watchFile, watchRested } from './host/file-watch.ts';
import { firstLocalPort, readHost } from './host/read-host.ts';
import { runCommand } from './kernel/command.ts';
import { createKernel, type Kernel } from './kernel/kernel.ts';
import { ProgramReader, readingRun } from './kernel/reader.ts';
import { createLog } from './log/log.ts';
import { systemClock } from './reconciler/clock.ts';
import { adoptedBefore } from './reconciler/guard.ts';
import { raiseGate } from './reconciler/raise.ts';
import { Reconciler } from './reconciler/reconciler.ts';
import { reportReload } from './reconciler/reload-report.ts';
import type { Log } from './reconciler/reporter.ts';
import { openSources } from './sources/open.ts';
import type { Sources } from './sources/sources.ts';
import { explainByVerb } from './web/explain.ts';
import { type Health, withProblems } from './web/health.ts';
import { routes } from './web/routes.ts';
import { Web } from './web/web.ts';

export interface DaemonOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Path of the unix socket on which the page and `dockwall health` are answered. */
  readonly healthSocket: string;
  /** The path of this program's main file, to run another verb. */
  readonly program: string;
}

/**
 * `dockwall run`: real kernel, Docker, clock and signals put together. Resolves after SIGTERM or SIGINT; the walls
 * stay. Rejects where a privilege, ipset or Docker's socket is missing at the start, and where the engine is one that
 * cannot be guarded.
 */
export async function runDaemon({ env, healthSocket, program }: DaemonOptions): Promise<void> {
  const { stopped, refuse } = untilStopped();
  let reload = (): void => {};
  process.on('SIGHUP', () => reload());
  const keeper = new ConfigKeeper(env);
  const first = await keeper.reload();
  const log = createLog(keeper.inForce().config, env);
  reportReload(log, first, keeper);
  const reader = new ProgramReader();
  const kernel = createKernel(readingRun(reader.readText, runCommand));
  let answersChanged = (): void => {};
  const sources = await openSources(env, { log, onChange: () => answersChanged() });
  const { families, sets } = await raise({ kernel, keeper, log, sources });
  await requireSocket(env);
  const { connectDocker } = await import('./docker/dockerode-client.ts');
  const { openInsight } = await import('./metrics/insight.ts');
  const version = await ownVersion();
  const health = (): Health => withProblems(reconciler.health(), web.problems());
  const insight = openInsight({
    version,
    health,
    configProblems: () => keeper.problems().length,
    nextRun: () => reconciler.nextRun(),
    sources: () => sources.report(),
    observe: () => kernel.observe(),
  });
  const reconciler: Reconciler = new Reconciler({
    keeper,
    log,
    reader,
    kernel,
    families,
    client: await connectDocker(),
    firstLocalPort: await firstLocalPort(),
    env,
    sources,
    observer: insight.observer,
    version,
    onRefusal: refuse,
    onConfig: ({ listen }) => void web.listen(listen),
  });
  const handler = routes({
    host: hostname,
    health,
    ...insight.answers,
    lookSoon: () => reconciler.lookSoon(),
    explain: explainByVerb(runCommand, program),
  });
  const web = await Web.open(healthSocket, { handler, clock: systemClock, log });
  await web.listen(keeper.inForce().config.listen);
  reload = () => {
    reconciler.reload();
    sources.refresh();
  };
  answersChanged = () => reconciler.answersChanged();
  const endWatch = watchConfig(keeper, () => reconciler.pull());
  await reconciler.start(adoptedBefore(sets, families));
  try {
    await stopped;
    log.info({}, 'stopping; the walls stay (dockwall down takes them away)');
  } finally {
    endWatch();
    await Promise.all([reconciler.stop(), sources.stop(), web.close()]);
  }
}

/** Resolves with the signal that ends us; rejects with what is told to `refuse`. */
function untilStopped(): { readonly stopped: Promise<void>; readonly refuse: (reason: unknown) => void } {
  const { promise: stopped, resolve: stop, reject: refuse } = Promise.withResolvers<void>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop());
  return { stopped, refuse };
}

/** Calls `onChange` when the configuration file has been saved. Nothing is watched where the environment stands in its place. */
function watchConfig({ file }: ConfigKeeper, onChange: () => void): () => void {
  return file === undefined ? () => {} : watchRested(watchFile, systemClock)(file, onChange);
}

interface Raising {
  readonly kernel: Kernel;
  readonly keeper: ConfigKeeper;
  readonly log: Log;
  readonly sources: Pick<Sources, 'answers'>;
}

/** The gate, before anything else is waited for; gives what was there before. */
async function raise({ kernel, keeper, log, sources }: Raising): Promise<Observed> {
  const { stood, observed } = await raiseGate(kernel, {
    host: await readHost(),
    inForce: keeper.inForce(),
    answers: sources.answers(),
  });
  hurry();
  log.info({}, stood ? 'the gate was standing' : 'the gate is up');
  return observed;
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
