import { setPriority } from 'node:os';
import { createTask, type ScheduledTask } from 'node-cron';
import { pino } from 'pino';
import { ConfigKeeper, type Reload } from './config/keeper.ts';
import { type DockerClient, DockerError, type DockerEvent } from './docker/client.ts';
import { requireSocket } from './docker/require-socket.ts';
import { DockerSource } from './docker/source.ts';
import { readHost } from './host/read-host.ts';
import type { Listener } from './inventory/model.ts';
import { ArmedRun } from './kernel/armed.ts';
import { runCommand } from './kernel/command.ts';
import { Fingerprint } from './kernel/fingerprint.ts';
import { createKernel, type Kernel } from './kernel/kernel.ts';
import { startMonitor } from './kernel/monitor.ts';
import { ProgramReader } from './kernel/reader.ts';
import type { Family } from './net/network.ts';
import type { Policy } from './policy/model.ts';
import { systemClock } from './reconciler/clock.ts';
import { DriftRepair } from './reconciler/drift-repair.ts';
import { DriftWatch } from './reconciler/drift-watch.ts';
import { HeldPorts } from './reconciler/held-ports.ts';
import { type PassParts, reconcile } from './reconciler/pass.ts';
import { raiseGate } from './reconciler/raise.ts';
import { type Log, Reporter } from './reconciler/reporter.ts';
import { StartGuard } from './reconciler/start-guard.ts';
import { Trigger, type Wanted } from './reconciler/trigger.ts';
import { watchDocker } from './reconciler/watch.ts';
import { serveHealth } from './web/health-server.ts';

const clock = systemClock;
const triggerOptions = { minInterval: 100, retryDelays: [250, 500, 1000, 2000, 5000, 10_000, 30_000], clock };

export interface DaemonOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Path of the unix socket that answers `dockwall health`. */
  readonly healthSocket: string;
}

/**
 * `dockwall run`: real kernel, Docker, clock and signals put together. Resolves after SIGTERM or SIGINT; the walls
 * stay. Rejects where a privilege, ipset or Docker's socket is missing at the start.
 */
export async function runDaemon({ env, healthSocket }: DaemonOptions): Promise<void> {
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
  let reload = (): void => {};
  process.on('SIGHUP', () => reload());
  hurry();
  const keeper = new ConfigKeeper(env);
  const first = await keeper.reload();
  const log = pino({ level: keeper.inForce().config.logLevel, base: null });
  reportReload(log, first, keeper);
  const kernel = createKernel(runCommand);
  const host = await readHost();
  const { stood, families } = await raiseGate(kernel, host, keeper.inForce());
  log.info({}, stood ? 'the gate was standing' : 'the gate is up');

  await requireSocket(env);
  const { connectDocker } = await import('./docker/dockerode-client.ts');
  const daemon = new Daemon({ keeper, log, kernel, families, client: await connectDocker() });
  const server = await serveHealth(healthSocket, () => daemon.health());
  reload = () => daemon.reload();
  daemon.start(host.listeners);
  await stopped;
  log.info({}, 'stopping; the walls stay (dockwall down takes them away)');
  await Promise.all([daemon.stop(), server.close()]);
}

/**
 * Between a container's `create` event and docker-proxy's socket there may be 20 ms (20.10), on a host that is busy
 * with starting containers. Idle otherwise, so nobody misses the time. Not allowed without CAP_SYS_NICE.
 */
function hurry(): void {
  try {
    setPriority(-10);
  } catch {
    // then it is as quick as the others let it be
  }
}

interface DaemonParts {
  readonly keeper: ConfigKeeper;
  readonly log: Log & { level: string };
  readonly kernel: Kernel;
  /** What the host speaks, as seen at the start. */
  readonly families: readonly Family[];
  readonly client: DockerClient;
}

/** Everything that pulls the one trigger: events, schedule, signals, late answers. */
class Daemon {
  private readonly parts: DaemonParts;
  private readonly source: DockerSource;
  private readonly reporter: Reporter;
  private readonly trigger: Trigger;
  private readonly guard: StartGuard;
  private readonly repair: DriftRepair;
  private readonly drift: DriftWatch;
  private readonly reader = new ProgramReader();
  private readonly armed = new ArmedRun(runCommand);
  private readonly held = new HeldPorts();
  private readonly stopping = new AbortController();
  private task: ScheduledTask | undefined;
  private watching: Promise<void> = Promise.resolve();

