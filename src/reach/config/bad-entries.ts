import { splitList } from '../../decide/net/list.ts';
import { isPlainMap, type Plain } from './plain.ts';
import type { Path } from './problem.ts';
import type { ConfigKey } from './schema.ts';

interface Entry {
  readonly key: ConfigKey;
  readonly value: Plain;
}

/**
 * A value without the entries of its lists that these issues are about; undefined where an issue is about something else, or the entry
 * must not be missed: without an interface nothing there would be guarded, and who writes `any` in `deny` means everybody.
 */
export function withoutBadEntries(
  { key, value }: Entry,
  issues: readonly { readonly path: readonly PropertyKey[] }[],
): Plain | undefined {
  if (key === 'interfaces') return undefined;
  const paths = issues.map(({ path }) => path as Path);
  const ends = paths.map((path) => path.findIndex((step) => typeof step === 'number'));
  if (ends.includes(-1)) return undefined;
  // Once each, the last ones first, so that the places of the others stay.
  const entries = new Map(
    paths.map((path, at) => [
      JSON.stringify(path.slice(0, (ends[at] ?? 0) + 1)),
      path.slice(0, (ends[at] ?? 0) + 1),
    ]),
  );
  const sorted = [...entries.values()].toSorted((a, b) => Number(b.at(-1)) - Number(a.at(-1)));
  if (key === 'deny' && sorted.some((path) => isAny(entryAt(value, path)))) return undefined;
  return sorted.reduce<Plain | undefined>(
    (left, path) => (left === undefined ? undefined : without(left, path)),
    value,
  );
}

function isAny(entry: Plain | undefined): boolean {
  return typeof entry === 'string' && entry.trim().toLowerCase() === 'any';
}

function entryAt(value: Plain, [step, ...more]: Path): Plain | undefined {
  if (step === undefined) return value;
  const inside =
    typeof step === 'number' ? listOf(value)?.[step] : isPlainMap(value) ? value[step] : undefined;
  return inside === undefined ? undefined : entryAt(inside, more);
}

function without(value: Plain, [step, ...more]: Path): Plain | undefined {
  if (typeof step === 'number') return listOf(value)?.filter((_, index) => index !== step);
  if (step === undefined || !isPlainMap(value)) return undefined;
  const inside = value[step];
  const left = inside === undefined ? undefined : without(inside, more);
  return left === undefined ? undefined : { ...value, [step]: left };
}

/** One text may be a list. */
function listOf(value: Plain): readonly Plain[] | undefined {
  if (typeof value === 'string') return splitList(value);
  return Array.isArray(value) ? (value as readonly Plain[]) : undefined;
}
