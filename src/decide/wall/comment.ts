/** Well under the 255 bytes that xt_comment holds. */
const longestComment = 200;

/**
 * What the comment of a rule may hold after the id: `[A-Za-z0-9 ._:/,*+>-]`, at most 200 characters. Names from Docker may have anything
 * else in them, which becomes `?`; our own words have none of it (a test reads every rule of the goldens).
 */
export function commentWords(text: string): string {
  return text
    .replaceAll(/[^A-Za-z0-9 ._:/,*+>-]/g, '?')
    .slice(0, longestComment)
    .trim();
}
