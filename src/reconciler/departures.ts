import type { DockerEvent } from '../docker/client.ts';
import type { Snapshot } from '../inventory/docker-json.ts';
import type { Clock } from './clock.ts';

/** So long after its event a list may still show what is gone, ms. Docker sends `die` before it writes the state down. */
const memory = 10_000;

/** A container that has died, or is gone for good. */
export interface Departure {
  readonly id: string;
  readonly event: 'die' | 'destroy';
}

/**
 * Containers that events have told to be dead while lists may still show them running: whoever takes over their port must
 * not find it open because a list was a moment old.
 */
export class Departures {
  private readonly clock: Clock;
  private readonly gone = new Map<string, Departure & { readonly at: number }>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Call with each event. Gives the departure that it tells, if it tells one that is news. */
  event({ type, action, id }: DockerEvent): Departure | undefined {
    if (type !== 'container') return undefined;
    if (action === 'start') this.gone.delete(id);
    if (action !== 'die' && action !== 'destroy') return undefined;
    const news = this.gone.get(id)?.event !== action;
    const departure = { id, event: action } as const;
    this.gone.set(id, { ...departure, at: this.clock.now() });
    return news ? departure : undefined;
  }

  /** The latest ones. */
  recent(): readonly Departure[] {
    const now = this.clock.now();
    for (const [id, { at }] of this.gone) if (now - at > memory) this.gone.delete(id);
    return [...this.gone.values()];
  }

  /** What the lists say, less what events know better. */
  correct<T extends Snapshot>(snapshot: T): T {
    const departures = new Map(this.recent().map(({ id, event }) => [id, event]));
    if (departures.size === 0) return snapshot;
    return {
      ...snapshot,
      containers: snapshot.containers
        .filter(({ Id }) => departures.get(Id) !== 'destroy')
        .map((one) => (departures.has(one.Id) ? { ...one, State: 'exited' } : one)),
      networks: snapshot.networks.map((network) => ({
        ...network,
        Containers: Object.fromEntries(
          Object.entries(network.Containers ?? {}).filter(([id]) => !departures.has(id)),
        ),
      })),
    };
  }
}
