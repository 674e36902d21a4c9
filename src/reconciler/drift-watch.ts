import type { Observed } from '../diff/model.ts';
import type { FingerprintScope } from '../kernel/fingerprint.ts';
import type { Monitor, MonitorEnd, MonitorParts } from '../kernel/monitor.ts';
import type { Clock } from './clock.ts';
import type { Log } from './reporter.ts';

interface WatchParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly fingerprint: { readonly take: (scope: FingerprintScope) => Promise<string> };
  readonly startMonitor: (parts: MonitorParts) => Monitor;
  /** Time between two looks, ms; 0: none. Asked again before each. */
  readonly interval: () => number;
  /** The gate may have been touched, or what it is made of: look whether it stands. */
  readonly check: () => void;
  /** Something of ours is not what it was. */
  readonly pull: () => void;
}

/** A monitor that has lived this long has begun to listen, ms. */
const settled = 1000;
const restartDelays = [250, 1000, 5000, 30_000];
/** The front is no hurry: the gate stands, and Docker changes DOCKER rule by rule, ms. */
const patience = 200;
/** How often the gate may be looked at in a row, and how often later: somebody may be moving it without end. */
const burst = 20;
const laterEvery = 500;

/**
 * Notices that somebody has changed what is ours. Of nft rules the kernel tells at once; sets, iptables-legacy, and
 * nft where no monitor runs are looked at every few seconds.
 */
export class DriftWatch {
  private readonly parts: WatchParts;
  private observed: Observed | undefined;
  private monitor: Monitor | undefined;
  private listening = false;
  private ends = 0;
  private warned = false;
  private fingerprint: string | undefined;
  private failing = false;
  private tokens = burst;
  private refilledAt: number;
  private cancels = new Map<string, () => void>();
  private stopped = false;

  constructor(parts: WatchParts) {
    this.parts = parts;
    this.refilledAt = parts.clock.now();
  }

  /** Call with what a pass has seen: which backends and families there are. The first call begins the watch. */
  saw(observed: Observed): void {
    const first = this.observed === undefined;
    this.observed = observed;
    if (this.stopped || !first) return;
    if (observed.backends.includes('nft')) this.listen();
    this.wait();
  }

  stop(): void {
    this.stopped = true;
    for (const cancel of this.cancels.values()) cancel();
    this.monitor?.stop();
  }

  private listen(): void {
    this.monitor = this.parts.startMonitor({
      onChange: (wall) =>
        wall === 'gate' ? this.gateChanged() : this.later('front', patience, this.parts.check),
      onEnd: (end) => this.ended(end),
    });
    this.once('settled', settled, () => {
      this.listening = true;
      if (this.warned) this.parts.log.info({}, 'nft monitor runs again');
      this.warned = false;
      this.ends = 0;
      // What happened before it listened was told to nobody.
      this.parts.check();
    });
  }

  private ended({ missing, why }: MonitorEnd): void {
    this.listening = false;
    this.cancels.get('settled')?.();
    this.ends += 1;
    const every = this.parts.interval();
    const instead = every === 0 ? 'the schedule' : `the check every ${every / 1000} s`;
    if (!this.warned) {
      this.parts.log.warn({ error: why }, `nft monitor ended; changes by others are found by ${instead}`);
    }
    this.warned = true;
    if (missing) return;
    const delay = restartDelays[Math.min(this.ends, restartDelays.length) - 1] ?? 0;
    this.once('restart', delay, () => this.listen());
  }

  /** At once, unless that has been so too often. */
  private gateChanged(): void {
    const { clock, check } = this.parts;
    const refills = Math.floor((clock.now() - this.refilledAt) / laterEvery);
    this.tokens = Math.min(burst, this.tokens + refills);
    this.refilledAt += refills * laterEvery;
    if (this.tokens === 0) return this.later('gate', laterEvery, () => this.gateChanged());
    this.tokens -= 1;
    check();
  }

  private wait(): void {
    const interval = this.parts.interval();
    // Switched off: somebody may switch it on.
    this.once('look', interval === 0 ? 5000 : interval, () => {
      void (interval === 0 ? Promise.resolve() : this.look()).then(() => {
        if (!this.stopped) this.wait();
      });
    });
  }

  private async look(): Promise<void> {
    const { families = [], backends = [] } = this.observed ?? {};
    const scope = { families, backends: backends.filter((name) => name === 'legacy' || !this.listening) };
    try {
      const fingerprint = await this.parts.fingerprint.take(scope);
      const same = fingerprint === this.fingerprint;
      this.fingerprint = fingerprint;
      this.failing = false;
      if (!same && !this.stopped) this.parts.pull();
    } catch (error) {
      // The pass says what is wrong, or finds that nothing is.
      this.parts.log.debug({ error: String(error) }, 'the check for changes by others failed');
      if (!this.failing && !this.stopped) this.parts.pull();
      this.failing = true;
    }
  }

  /** Unless it is due already. */
  private later(what: string, delay: number, action: () => void): void {
    if (!this.cancels.has(what)) this.once(what, delay, action);
  }

  private once(what: string, delay: number, action: () => void): void {
    if (this.stopped) return;
    this.cancels.get(what)?.();
    const cancel = this.parts.clock.after(delay, () => {
      this.cancels.delete(what);
      action();
    });
    this.cancels.set(what, cancel);
  }
}
