import { shorten } from '../net/show.ts';

/** How wide a character is in a usual sans-serif face, in ems; on the wide side, since nobody measures here. */
function widthOf(character: string): number {
  if (/[ijl.,:;|!'()[\]/ ]/u.test(character)) return 0.34;
  if (/[mwMW@%]/u.test(character)) return 0.92;
  if (/[A-Z\d_]/u.test(character)) return 0.66;
  // Chinese, Japanese, Korean, emoji.
  return (character.codePointAt(0) ?? 0) >= 0x11_00 ? 1.1 : 0.57;
}

/** The text as far as it fits into a width, with an ellipsis where it does not. `size` is that of the font. */
export function fit(
  text: string,
  { width, size }: { readonly width: number; readonly size: number },
): string {
  const room = width / size;
  let used = 0;
  let kept = '';
  for (const character of shorten(text, 200)) {
    used += widthOf(character);
    if (used > room) return `${cut(kept, room - 1)}…`;
    kept += character;
  }
  return kept;
}

function cut(text: string, room: number): string {
  let used = 0;
  let kept = '';
  for (const character of text) {
    used += widthOf(character);
    if (used > room) break;
    kept += character;
  }
  return kept.trimEnd();
}
