import { shorten } from '../net/show.ts';

/** Text from labels, names or files as it may be shown on a terminal: nothing in it can steer the terminal. */
export function harmless(text: string, longest = 200): string {
  return shorten(text, longest);
}

/** JSON that is as harmless on a terminal and in a page: what could steer either is escaped, which JSON allows. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, undefined, 2).replaceAll(
    /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}<>&]/gu,
    (character) =>
      // a format character beyond 16 bits is two escapes
      Array.from(
        { length: character.length },
        (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
      ).join(''),
  );
}

/** Rows as columns padded to their widest cell, two spaces apart, no trailing blanks. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  }
  return rows
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** How long ago, in one unit: `12 s ago`. */
export function agoText(seconds: number): string {
  return seconds < 1 ? 'now' : `${roughSpan(seconds)} ago`;
}

/** A span of time in one unit, rounded down: `5 min`. */
export function roughSpan(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} days`;
}

/** A number in at most six characters: `9999`, `123k`, `1.5M`. */
export function countText(count: number): string {
  if (count < 100_000) return String(count);
  const [size, unit] =
    count < 1e6 ? [1e3, 'k'] : count < 1e9 ? [1e6, 'M'] : count < 1e12 ? [1e9, 'G'] : [1e12, 'T'];
  const value = count / size;
  return `${value < 10 ? (Math.floor(value * 10) / 10).toFixed(1) : Math.floor(value)}${unit}`;
}

/** Text cut to a number of characters, dots where something is missing. */
export function fit(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, Math.max(0, longest - 2))}..`;
}

/** A line broken between words so that no part is longer than `width`, the parts after the first indented by four. */
export function wrap(line: string, width: number | undefined): readonly string[] {
  if (width === undefined || line.length <= width) return [line];
  const at = line.lastIndexOf(' ', width);
  const cut = at > 4 ? at : width;
  return [line.slice(0, cut).trimEnd(), ...wrap(`    ${line.slice(cut).trimStart()}`, width)];
}
