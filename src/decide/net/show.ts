const shownLength = 60;

/**
 * Text from outside, fit for one line of a message: control and format characters (newlines, escapes,
 * right-to-left marks) as `\u{..}`, at most 60 characters, in backquotes.
 */
export function show(text: string): string {
  return `\`${shorten(text)}\``;
}

/** As {@link show}, without the quotes; cut at `longest` characters. */
export function shorten(text: string, longest = shownLength): string {
  // Cut first: a label may be 10 kB, and only what is shown needs escaping.
  const kept = text.length > longest ? `${text.slice(0, longest - 3)}...` : text;
  return kept.toWellFormed().replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\uFFFD]/gu, escape);
}

function escape(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  if (character === '\r') return '\\r';
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

/** `1 set`, `2 sets`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
