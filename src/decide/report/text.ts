import stringWidth from 'string-width';
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

/** Where rows are read: characters in a line, and the columns that give way first where the lines would be longer. */
export interface Room {
  readonly width: number | undefined;
  readonly flexible: readonly number[];
}

/** What a column keeps that gives way, in characters. */
const least = 12;

/**
 * Rows as columns padded to their widest cell, two spaces apart, no trailing blanks. Where there is no room, the widest columns get
 * narrower and their cells more lines: nothing is cut. A row of one cell is a line of its own.
 */
export function columns(rows: readonly (readonly string[])[], room?: Room): string {
  const count = Math.max(0, ...rows.map(({ length }) => length));
  const all = Array.from({ length: count }, (_, index) => index);
  const widths = all.map((index) =>
    Math.max(...rows.map((row) => (row.length === 1 ? 0 : stringWidth(row[index] ?? '')))),
  );
  let over = widths.reduce((sum, one) => sum + one + 2, -2) - (room?.width ?? Infinity);
  for (const which of [room?.flexible ?? [], all])
    for (; over > 0; over -= 1) {
      const widest = which.reduce((a, b) => ((widths[b] ?? 0) > (widths[a] ?? 0) ? b : a), which[0] ?? 0);
      const has = widths[widest] ?? 0;
      if (has <= least || which.length === 0) break;
      widths[widest] = has - 1;
    }
  const lines = rows.flatMap((row) => {
    if (row.length === 1) return wrap(row[0] ?? '', room?.width);
    const cells = row.map((cell, index) => fold(cell, widths[index] ?? 1));
    const height = Math.max(...cells.map(({ length }) => length));
    return Array.from({ length: height }, (_, line) =>
      cells
        .map((cell, index) => padded(cell[line] ?? '', widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  });
  return lines.join('\n');
}

function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - stringWidth(text)));
}

/** A number in at most six characters: `9999`, `123k`, `1.5M`. */
export function countText(count: number): string {
  if (count < 100_000) return String(count);
  const [size, unit] =
    count < 1e6 ? [1e3, 'k'] : count < 1e9 ? [1e6, 'M'] : count < 1e12 ? [1e9, 'G'] : [1e12, 'T'];
  const value = count / size;
  return `${value < 10 ? (Math.floor(value * 10) / 10).toFixed(1) : Math.floor(value)}${unit}`;
}

/**
 * A text in lines of at most so many characters (a wide one, as of Chinese, is two), those after the first behind `indent`: broken
 * between words; a word that is longer than a line after its signs, or where it must be.
 */
export function fold(text: string, width: number, indent = ''): readonly string[] {
  const fits = (part: string, room = width): boolean => stringWidth(part.trimEnd()) <= room;
  if (fits(text)) return [text];
  const room = width - indent.length;
  const parts = text
    .split(/(?<=\S )/)
    .flatMap((word) => (fits(word, room) ? word : word.split(/(?<=[-_/.,:;=?&])/)))
    .flatMap((part) => (fits(part, room) ? part : Array.from(part)));
  const lines = [''];
  for (const part of parts) {
    const longer = `${lines.at(-1) ?? ''}${part}`;
    if (fits(longer)) lines[lines.length - 1] = longer;
    else lines.push(indent + part);
  }
  return lines.map((line) => line.trimEnd());
}

/** A line in parts no longer than `width`, the parts after the first indented by four. */
export function wrap(line: string, width: number | undefined): readonly string[] {
  return width === undefined ? [line] : fold(line, width, '    ');
}

/** ISO 8601. @param milliseconds since 1970 */
export function isoDate(milliseconds: number): string {
  // eslint-disable-next-line no-restricted-globals -- writes down a time that it is given
  return new Date(milliseconds).toISOString();
}
