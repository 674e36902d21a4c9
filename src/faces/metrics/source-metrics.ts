import { Gauge, type Registry } from 'prom-client';
import { shorten } from '../../decide/net/show.ts';

/** How one live source (a DNS name, a list) is. */
export interface SourceState {
  readonly name: string;
  /** Networks in force. */
  readonly networks: number;
  /** Milliseconds since it last said what is in force; undefined: it never has. */
  readonly age: number | undefined;
  readonly lastError: string | undefined;
  /** Failed looks since the last good one. */
  readonly failures: number;
}

/** More sources than this are left out: labels may name them. */
const mostSources = 500;

/** The gauges of live sources; one that is no longer used has no series. */
export function sourceMetrics(registers: Registry[], sources: () => readonly SourceState[]): void {
  const gauge = (name: string, help: string, read: (state: SourceState) => number | undefined): void => {
    const made: Gauge<'source'> = new Gauge({
      name: `dockwall_source_${name}`,
      help,
      labelNames: ['source'],
      registers,
      collect: () => {
        made.reset();
        for (const state of sources().slice(0, mostSources)) {
          const value = read(state);
          if (value !== undefined) made.set({ source: shorten(state.name, 120) }, value);
        }
      },
    });
  };
  gauge(
    'age_seconds',
    'Since a live source last said what is in force; no series before the first time.',
    ({ age }) => (age === undefined ? undefined : age / 1000),
  );
  gauge('failures', 'Failed looks at a live source since the last good one.', ({ failures }) => failures);
  gauge('networks', 'Networks that a live source stands for now.', ({ networks }) => networks);
}
