import type { Clock } from '../reach/host/clock.ts';

interface LinkWatchParts {
  readonly clock: Clock;
  /** The names of the host's interfaces now, as text; see `linkNames`. */
  readonly read: () => Promise<string>;
  /** There are others than at the last look. */
  readonly onChange: () => void;
}

/** Between two looks, ms. */
const interval = 500;

/**
 * Notices that the host has another interface: which are inside is a list of names, and somebody else's port on a bridge of Docker's
 * makes it outside. Docker tells only of its own. The result ends the watch.
 */
export function watchLinks({ clock, read, onChange }: LinkWatchParts): () => void {
  let known: string | undefined;
  let stopped = false;
  let cancel = (): void => {};
  const look = async (): Promise<void> => {
    const now = await read();
    if (stopped) return;
    if (known !== undefined && known !== now) onChange();
    known = now;
    cancel = clock.after(interval, () => void look());
  };
  void look();
  return () => {
    stopped = true;
    cancel();
  };
}
