const units = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
] as const;

/** A time as people say it, by its largest unit and the next, rounded down: `1 h 5 min`, `40 s`. */
export function spanText(seconds: number, parts = 2): string {
  let rest = Math.floor(seconds);
  const counts = units.map(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return { unit, count };
  });
  const first = counts.findIndex(({ count }) => count > 0);
  if (first < 0) return '0 s';
  const shown = counts.slice(first, first + parts).filter(({ count }) => count > 0);
  return shown.map(({ unit, count }) => `${count} ${unit}`).join(' ');
}

/** The same in one unit: `5 min`; hours up to two days, since a day is too coarse for them. */
export function roughSpan(seconds: number): string {
  return seconds >= 86_400 && seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : spanText(seconds, 1);
}

/** How long ago, in one unit: `12 s ago`. */
export function agoText(seconds: number): string {
  return seconds < 1 ? 'now' : `${roughSpan(seconds)} ago`;
}
