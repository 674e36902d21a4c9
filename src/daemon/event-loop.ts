import type { ScheduledTask } from 'node-cron';
import type { SetChange } from '../decide/diff/model.ts';
import type { HostFacts } from '../decide/inventory/read-inventory.ts';
import type { Family } from '../decide/net/network.ts';
import type { EngineRefusal } from '../decide/pass/engine-check.ts';
import type { Config } from '../decide/policy/config.ts';
import type { IpSet } from '../decide/wall/model.ts';
import type { ConfigKeeper, Reload } from '../reach/config/keeper.ts';
import { type DockerClient, DockerError, type DockerEvent } from '../reach/docker/client.ts';
import { DockerSource } from '../reach/docker/source.ts';
import { longestStart } from '../reach/docker/starts.ts';
import { systemClock } from '../reach/host/clock.ts';
import { type HostSocket, placesOf } from '../reach/host/listeners.ts';
import { ownAddresses } from '../reach/host/own-addresses.ts';
import { countSockets, readSockets } from '../reach/host/read-host.ts';
import { ArmedRun } from '../reach/kernel/armed.ts';
import { runCommand } from '../reach/kernel/command.ts';
import { listConnections } from '../reach/kernel/connections.ts';
import { Fingerprint } from '../reach/kernel/fingerprint.ts';
import { createKernel, type Kernel } from '../reach/kernel/kernel.ts';
import { MemberTest } from '../reach/kernel/member-test.ts';
import { startMonitor } from '../reach/kernel/monitor.ts';
import type { ProgramReader } from '../reach/kernel/reader.ts';
import type { Log } from '../reach/log/model.ts';
import type { SourceAnswers } from '../reach/sources/model.ts';
import { Admission } from './admission.ts';
import type { Predecessor } from './adopted-ports.ts';
import { bootstrapGate } from './bootstrap.ts';
import { Cutter } from './cutter.ts';
import { DriftRepair } from './drift-repair.ts';
import { DriftWatch } from './drift-watch.ts';
import { EarlyClose, without } from './early-close.ts';
import { EngineProbe } from './engine-probe.ts';
import { GrantLog } from './grant-log.ts';
import { guardStands } from './guard-sets.ts';
import { ListenerGuard } from './listener-guard.ts';
import { observers, type PassObserver } from './observer.ts';
import { type PassParts, reconcile } from './pass.ts';
import { claimsOf, heldAgainst } from './published.ts';
import { Refresh } from './refresh.ts';
import { reportReload } from './reload-report.ts';
import { Reporter } from './reporter.ts';
import { startSchedule } from './schedule.ts';
import { StreamWatchdog } from './stream-watchdog.ts';
import { Tombstones } from './tombstones.ts';
import { Trigger, type Wanted } from './trigger.ts';
import { DockerWatch } from './watch.ts';

const clock = systemClock;
const triggerOptions = {
  minInterval: 100,
  burst: 20,
  sustainedInterval: 1000,
  retryDelays: [250, 500, 1000, 2000, 5000, 10_000, 30_000],
  clock,
};

/** Between the first event of a container's end and the pass that it asks for, ms. */
const patience = 25;
/** Between being told to look and looking, ms: however often that is said, it is one look. */
const lookDelay = 50;

/** The real parts of a daemon. */
export interface EventLoopParts {
  readonly reader: ProgramReader;
  readonly keeper: ConfigKeeper;
  readonly log: Log & { level: string };
  readonly kernel: Kernel;
  /** What the host speaks, as seen at the start. */
  readonly families: readonly Family[];
  readonly client: DockerClient;
  readonly host: () => Promise<HostFacts>;
  readonly firstLocalPort: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly sources: SourceAnswers;
  readonly observer: PassObserver;
  /** Our own. */
  readonly version: string;
  /** Called when this engine has turned out to be one that cannot be guarded. */
  readonly onRefusal: (refusal: EngineRefusal) => void;
  /** Called when another configuration is in force. */
  readonly onConfig: (config: Config) => void;
}

/** Everything that pulls the one trigger: events, schedule, signals, late answers. */
export class EventLoop {
  private readonly parts: EventLoopParts;
  private readonly source: DockerSource;
  private readonly reporter: Reporter;
  private readonly trigger: Trigger;
  private readonly guard: ListenerGuard;
  private readonly repair: DriftRepair;
  private readonly earlyClose: EarlyClose;
  private readonly refresh: Refresh;
  private readonly drift: DriftWatch;
  private readonly cutter: Cutter;
  /** All that hear of looks and passes, in the order in which they hear of them. */
  private readonly observers: PassObserver;
  private readonly tombstones = new Tombstones(clock);
  private readonly armed = new ArmedRun(runCommand);
  private readonly quick = createKernel(this.armed.run);
  private readonly memberTest = new MemberTest();
  private readonly probe: EngineProbe;
  private readonly watch: DockerWatch;
  private readonly streamWatchdog: StreamWatchdog;
  private readonly admission: Admission;
  private readonly stopping = new AbortController();
  private readonly startedAt = clock.now();
  /** Once since our start Docker was starting nothing: all that the host's boot has started is known. */
  private settled = false;
  private later: (() => void) | undefined;
  private soon: (() => void) | undefined;
  private task: ScheduledTask | undefined;
  private watching: Promise<void> = Promise.resolve();

