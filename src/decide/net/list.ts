/** Entries of a list in one text, separated by commas, white space or both: `a, b c`. Empty entries are dropped. */
export function splitList(text: string): string[] {
  return text.split(/[\s,]+/u).filter((entry) => entry !== '');
}
