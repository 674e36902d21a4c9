import { observingFor } from '../wall/observing.ts';
import { isoDate } from './text.ts';

/** What every view says while it lasts; undefined where the walls are closed. @param now milliseconds since 1970 */
export function observingNote(sets: Parameters<typeof observingFor>[0], now: number): string | undefined {
  const seconds = observingFor(sets);
  if (seconds === 0) return undefined;
  const end = isoDate(now + seconds * 1000)
    .slice(0, 16)
    .replace('T', ' ');
  return `OBSERVING until ${end} UTC: who would be turned away is remembered and let in; only what is denied is closed`;
}
