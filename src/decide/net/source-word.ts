import { parseInterfaceName } from './interface-name.ts';
import { show } from './show.ts';

/**
 * One word for a source that is no address: a DNS name, an interface (all that arrives there), an ipset that something else
 * keeps. `text` is the one spelling of it: equal words, equal texts; never a group's name, which has neither dot nor colon.
 */
export type SourceWord = {
  readonly kind: 'name' | 'interface' | 'ipset';
  /** The name, the interface's or the set's. */
  readonly name: string;
  readonly text: string;
};

export type ParsedSourceWord =
  | { readonly ok: true; readonly word: SourceWord }
  | { readonly ok: false; readonly problem: string };

/** RFC 1123: letters, digits, hyphens; `_` is seen in the wild. At least one dot, and no last label of digits. */
const domainName =
  /^(?=.*[a-z])(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?$/u;
/** RFC 1035, 2.3.4, in text. */
const longestName = 253;
/** IPSET_MAXNAMELEN is 32 with the final zero. */
const setName = /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,30}$/u;

/** Whether a name that a label uses is a source word: a group's name has neither dot nor colon. */
export function isSourceWord(name: string): boolean {
  return /[.:]/u.test(name);
}

/** The interface that a source word names; undefined for any other. */
export function interfaceOf(name: string): string | undefined {
  return name.startsWith('interface:') ? name.slice('interface:'.length) : undefined;
}

/** Undefined for text that is none of these and may be something else. */
export function parseSourceWord(text: string): ParsedSourceWord | undefined {
  const [prefix] = text.split(':', 1);
  if (prefix === 'interface' && text.includes(':')) return interfaceWord(text.slice('interface:'.length));
  if (prefix === 'ipset' && text.includes(':')) return setWord(text.slice('ipset:'.length));
  const name = text.toLowerCase().replace(/\.$/u, '');
  if (name.length > longestName || !domainName.test(name) || /(?:^|\.)\d+$/u.test(name)) return undefined;
  return { ok: true, word: { kind: 'name', name, text: name } };
}

function interfaceWord(name: string): ParsedSourceWord {
  const parsed = parseInterfaceName(name);
  return parsed.ok ? { ok: true, word: { kind: 'interface', name, text: `interface:${name}` } } : parsed;
}

function setWord(name: string): ParsedSourceWord {
  if (/^dockwall[46]-/u.test(name))
    return {
      ok: false,
      problem: `${show(name)} is a set of dockwall's own: write the name of the group instead`,
    };
  if (setName.test(name)) return { ok: true, word: { kind: 'ipset', name, text: `ipset:${name}` } };
  return {
    ok: false,
    problem: `${show(name)} is not the name of an ipset: those have up to 31 letters, digits, \`_\`, \`-\`, \`.\` and \`:\`, as \`ipset list -n\` shows them`,
  };
}