  constructor(parts: DaemonParts) {
    this.parts = parts;
    this.reporter = new Reporter(parts.log);
    this.trigger = new Trigger((wanted) => this.pass(wanted), triggerOptions);
    this.source = new DockerSource(parts.client, () => this.trigger.pull());
    this.guard = new StartGuard({
      kernel: createKernel(this.armed.run),
      families: parts.families,
      inspect: (id) => this.source.inspect(id),
      onClosed: () => this.trigger.pull(),
      clock,
    });
    this.repair = new DriftRepair({
      kernel: parts.kernel,
      raise: async () => raiseGate(parts.kernel, await readHost(), parts.keeper.inForce()),
      report: (drifts) => this.reporter.drifted(drifts),
      saw: (observed) => this.drift.saw(observed),
      writes: () => this.drift.wrote(),
    });
    this.drift = new DriftWatch({
      clock,
      log: parts.log,
      fingerprint: new Fingerprint(this.reader.read),
      startMonitor,
      interval: () => parts.keeper.inForce().config.driftCheck,
      check: () => this.trigger.check(),
      pull: () => this.trigger.pull(),
    });
  }

  /** @param listeners who listened when the gate went up. */
  start(listeners: readonly Listener[]): void {
    this.startSchedule();
    this.guard.looked(listeners, []);
    this.armed.arm();
    // First the stream, then the list: what happens in between is in one of the two.
    this.watching = watchDocker(
      {
        client: this.parts.client,
        clock,
        watcher: { onOpen: () => this.onOpen(), onEvent: (event) => this.onEvent(event) },
        onDown: (error) => {
          this.reporter.watchingDocker(false);
          this.reporter.dockerWentAway(error);
          this.trigger.pull();
        },
      },
      this.stopping.signal,
    );
    this.trigger.pull();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.armed.disarm();
    this.drift.stop();
    this.reader.stop();
    await this.task?.destroy();
    await Promise.all([this.trigger.stop(), this.watching]);
  }

  health(): ReturnType<Reporter['health']> {
    return this.reporter.health(this.parts.keeper.problems());
  }

  /** SIGHUP: the configuration is read again at once, changed file or not. */
  reload(): void {
    void this.parts.keeper.reload().then((reload) => this.reloaded(reload));
  }

  private reloaded(reload: Reload): void {
    reportReload(this.parts.log, reload, this.parts.keeper);
    if (reload.changed) {
      this.parts.log.level = this.parts.keeper.inForce().config.logLevel;
      this.startSchedule();
    }
    this.trigger.pull();
  }

  private startSchedule(): void {
    void this.task?.destroy();
    this.task = createTask(this.parts.keeper.inForce().config.schedule, () => this.trigger.pull());
    void this.task.start();
  }

  /** What happened while no stream was open was told to nobody. */
  private onOpen(): void {
    this.reporter.watchingDocker(true);
    this.trigger.pull();
  }

  /** The guard first: starting the programs of a pass would hold it up. */
  private onEvent({ type, action, id }: DockerEvent): void {
    const created = type === 'container' && action === 'create';
    const up = created ? this.guard.onCreate(id) : this.guard.up();
    void up
      .catch((error: unknown) => {
        this.parts.log.warn({ error: String(error) }, 'the guard for new containers did not go up');
      })
      .then(() => this.trigger.pull());
  }

  private async pass(wanted: Wanted): Promise<void> {
    const reload = await this.parts.keeper.reloadIfChanged();
    if (reload !== undefined) this.reloaded(reload);
    try {
      await this.guard.idle();
      const drifted = await this.repair.repair(wanted);
      if (wanted === 'check') {
        if (drifted) this.drift.passLater();
        return;
      }
      let listeners: readonly Listener[] = [];
      const decision = await reconcile(this.passParts((seen) => (listeners = seen)));
      this.reporter.passed(decision);
      this.repair.passed(decision);
      this.guard.looked(listeners, publishedPorts(decision.policy));
      this.reporter.dockerAnswers();
    } catch (error) {
      if (error instanceof DockerError && error.code === 'unreachable') this.reporter.dockerWentAway(error);
      else this.reporter.passFailed(error);
      throw error;
    }
  }

  private passParts(onListeners: (seen: readonly Listener[]) => void): PassParts {
    return {
      kernel: this.repair.kernel,
      list: () => this.source.list(),
      host: async () => {
        const host = await readHost();
        onListeners(host.listeners);
        return { ...host, listeners: this.held.update(host.listeners, clock.now()) };
      },
      config: () => this.parts.keeper.inForce(),
    };
  }
}

/** A port that is the host's own again (lapsed) is not. */
function publishedPorts({ services }: Policy): readonly Listener[] {
  return services.flatMap(({ ports }) =>
    ports.flatMap(({ protocol, hostPort, lapsed, loopback }) =>
      hostPort === undefined || lapsed || loopback ? [] : [{ protocol, port: hostPort }],
    ),
  );
}

function reportReload(log: Log, { changed, problems, warnings }: Reload, keeper: ConfigKeeper): void {
  for (const warning of warnings) log.warn({}, `configuration: ${warning}`);
  const consequence = keeper.inForce().lockedDown
    ? 'every published port is closed to everybody until it is good'
    : 'the last good one stays in force';
  for (const problem of problems) log.error({}, `configuration: ${problem}; ${consequence}`);
  if (changed) log.info({}, 'configuration loaded');
}
