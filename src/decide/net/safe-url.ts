/**
 * A URL for people to read: without user name, password, fragment and what follows the `?`, each of which may be a key to it. Of text
 * that looks like a URL and is none, everything before the last `@` goes.
 */
export function safeUrl(text: string): string {
  const [, scheme = '', rest = text] = /^([a-z][a-z0-9+.-]*:[/\\]*)(.*)$/isu.exec(text) ?? [];
  const at = URL.canParse(text) ? /^[^/\\?#]*@/u : /^.*@/su;
  const place = rest.replace(at, '...@');
  const end = place.search(/[?#]/u);
  if (end < 0) return scheme + place;
  return scheme + place.slice(0, end) + (place[end] === '?' ? '?...' : '');
}