  constructor(parts: EventLoopParts) {
    this.parts = parts;
    this.reporter = new Reporter(parts.log, { version: parts.version, nextRun: () => this.nextRun() });
    this.trigger = new Trigger((wanted) => this.pass(wanted), triggerOptions);
    this.source = new DockerSource(parts.client, () => this.trigger.pull(), { now: clock.now });
    const { kernel, log } = parts;
    this.cutter = new Cutter({ kernel, log, list: listConnections, addresses: ownAddresses });
    this.probe = new EngineProbe({ client: parts.client, run: runCommand, env: parts.env });
    this.admission = new Admission(parts.onRefusal);
    this.streamWatchdog = new StreamWatchdog(clock, () =>
      this.watch.reopen(new Error('the event stream had gone silent')),
    );
    // First the stream, then the list: what happens in between is in one of the two.
    this.watch = new DockerWatch({
      client: parts.client,
      clock,
      watcher: { onOpen: () => this.onOpen(), onEvent: (event) => this.onEvent(event) },
      onDown: (error, lost) => {
        this.reporter.watchingDocker(false);
        if (lost) this.reporter.dockerWentAway(error);
        this.trigger.pull();
      },
    });
    this.guard = new ListenerGuard({
      kernel: this.quick,
      families: parts.families,
      sockets: readSockets,
      counts: countSockets,
      stands: async () => guardStands(this.memberTest, parts.families),
      firstLocalPort: parts.firstLocalPort,
      inspect: (id) => this.source.inspect(id),
      ask: () => this.trigger.pull(),
      onFailure: (error) => this.reporter.guardFailed(error),
      enabled: () => parts.keeper.inForce().config.guard === 'on',
      clock,
    });
    this.earlyClose = new EarlyClose({
      write: (sets) => this.writeSets('takes away', sets, (left) => without(left, sets)),
      clock,
    });
    this.refresh = this.makeRefresh(parts);
    this.repair = new DriftRepair({
      kernel: parts.kernel,
      raise: () => this.raise(),
      report: (drifts) => this.observers.drifted(drifts),
      saw: (observed) => this.observers.saw(observed),
      writes: () => this.drift.wrote(),
    });
    this.drift = this.makeDriftWatch(parts);
    this.observers = this.makeObservers(parts);
  }

  private makeObservers({ log, keeper, observer, sources }: EventLoopParts): PassObserver {
    const { repair, reporter, earlyClose, refresh, cutter, drift } = this;
    const grants = new GrantLog({ log, clock, groups: () => [...keeper.inForce().config.groups.keys()] });
    return observers(repair, reporter, observer, drift, earlyClose, refresh, cutter, {
      passed: ({ policy }) => sources.want(policy.sources),
      saw: ({ sets }) => grants.saw(sets),
    });
  }

  private makeDriftWatch({ log, reader, keeper }: EventLoopParts): DriftWatch {
    return new DriftWatch({
      clock,
      log,
      fingerprint: new Fingerprint(reader.read, () => this.repair.foreignNames()),
      startMonitor,
      interval: () => keeper.inForce().config.driftCheck,
      check: () => this.trigger.check(),
      pull: () => this.trigger.pull(),
    });
  }

  private makeRefresh({ sources, keeper }: EventLoopParts): Refresh {
    return new Refresh({
      answers: () => sources.answers(),
      inForce: () => keeper.inForce(),
      write: (changes, sets) => {
        const fresh = new Map(sets.map((set) => [set.name, set]));
        return this.writeSets('changes', changes, (left) => left.map((set) => fresh.get(set.name) ?? set));
      },
      done: (refreshed) => {
        this.reporter.refreshed(refreshed.changes);
        this.cutter.refreshed(refreshed);
      },
    });
  }

  /** @param predecessor see {@link ListenerGuard.start}. */
  async start(predecessor: Predecessor): Promise<void> {
    this.startSchedule();
    this.armed.arm();
    await this.guard.start(predecessor);
    this.watching = this.watch.run(this.stopping.signal);
    this.trigger.pull();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.guard.stop();
    this.streamWatchdog.stop();
    this.armed.disarm();
    this.memberTest.end();
    this.drift.stop();
    this.parts.reader.stop();
    await this.task?.destroy();
    await Promise.all([this.trigger.stop(), this.cutter.stop(), this.watching]);
  }

  /** An answer of a live source is another one: it goes into the sets at once, and a pass follows. */
  answersChanged(): void {
    void this.refresh.changed();
    this.trigger.pull();
  }

  /** Somebody has changed a set and says so: what is silent and refused now is cut, and it is written down. */
  lookSoon(): void {
    this.soon ??= clock.after(lookDelay, () => {
      this.soon = undefined;
      this.trigger.check();
    });
  }

