import type { Observed } from '../decide/diff/model.ts';
import type { Clock } from '../reach/host/clock.ts';
import type { FingerprintScope } from '../reach/kernel/fingerprint.ts';
import type { Monitor, MonitorEnd, MonitorParts } from '../reach/kernel/monitor.ts';
import type { Log } from '../reach/log/model.ts';

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
/** And one that has lived this long is well: what it was told to suffer from is over, ms. */
const well = 60_000;
const restartDelays = [250, 1000, 5000, 30_000];
/** The front is no hurry: the gate stands, and Docker changes DOCKER rule by rule, ms. */
const patience = 200;
/** A flush is a line for each rule; one look in this time, ms, is enough for them. */
const together = 50;
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
  /** Of a state that a pass since then has found right. */
  private fingerprint: string | undefined;
  private writes = 0;
  private failing = false;
  private tokens = burst;
  private checkedAt = Number.NEGATIVE_INFINITY;
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

  /** Call when we write: what was seen before is no measure any more, lest the same damage done twice looks like no change. */
  wrote(): void {
    this.fingerprint = undefined;
    this.writes += 1;
  }

  /** Asks for a pass when those who take away have had the time to finish: it asks Docker, and checks wait for it. */
  passLater(): void {
    this.later('pass', patience, this.parts.pull);
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
      // What happened before it listened was told to nobody.
      this.parts.check();
    });
    this.once('well', well, () => {
      if (this.warned) this.parts.log.info({}, 'nft monitor runs again');
      this.warned = false;
      this.ends = 0;
    });
  }

  private ended({ missing, why }: MonitorEnd): void {
    this.listening = false;
    for (const what of ['settled', 'well']) this.cancels.get(what)?.();
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
    const wait = Math.max(this.checkedAt + together - clock.now(), this.tokens === 0 ? laterEvery : 0);
    if (wait > 0) return this.later('gate', wait, () => this.gateChanged());
    this.tokens -= 1;
    this.checkedAt = clock.now();
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
      const { writes } = this;
      const fingerprint = await this.parts.fingerprint.take(scope);
      const same = fingerprint === this.fingerprint;
      if (writes === this.writes) this.fingerprint = fingerprint;
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
