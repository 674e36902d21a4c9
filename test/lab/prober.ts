import type { ProbeReport, Target, TargetReport } from './agent/protocol.ts';
import type { Client } from './client.ts';

/** A probe that runs in a client: the judge of what got in. */
export class Prober {
  readonly #client: Client;
  readonly #probe: number;

  constructor(client: Client, probe: number) {
    this.#client = client;
    this.#probe = probe;
  }

  /** What happened so far. */
  async look(): Promise<ProbeReport> {
    return this.#client.ask('probeLook', { probe: this.#probe });
  }

  async stop(): Promise<ProbeReport> {
    return this.#client.ask('probeStop', { probe: this.#probe });
  }
}

/** `tcp [2001:db8::1]:80` */
function describeTarget({ proto, ip, port }: Target): string {
  return `${proto} ${ip.includes(':') ? `[${ip}]` : ip}:${port}`;
}

/** Throws when anything got in, saying what, how often and when first. */
export function expectNothingOpened(report: ProbeReport): void {
  const opened = report.targets.filter((target) => target.opened.length > 0);
  if (opened.length === 0) {
    if (report.targets.some((target) => target.attempts === 0))
      throw new Error('a probe that tried nothing proves nothing');
    return;
  }
  const lines = opened.map((one) => {
    const [first = 0] = one.opened;
    const last = one.opened.at(-1) ?? 0;
    return `  ${describeTarget(one.target)}: ${one.opened.length} of ${one.attempts}, at ${first} to ${last} ms`;
  });
  throw new Error(`something got in:\n${lines.join('\n')}`);
}

/** From the first to the last handshake, ms; 0 where nothing got in. */
export function openFor({ targets }: ProbeReport): number {
  const moments = targets.flatMap(({ opened }) => opened);
  if (moments.length === 0) return 0;
  return Math.ceil(Math.max(...moments) - Math.min(...moments)) || 1;
}

/** The longest time without a success; what the prober itself slept is part of it. */
export function longestGap(report: TargetReport, duration: number): number {
  const moments = [0, ...report.opened, Math.max(duration, report.opened.at(-1) ?? 0)];
  let longest = 0;
  for (let i = 1; i < moments.length; i++)
    longest = Math.max(longest, (moments[i] ?? 0) - (moments[i - 1] ?? 0));
  return longest;
}

/**
 * Throws when a client that is allowed was shut out for longer than it may be, on any of its targets. A time in which the prober itself
 * did not run (a busy machine) says nothing of that.
 */
export function expectServed(report: ProbeReport, maxGap: number): void {
  const lines = report.targets
    .map((one) => ({ one, gap: longestGap(one, report.duration) }))
    .filter(({ gap }) => gap > maxGap && gap > report.longestStall)
    .map(
      ({ one, gap }) =>
        `  ${describeTarget(one.target)}: nothing for ${Math.round(gap)} ms (${one.opened.length} of ${one.attempts})`,
    );
  if (lines.length === 0) return;
  const stall = `(the prober itself stood still for up to ${Math.round(report.longestStall)} ms)`;
  throw new Error(
    `an allowed client was not served for longer than ${maxGap} ms ${stall}:\n${lines.join('\n')}`,
  );
}
