import { shorten } from '../../decide/net/show.ts';

/** A place for one line of text, in units of the picture. */
export interface Place {
  readonly width: number;
  /** Of the font. */
  readonly size: number;
  readonly mono?: boolean;
}

/**
 * The text as far as it fits, with an ellipsis where it does not. Nobody measures here: widths are those of a usual
 * sans-serif face, on the wide side.
 */
export function fit(text: string, { width, size, mono = false }: Place): string {
  const room = width / size;
  const ellipsis = mono ? monoWidth : 1;
  const kept: string[] = [];
  let used = 0;
  /** How many characters leave room for the ellipsis. */
  let safe = 0;
  for (const character of shorten(text, 200)) {
    used += mono ? Math.max(monoWidth, widthOf(character) > 1 ? 1.2 : 0) : widthOf(character);
    if (used > room) return `${kept.slice(0, safe).join('').trimEnd()}…`;
    kept.push(character);
    if (used <= room - ellipsis) safe = kept.length;
  }
  return kept.join('');
}

/** How wide the whole text is, in units of the picture. */
export function widthOfText(text: string, { size, mono = false }: Omit<Place, 'width'>): number {
  const ems = Array.from(text, (character) => (mono ? monoWidth : widthOf(character)));
  return size * ems.reduce((sum, one) => sum + one, 0);
}

/** As many of the words as fit, and how many more there are: `office, family +2`. */
export function fitList(words: readonly string[], place: Place): string {
  const all = words.join(', ');
  // No more than this many fit into any place.
  for (let count = Math.min(words.length, 12); count > 0; count -= 1) {
    const more = words.length - count;
    const text = more === 0 ? all : `${words.slice(0, count).join(', ')} +${more}`;
    if (fit(text, place) === text) return text;
  }
  return fit(all, place);
}

const monoWidth = 0.61;

/** In ems. */
function widthOf(character: string): number {
  if (/[ijl.,:;|!'()[\]/ ]/u.test(character)) return 0.34;
  if (/[mwMW@%]/u.test(character)) return 0.92;
  if (/[A-Z\d_]/u.test(character)) return 0.66;
  // Chinese, Japanese, Korean, emoji.
  return (character.codePointAt(0) ?? 0) >= 0x11_00 ? 1.1 : 0.57;
}
