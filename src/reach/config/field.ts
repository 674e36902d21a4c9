import { z } from 'zod';
import { didYouMean } from '../../decide/net/did-you-mean.ts';
import { splitList } from '../../decide/net/list.ts';
import { show } from '../../decide/net/show.ts';
import { isPlainMap } from './plain.ts';

/** What a parser of one value says; `hint` is a `did you mean ...?`. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | Refusal;
export interface Refusal {
  readonly ok: false;
  readonly problem: string;
  readonly hint?: string | undefined;
  /** Where the value is a map and one of its keys is meant: that key, or what it holds. */
  readonly at?: { readonly key: string; readonly part: 'key' | 'value' };
}

/** A schema whose messages are all the parser's own. */
export function field<T>(parse: (input: unknown) => Parsed<T>): z.ZodType<T> {
  return z.unknown().transform((input, context) => {
    const parsed = parse(input);
    if (parsed.ok) return parsed.value;
    context.issues.push({
      code: 'custom',
      message: parsed.problem,
      path: parsed.at === undefined ? [] : [parsed.at.key],
      params: { hint: parsed.hint, part: parsed.at?.part },
      input: parsed.at === undefined ? input : undefined,
    });
    return z.NEVER;
  });
}

/** One text; `wanted` ends the sentence `... is not`: `one of ...`. */
export function textField<T>(wanted: string, parse: (text: string) => Parsed<T>): z.ZodType<T> {
  return field((input) =>
    typeof input === 'string' ? parse(input.trim()) : refuse(`${found(input)} stands where ${wanted} should`),
  );
}

/** One of these words. */
export function choice<const T extends string>(words: readonly T[]): z.ZodType<T> {
  const wanted = `one of ${words.map(show).join(', ')}`;
  return textField(wanted, (text) => {
    const word = words.find((known) => known === text);
    if (word !== undefined) return { ok: true, value: word };
    return refuse(`${found(text)} stands where ${wanted} should`, didYou(didYouMean(text, words)));
  });
}

/** A list, or one text with commas or spaces between the entries, or nothing. */
export function listField<T>(entry: z.ZodType<T>): z.ZodType<T[]> {
  const list = z.array(entry, {
    error: ({ input }) => `${found(input)} stands where a list should`,
  });
  return z.preprocess((input) => (typeof input === 'string' ? splitList(input) : (input ?? [])), list);
}

/** The schema that fits what was written: `z.union` would report the failures of every alternative. */
export function chosenField<T>(choose: (input: unknown) => z.ZodType<T>): z.ZodType<T> {
  return z.unknown().transform((input, context) => {
    const result = choose(input).safeParse(input, { reportInput: true });
    if (result.success) return result.data;
    // With reportInput they have what a raw issue needs.
    context.issues.push(...(result.error.issues as z.core.$ZodRawIssue[]));
    return z.NEVER;
  });
}

/**
 * A map from names to values, sorted by name. Unlike `z.record`, a wrong name does not hide what is wrong
 * with its value, and no name is skipped.
 */
export function mapField<K extends string, V>(
  parseKey: (name: string) => Parsed<K>,
  value: z.ZodType<V>,
): z.ZodType<ReadonlyMap<K, V>> {
  return z.unknown().transform((input, context) => {
    const entries: [K, V][] = [];
    if (!isPlainMap(input)) {
      context.issues.push({
        code: 'custom',
        message: `${found(input)} stands where a map (keys with values) should`,
        input,
      });
      return z.NEVER;
    }
    for (const name of Object.keys(input).toSorted()) {
      const key = parseKey(name);
      const params = { hint: key.ok ? undefined : key.hint, part: 'key' };
      if (!key.ok)
        context.issues.push({ code: 'custom', message: key.problem, path: [name], params, input: name });
      const result = value.safeParse(input[name], { reportInput: true });
      for (const issue of result.error?.issues ?? []) {
        context.issues.push({ ...issue, path: [name, ...issue.path] } as z.core.$ZodRawIssue);
      }
      if (key.ok && result.success) entries.push([key.value, result.data]);
    }
    return new Map(entries);
  });
}

export function refuse(problem: string, hint?: string): Refusal {
  return { ok: false, problem, hint };
}

export function didYou(candidate: string | undefined): string | undefined {
  return candidate === undefined ? undefined : `did you mean ${show(candidate)}?`;
}

/** The start of a sentence about a value of the wrong shape. */
export function found(input: unknown): string {
  if (input === null || input === undefined) return 'nothing';
  if (typeof input === 'string') return show(input);
  return Array.isArray(input) ? 'a list' : 'a map (keys with values)';
}
