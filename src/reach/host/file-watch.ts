import { unwatchFile, watchFile as watchStat } from 'node:fs';
import type { Clock } from './clock.ts';

/** Calls `onChange` when the file at a path has changed, has come or has gone; the result ends it. */
export type WatchFile = (path: string, onChange: () => void) => () => void;

/** ms; with the time that a change has to rest for, the change is taken up within a second. */
const interval = 500;

/**
 * Looks at a path twice a second. inotify would be told sooner, but not of everything: a watched inode that is replaced (an
 * atomic rename, an editor) is watched no more, a folder does not tell of writes to a file that is bind-mounted into it, and
 * shared folders of virtual machines and networks tell nothing. A `stat` of a few files costs microseconds, and sees all of these.
 */
export const watchFile: WatchFile = (path, onChange) => {
  watchStat(path, { interval, persistent: false }, onChange);
  return () => unwatchFile(path, onChange);
};

/** What an editor that writes in place needs between emptying a file and filling it, ms. */
const rest = 200;

/** The same, once the file has not changed for a moment. */
export function watchRested(watch: WatchFile, clock: Clock): WatchFile {
  return (path, onChange) => {
    let cancel = (): void => {};
    const end = watch(path, () => {
      cancel();
      cancel = clock.after(rest, onChange);
    });
    return () => {
      cancel();
      end();
    };
  };
}
