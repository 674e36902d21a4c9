import type { Snapshot } from '../decide/inventory/docker-json.ts';
import type { Clock } from '../reach/host/clock.ts';

/** An event and the list that shows what it tells may be this far apart, in either order, ms. */
const slack = 3000;

const runningStates: ReadonlySet<string> = new Set(['running', 'paused', 'restarting']);

/**
 * Notices an event stream that is open and dead: a connection that a firewall or a proxy has forgotten has no end and no
 * error, and Docker sends no heartbeat. What a list shows and no event has told is the sign of it: containers and
 * networks neither come nor go, nor does a container start or end, without an event.
 */
export class StreamWatchdog {
  private readonly clock: Clock;
  private readonly onSilent: () => void;
  /** When something was last heard; the opening of the stream counts. */
  private heardAt = Number.NEGATIVE_INFINITY;
  private seen: { readonly at: number; readonly what: string } | undefined;
  private cancel: (() => void) | undefined;

  /** @param onSilent called once for each stream, when it has been found dead. */
  constructor(clock: Clock, onSilent: () => void) {
    this.clock = clock;
    this.onSilent = onSilent;
  }

  /** Call with each event, and when the stream opens: the lists from before prove nothing about it. */
  heard(): void {
    this.heardAt = this.clock.now();
    this.stop();
  }

  /** Call with what the lists said. */
  listed(snapshot: Snapshot): void {
    const now = this.clock.now();
    const what = essence(snapshot);
    const before = this.seen;
    this.seen = { at: now, what };
    if (before === undefined || before.what === what || this.cancel !== undefined) return;
    // Told before the list showed it, or about to be told.
    if (this.heardAt >= before.at - slack) return;
    this.cancel = this.clock.after(slack, () => {
      this.cancel = undefined;
      this.onSilent();
    });
  }

  /** Forgets a suspicion; nothing is called any more. */
  stop(): void {
    this.cancel?.();
    this.cancel = undefined;
  }
}

/** Which containers and networks there are, and which containers run. */
function essence({ containers, networks }: Snapshot): string {
  const states = containers.map(({ Id, State }) => `${Id} ${runningStates.has(State)}`);
  return [...states, ...networks.map(({ Id }) => Id)].sort().join('\n');
}
