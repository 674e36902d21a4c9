import { show } from '../../decide/net/show.ts';

/** One thing in a list that should be networks. */
export interface Entry {
  readonly text: string;
  /** `line 12`, `entry 3`. */
  readonly where: string;
}

type Found =
  | { readonly ok: true; readonly entries: readonly Entry[] }
  | { readonly ok: false; readonly reason: string };

/**
 * The texts at a path in JSON. Entries of a list (`*`) that lack the next key are passed over, for lists that mix kinds (Google's has
 * `ipv4Prefix` in some entries and `ipv6Prefix` in others); but some must have it.
 */
export function findInJson(text: string, path: readonly string[]): Found {
  let values: readonly unknown[];
  try {
    values = [JSON.parse(text)];
  } catch {
    return { ok: false, reason: 'it is not JSON' };
  }
  for (const [depth, key] of path.entries()) {
    const next = values.flatMap((value) => step(value, key));
    if (next.length === 0 && !(key === '*' && values.some(isEmptyList))) {
      const where = path.slice(0, depth + 1).join('.');
      return { ok: false, reason: `its JSON has nothing at ${show(where)}` };
    }
    values = next;
  }
  const leaves = values.flatMap((value): readonly unknown[] => (Array.isArray(value) ? value : [value]));
  const wrong = leaves.findIndex((leaf) => typeof leaf !== 'string');
  const place = path.length === 0 ? 'at its root' : `at ${show(path.join('.'))}`;
  if (wrong >= 0) return { ok: false, reason: `entry ${wrong + 1} ${place} in its JSON is not a text` };
  return {
    ok: true,
    entries: leaves.map((leaf, index) => ({ text: String(leaf), where: `entry ${index + 1} ${place}` })),
  };
}

function step(value: unknown, key: string): readonly unknown[] {
  if (key === '*') return Array.isArray(value) ? value : [];
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return [];
  return [(value as Record<string, unknown>)[key]];
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