  /** Without delay, between two passes. */
  private async writeSets(
    kind: 'takes away' | 'changes',
    sets: readonly SetChange[],
    next: (left: readonly IpSet[]) => readonly IpSet[],
  ): Promise<void> {
    await this.repair.write(kind, next, () => this.quick.apply({ sets, tables: [], destroy: [] }));
  }

  private async raise(): Promise<void> {
    const { kernel, keeper, sources } = this.parts;
    await bootstrapGate(kernel, {
      host: await this.parts.host(),
      inForce: keeper.inForce(),
      answers: sources.answers(),
    });
  }

  /** When the schedule asks for a pass. */
  nextRun(): Date | undefined {
    return this.task?.getNextRun() ?? undefined;
  }

  health(): ReturnType<Reporter['health']> {
    return this.reporter.health(this.parts.keeper.problems());
  }

  /** Asks for a pass: what it goes by has changed. */
  pull(): void {
    this.trigger.pull();
  }

  /** SIGHUP: the configuration is read again at once, changed file or not. */
  reload(): void {
    void this.parts.keeper.reload().then((reload) => this.reloaded(reload));
  }

  private reloaded(reload: Reload): void {
    reportReload(this.parts.log, reload, this.parts.keeper);
    if (reload.changed) {
      const { config } = this.parts.keeper.inForce();
      this.parts.log.level = config.logLevel;
      this.parts.onConfig(config);
      this.startSchedule();
    }
    this.trigger.pull();
  }

  private startSchedule(): void {
    void this.task?.destroy();
    const { schedule } = this.parts.keeper.inForce().config;
    this.task = startSchedule(schedule, () => this.trigger.pull(), this.parts.log);
  }

  /** What happened while no stream was open was told to nobody. */
  private onOpen(): void {
    this.reporter.watchingDocker(true);
    this.streamWatchdog.heard();
    this.probe.forget();
    this.tombstones.forget();
    this.trigger.pull();
  }

  private onEvent({ type, action, id }: DockerEvent): void {
    this.streamWatchdog.heard();
    this.guard.event();
    this.tombstones.event({ type, action, id });
    if (type === 'container') this.hear(action, id);
    if (['disconnect', 'die', 'destroy'].includes(action)) this.pullLater();
    // Until its bridge is known to be inside, its containers are strangers to what others publish, and to the host.
    else this.trigger.pull(type === 'network' && action === 'create' ? 'urgent' : 'soon');
  }

  /** These come one after the other, and the last may be the one that matters: a pass that starts hears nothing for a while. */
  private pullLater(): void {
    this.later ??= clock.after(patience, () => {
      this.later = undefined;
      this.trigger.pull();
    });
  }

  private hear(action: string, id: string): void {
    if (action === 'create') {
      void this.guard.onCreate(id);
      this.earlyClose.made(id, this.source.inspect(id));
    } else if (action === 'die') this.earlyClose.tell({ kind: 'ended', id });
    else if (action === 'destroy') this.earlyClose.tell({ kind: 'gone', id });
    else if (action === 'start') this.earlyClose.tell({ kind: 'started', id });
  }

  private async pass(wanted: Wanted): Promise<void> {
    const { keeper } = this.parts;
    const from = clock.now();
    const reload = await keeper.reloadIfChanged();
    if (reload !== undefined) this.reloaded(reload);
    try {
      const drifted = await this.repair.repair(wanted);
      if (wanted === 'check') {
        if (drifted) this.drift.passLater();
        return;
      }
      const judged = await this.judgeable();
      const decision = await reconcile(this.passParts(judged), ({ engine }) => this.admission.admit(engine));
      this.observers.passed(decision, clock.now() - from);
      this.guard.passed({
        claims: claimsOf(decision.policy),
        against: heldAgainst(decision.policy),
        judged,
        sets: decision.observed.sets,
      });
      this.reporter.dockerAnswers();
    } catch (error) {
      this.observers.failed(clock.now() - from);
      if (error instanceof DockerError && error.code === 'unreachable') this.reporter.dockerWentAway(error);
      else this.reporter.passFailed(error);
      throw error;
    }
  }

  /** The sockets that this pass can judge: seen before Docker is asked, while it starts nothing that may be behind them. */
  private async judgeable(): Promise<readonly HostSocket[]> {
    const due = this.guard.due();
    if (due.length === 0 && this.settled) return due;
    const starting = await this.source.starting(due.flatMap(placesOf));
    this.settled ||= starting.none || clock.now() - this.startedAt > longestStart;
    return due.filter((socket) => !placesOf(socket).some((place) => starting.mayServe(place, socket.since)));
  }

  private passParts(judged: readonly HostSocket[]): PassParts {
    return {
      kernel: this.repair.kernel,
      list: async () => {
        this.earlyClose.asks();
        const [snapshot, engine] = await Promise.all([this.source.list(), this.probe.look()]);
        this.streamWatchdog.listed(snapshot);
        return this.tombstones.correct({ ...snapshot, engine, settled: this.settled });
      },
      host: async () => ({ ...(await this.parts.host()), ...this.guard.own(judged) }),
      config: () => this.parts.keeper.inForce(),
      answers: () => this.parts.sources.answers(),
    };
  }
}
