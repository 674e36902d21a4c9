import type { Snapshot } from '../decide/inventory/docker-json.ts';
import type { DockerEvent } from '../reach/docker/client.ts';
import type { Clock } from '../reach/host/clock.ts';

/** So long after its event a list may still show what is gone, ms. Docker sends `die` before it writes the state down. */
const memory = 10_000;

interface Departure {
  readonly action: 'die' | 'destroy';
  readonly at: number;
}

/**
 * Containers that events have told to be dead while lists may still show them running: whoever takes over their port must
 * not find it open because a list was a moment old.
 */
export class Tombstones {
  private readonly clock: Clock;
  private readonly gone = new Map<string, Departure>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Call with each event. */
  event({ type, action, id }: DockerEvent): void {
    if (type !== 'container') return;
    if (action === 'start') this.gone.delete(id);
    if (action === 'die' || action === 'destroy') this.gone.set(id, { action, at: this.clock.now() });
  }

  /** Call when the event stream opens: a start may have been told to nobody. */
  forget(): void {
    this.gone.clear();
  }

  /** What the lists say, less what events know better. */
  correct<T extends Snapshot>(snapshot: T): T {
    const { gone } = this;
    const now = this.clock.now();
    for (const [id, { at }] of gone) if (now - at > memory) gone.delete(id);
    return gone.size === 0 ? snapshot : withoutDeparted(snapshot, gone);
  }
}

/** The snapshot as it is when these have ended (`die`) or are gone for good (`destroy`): none of them has an address. */
export function withoutDeparted<T extends Snapshot>(
  snapshot: T,
  gone: ReadonlyMap<string, Pick<Departure, 'action'>>,
): T {
  return {
    ...snapshot,
    containers: snapshot.containers
      .filter(({ Id }) => gone.get(Id)?.action !== 'destroy')
      .map((one) => (gone.has(one.Id) ? { ...one, State: 'exited' } : one)),
    networks: snapshot.networks.map((network) => ({
      ...network,
      Containers: Object.fromEntries(
        Object.entries(network.Containers ?? {}).filter(([id]) => !gone.has(id)),
      ),
    })),
  };
}
