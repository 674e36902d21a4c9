import { hostname, setPriority } from 'node:os';
import { bootstrapGate } from '../daemon/bootstrap.ts';
import { EventLoop } from '../daemon/event-loop.ts';
import { guardIn } from '../daemon/guard-sets.ts';
import { watchLinks } from '../daemon/link-watch.ts';
import { observers } from '../daemon/observer.ts';
import { reportReload } from '../daemon/reload-report.ts';
import type { Observed } from '../decide/diff/model.ts';
import type { HostFacts } from '../decide/inventory/read-inventory.ts';
import { type Health, withProblems } from '../decide/report/health.ts';
import { ConfigKeeper } from '../reach/config/keeper.ts';
import { LastGoodFile } from '../reach/config/last-good.ts';
import { requireSocket } from '../reach/docker/require-socket.ts';
import { systemClock } from '../reach/host/clock.ts';
import { watchFile, watchRested } from '../reach/host/file-watch.ts';
import { lookUp } from '../reach/host/lookup.ts';
import { ownAddresses } from '../reach/host/own-addresses.ts';
import { holdPost, type Leave } from '../reach/host/post.ts';
import { firstLocalPort, linkNames, readHost } from '../reach/host/read-host.ts';
import { ownVersion } from '../reach/host/version.ts';
import { startWatchdog } from '../reach/host/watchdog.ts';
import { runCommand } from '../reach/kernel/command.ts';
import { createKernel, type Kernel } from '../reach/kernel/kernel.ts';
import { readOthers } from '../reach/kernel/others.ts';
import { ProgramReader, readingRun } from '../reach/kernel/reader.ts';
import { createLog } from '../reach/log/log.ts';
import type { Log } from '../reach/log/model.ts';
import { openSources } from '../reach/sources/open.ts';
import type { Sources } from '../reach/sources/sources.ts';
import { Explainer } from './web/explainer.ts';
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
  let answersChanged = (): void => {};
  let lockLost = (): void => {};
  const begun = await begin(env, { onAnswers: () => answersChanged(), onLockLost: () => lockLost() });
  const { keeper, log, kernel, sources, families, sets } = begun;
  const { connectDocker } = await import('../reach/docker/dockerode-client.ts');
  const { openInsight } = await import('./metrics/insight.ts');
  const version = await ownVersion();
  // Somebody may ask the moment the socket is there.
  let web: Web | undefined;
  const health = (): Health => withProblems(eventLoop.health(), web?.problems() ?? []);
  const insight = openInsight({
    version,
    health,
    configProblems: () => keeper.problems().length,
    nextRun: () => eventLoop.nextRun(),
    sources: () => sources.report(),
    observe: () => kernel.observe(),
  });
  const explainer = new Explainer({ kernel, own: ownAddresses, lookup: lookUp, others: readOthers });
  const eventLoop: EventLoop = new EventLoop({
    ...begun,
    client: await connectDocker(),
    firstLocalPort: await firstLocalPort(),
    env,
    observer: observers(insight.observer, { passed: (decision) => explainer.passed(decision) }),
    version,
    onRefusal: refuse,
    onConfig: ({ listen }) => void web?.listen(listen),
  });
  const handler = routes({
    host: hostname,
    health,
    ...insight.answers,
    explain: (question) => explainer.explain(question),
    lookSoon: () => eventLoop.lookSoon(),
  });
  web = await Web.open(healthSocket, { handler, clock: systemClock, log });
  await web.listen(keeper.inForce().config.listen);
  reload = () => {
    eventLoop.reload();
    sources.refresh();
  };
  answersChanged = () => eventLoop.answersChanged();
  lockLost = () => eventLoop.lookSoon();
  const endWatch = watchHost(keeper, () => eventLoop.pull());
  await eventLoop.start(guardIn(sets, families));
  try {
    await stopped;
    log.info({}, 'stopping; the walls stay (dockwall down takes them away)');
  } finally {
    endWatch();
    await Promise.all([eventLoop.stop(), sources.stop(), web?.close(), begun.endWatchdog()]);
    await begun.leavePost();
  }
}

/**
 * Calls `onChange` when the host has another interface, and when the configuration file has been saved (none is watched where the
 * environment stands in its place).
 */
function watchHost({ file }: ConfigKeeper, onChange: () => void): () => void {
  const ends = [
    watchLinks({ clock: systemClock, read: linkNames, onChange }),
    ...(file === undefined ? [] : [watchRested(watchFile, systemClock)(file, onChange)]),
  ];
  return () => {
    for (const end of ends) end();
  };
}

/** What stands before Docker is asked anything: the configuration, the log, the kernel, the names and lists of last time, the gate, Docker's socket. */
async function begin(
  env: DaemonOptions['env'],
  { onAnswers, onLockLost }: { readonly onAnswers: () => void; readonly onLockLost: () => void },
): Promise<Beginning> {
  const keeper = new ConfigKeeper(env, { memory: new LastGoodFile(env) });
  const first = await keeper.reload();
  const log = createLog(keeper.inForce().config, env);
  const endWatchdog = startWatchdog({ log });
  reportReload(log, first, keeper);
  const leavePost = await holdPost({ clock: systemClock, log });
  const reader = new ProgramReader();
  const run = readingRun(reader.readText, runCommand);
  const host = async (): Promise<HostFacts> => readHost(run);
  const kernel = createKernel(run, { lock: { kind: 'keeps', onLost: onLockLost } });
  const sources = await openSources(env, { log, onChange: onAnswers });
  const { families, sets } = await raise({ host, kernel, keeper, log, sources });
  await requireSocket(env);
  return { keeper, log, reader, host, kernel, sources, families, sets, endWatchdog, leavePost };
}

interface Beginning extends Pick<Observed, 'families' | 'sets'> {
  readonly keeper: ConfigKeeper;
  readonly log: ReturnType<typeof createLog>;
  readonly reader: ProgramReader;
  readonly host: () => Promise<HostFacts>;
  readonly kernel: Kernel;
  readonly sources: Sources;
  readonly endWatchdog: () => Promise<unknown>;
  readonly leavePost: Leave;
}

interface Raising {
  readonly host: () => Promise<HostFacts>;
  readonly kernel: Kernel;
  readonly keeper: ConfigKeeper;
  readonly log: Log;
  readonly sources: Pick<Sources, 'answers'>;
}

/** The gate, before anything else is waited for; gives what was there before. */
async function raise({ host, kernel, keeper, log, sources }: Raising): Promise<Observed> {
  const { stood, observed } = await bootstrapGate(kernel, {
    host: await host(),
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
