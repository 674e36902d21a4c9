/** ipset: a comment has at most 255 bytes (IPSET_MAX_COMMENT_SIZE). */
const longest = 255;

/**
 * A note of a person's as it can be kept in a set: one line, without quotes (ipset has no way to write one inside quotes) and
 * backslashes, cut at whole characters. Empty where nothing of it can be kept.
 */
export function cleanNote(text: string): string {
  const line = text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replaceAll('"', "'")
    .replaceAll('\\', '/')
    .trim();
  let kept = '';
  let bytes = 0;
  for (const character of line) {
    bytes += Buffer.byteLength(character);
    if (bytes > longest) break;
    kept += character;
  }
  return kept.trimEnd();
}
