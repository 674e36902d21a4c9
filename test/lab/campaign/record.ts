import { appendFileSync } from 'node:fs';
import type { ProbeReport } from '../agent/protocol.ts';

/** Attempts of the forbidden, by protocol and family. */
export interface Attempts {
  readonly tcp4: number;
  readonly tcp6: number;
  readonly udp4: number;
  readonly udp6: number;
}

/** What the forbidden and the allowed met while one scenario (or a part of it) was played. */
export interface WatchRecord {
  readonly kind: 'watch';
  readonly test: string;
  readonly setup: string;
  readonly attempts: Attempts;
  /** Handshakes that a forbidden client completed. */
  readonly handshakes: number;
  /** Datagrams of a forbidden client that were answered. */
  readonly answered: number;
  /** The longest time that an allowed client was not served, ms; absent where none was watched. */
  readonly outage?: number;
}

/** A figure that a scenario measured. */
export interface MeasureRecord {
  readonly kind: 'measure';
  readonly test: string;
  readonly setup: string;
  readonly name: MeasureName;
  readonly ms: number;
}

/**
 * `open for`: from the first forbidden handshake to the last, where something outside had taken the gate itself away (0: none). `shut for`:
 * the longest time that a public port did not answer then.
 * `repaired after`: from the damage to the kernel being as it should. `start latency`: from a container's start event to its
 * public port answering a stranger, and the same where dockwall does not stand. `open at boot`: as `open for`, at a boot of
 * the host without the boot unit.
 */
export type MeasureName =
  | 'open for'
  | 'shut for'
  | 'repaired after'
  | `start latency ${'IPv4' | 'IPv6'}${'' | ' without dockwall'}`
  | 'open at boot';

export type LabRecord = WatchRecord | MeasureRecord;

/** Where scenarios write their records, a line of JSON each; nowhere when it is not set. */
export const recordVariable = 'DOCKWALL_LAB_RECORD';

/** Set in the environment of vitest: how many times slower than asked the forbidden try. */
export const paceVariable = 'DOCKWALL_LAB_PACE';

/**
 * The full campaign tries as often as a scenario asks; `npm test` and the short one half as often: on two cores the attempts are a third of
 * what a lab computes.
 */
export const pace = Number(process.env[paceVariable] ?? 2);

/** What takes long is played in the campaign only (`it.runIf`), and not by `npm test`. */
export const inCampaign = process.env[recordVariable] !== undefined;

export function writeRecord(record: LabRecord): void {
  const file = process.env[recordVariable];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(record)}\n`);
}

/** What was written down; a line that was cut off when its writer was killed is left out. */
export function parseRecords(text: string): readonly LabRecord[] {
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as LabRecord];
    } catch {
      return [];
    }
  });
}

/** The probers' reports as the counts of a record. */
export function countReports(
  reports: readonly ProbeReport[],
): Pick<WatchRecord, 'attempts' | 'handshakes' | 'answered'> {
  const attempts = { tcp4: 0, tcp6: 0, udp4: 0, udp6: 0 };
  const opened = { tcp: 0, udp: 0 };
  for (const one of reports.flatMap(({ targets }) => targets)) {
    const protocol = one.target.proto === 'tcp' ? 'tcp' : 'udp';
    attempts[`${protocol}${one.target.ip.includes(':') ? 6 : 4}`] += one.attempts;
    opened[protocol] += one.opened.length;
  }
  return { attempts, handshakes: opened.tcp, answered: opened.udp };
}
