import { shorten } from '../net/show.ts';

/** Text from labels, names or files as it may be shown on a terminal: nothing in it can steer the terminal. */
export function harmless(text: string, longest = 200): string {
  return shorten(text, longest);
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
