import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { PassObserver } from '../../daemon/observer.ts';
import { type Drift, driftKinds } from '../../decide/diff/drift.ts';
import type { Observed } from '../../decide/diff/model.ts';
import { frontStands, gateStands, place } from '../../decide/diff/placement.ts';
import type { Decided, Decision } from '../../decide/pass/decide.ts';
import { policyFingerprint } from '../../decide/policy/fingerprint.ts';
import { observingFor } from '../../decide/wall/observing.ts';
import type { KernelCounts } from './kernel-counts.ts';
import { PortMetrics } from './port-metrics.ts';
import { type SourceState, sourceMetrics } from './source-metrics.ts';

export interface MetricsParts {
  readonly version: string;
  readonly counts: () => Promise<KernelCounts>;
  readonly sources: () => readonly SourceState[];
  readonly healthy: () => boolean;
  readonly configProblems: () => number;
  /** Seconds since 1970. */
  readonly now: () => number;
}

/**
 * What Prometheus is told, by the names that its users expect (https://prometheus.io/docs/practices/naming/). What the kernel
 * counts is read when somebody asks; series of what is gone go with it.
 */
export class Metrics implements PassObserver {
  private readonly parts: MetricsParts;
  private readonly registry = new Registry();
  private readonly passes: Counter<'result'>;
  private readonly durations: Histogram;
  private readonly lastSuccess: Gauge;
  private readonly repaired: Counter<'kind'>;
  private readonly rules: Gauge<'table' | 'family'>;
  private readonly problems: Gauge;
  private readonly gates: Gauge<'family'>;
  private readonly fronts: Gauge<'family'>;
  private readonly locks: Gauge<'strength'>;
  private readonly healthy: Gauge;
  private readonly observing: Gauge;
  private readonly config: Gauge;
  private readonly policy: Gauge<'fingerprint'>;
  private readonly ports: PortMetrics;
  private decision: Decision | undefined;

  constructor(parts: MetricsParts) {
    this.parts = parts;
    const registers = [this.registry];
    this.passes = new Counter({
      name: 'dockwall_passes_total',
      help: 'Passes, by how they ended.',
      labelNames: ['result'],
      registers,
    });
    this.durations = new Histogram({
      name: 'dockwall_pass_duration_seconds',
      help: 'How long passes took.',
      buckets: [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    });
    this.lastSuccess = this.gauge('last_success_timestamp_seconds', 'When a pass succeeded last; 0: never.');
    this.repaired = new Counter({
      name: 'dockwall_drift_repaired_total',
      help: 'Things that others had changed and that were put back, by kind; front is usually Docker itself.',
      labelNames: ['kind'],
      registers,
    });
    this.rules = this.gauge('rules', 'Rules of ours, as of the last pass.', ['table', 'family']);
    this.problems = this.gauge('label_problems', 'Label problems; such a container opens nothing.');
    this.gates = this.gauge('gate_up', 'Whether the gate stood at the last look at the kernel.', ['family']);
    this.fronts = this.gauge(
      'front_up',
      'Whether the front stood at the last look; no series where Docker keeps no DOCKER chain.',
      ['family'],
    );
    this.locks = this.gauge(
      'lock_up',
      'Whether the lock stood at the last look, by how it is held: persist, owner or plain; no series where the kernel cannot have it.',
      ['strength'],
    );
    for (const result of ['success', 'failure']) this.passes.inc({ result }, 0);
    for (const kind of driftKinds) this.repaired.inc({ kind }, 0);
    this.addInfo();
    this.healthy = this.gauge('healthy', 'Whether dockwall is well, as /healthz says.');
    this.observing = this.gauge(
      'observing_seconds',
      'Until the walls close; 0: they are closed, as they should be.',
    );
    this.config = this.gauge('config_problems', 'Problems of the configuration; an earlier one is in force.');
    this.policy = this.gauge(
      'policy_info',
      'Always 1; hosts whose configurations mean the same have the same fingerprint.',
      ['fingerprint'],
    );
    this.ports = new PortMetrics(registers);
    sourceMetrics(registers, parts.sources);
  }

  /** What a scrape gets: the text format 0.0.4. What the kernel does not tell has no series then. */
  async metricsText(): Promise<string> {
    this.healthy.set(Number(this.parts.healthy()));
    this.config.set(this.parts.configProblems());
    this.ports.show(this.decision?.policy, await this.parts.counts().catch(() => undefined));
    return this.registry.metrics();
  }

  passed(decision: Decision & Partial<Pick<Decided, 'from'>>, took: number): void {
    this.decision = decision;
    this.policy.reset();
    const fingerprint = decision.from && policyFingerprint(decision.from.config);
    if (fingerprint !== undefined) this.policy.set({ fingerprint }, 1);
    this.observing.set(observingFor(decision.observed.sets));
    this.ended('success', took);
    this.lastSuccess.set(this.parts.now());
    this.problems.set(decision.policy.problems.length);
    this.countRules(decision);
    this.showLock(decision.observed);
    for (const family of decision.observed.families) {
      // The pass has put up what was missing.
      this.gates.set({ family }, 1);
      if (place(decision.observed, family).front !== undefined) this.fronts.set({ family }, 1);
    }
  }

  failed(took: number): void {
    this.ended('failure', took);
  }

  drifted(drifts: readonly Drift[]): void {
    for (const { kind } of drifts) this.repaired.inc({ kind });
  }

  saw(observed: Observed): void {
    this.observing.set(observingFor(observed.sets));
    this.showLock(observed);
    this.fronts.reset();
    for (const family of observed.families) {
      const { gate, front } = place(observed, family);
      this.gates.set({ family }, Number(gateStands(observed, family, gate)));
      if (front !== undefined) this.fronts.set({ family }, Number(frontStands(observed, family, front)));
    }
  }

  private showLock({ lock }: Observed): void {
    this.locks.reset();
    if (lock?.kind === 'stands')
      this.locks.set({ strength: lock.strength }, Number(lock.lock !== undefined && lock.held !== true));
    if (lock?.kind === 'none') this.locks.set({ strength: 'persist' }, 0);
  }

  private ended(result: 'success' | 'failure', took: number): void {
    this.passes.inc({ result });
    this.durations.observe(took / 1000);
  }

  private countRules({ ruleset, observed }: Decision): void {
    const tables = [...ruleset.gate, ...(ruleset.front === 'keep' ? [] : ruleset.front)];
    this.rules.reset();
    for (const { table, family, chains, hooks } of tables) {
      if (!observed.families.includes(family)) continue;
      if (table === 'filter' && place(observed, family).front === undefined) continue;
      const rules = chains.reduce((sum, chain) => sum + chain.rules.length, hooks.length);
      this.rules.set({ table, family }, rules);
    }
  }

  private gauge<T extends string>(name: string, help: string, labelNames: readonly T[] = []): Gauge<T> {
    return new Gauge({ name: `dockwall_${name}`, help, labelNames, registers: [this.registry] });
  }

  private addInfo(): void {
    const info = this.gauge('build_info', 'Always 1; the version is a label.', ['version']);
    info.set({ version: this.parts.version }, 1);
    const started = new Gauge({
      name: 'process_start_time_seconds',
      help: 'Start time of the process, seconds since 1970.',
      registers: [this.registry],
    });
    started.set(this.parts.now() - process.uptime());
    const memory: Gauge = new Gauge({
      name: 'process_resident_memory_bytes',
      help: 'Resident memory of the process.',
      registers: [this.registry],
      collect: () => memory.set(process.memoryUsage.rss()),
    });
  }
}
