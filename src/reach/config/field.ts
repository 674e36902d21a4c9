import { z } from 'zod';
import { didYouMean } from '../../decide/net/did-you-mean.ts';
import { splitList } from '../../decide/net/list.ts';
import { show } from '../../decide/net/show.ts';
import { isPlainMap } from './plain.ts';
import { type JsonSchema, oneValue, writtenAs } from './written.ts';

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

/** One text; `wanted` ends the sentence `... is not`: `one of ...`. `as`: what an editor may know of it. */
export function textField<T>(
  wanted: string,
  parse: (text: string) => Parsed<T>,
  as: JsonSchema = oneValue,
): z.ZodType<T> {
  const read = field((input) =>
    typeof input === 'string' ? parse(input.trim()) : refuse(`${found(input)} stands where ${wanted} should`),
  );
  return writtenAs(read, () => as);
}

/** One of these words. */
export function choice<const T extends string>(words: readonly T[]): z.ZodType<T> {
  const wanted = `one of ${words.map(show).join(', ')}`;
  const parse = (text: string): Parsed<T> => {
    const word = words.find((known) => known === text);
    if (word !== undefined) return { ok: true, value: word };
    return refuse(`${found(text)} stands where ${wanted} should`, didYou(didYouMean(text, words)));
  };
  return textField(wanted, parse, { enum: [...words] });
}

/** A list, or one text with commas or spaces between the entries, or nothing. */
export function listField<T>(entry: z.ZodType<T>): z.ZodType<T[]> {
  const list = z.array(entry, {
    error: ({ input }) => `${found(input)} stands where a list should`,
  });
  const oneText: JsonSchema = { type: ['string', 'number', 'boolean', 'null'] };
  return writtenAs(
    z.preprocess((input) => (typeof input === 'string' ? splitList(input) : (input ?? [])), list),
    (of) => ({ anyOf: [{ type: 'array', items: of(entry) }, oneText] }),
  );
}

/** One field for a map, and another for whatever else was written: `z.union` would report the failures of both. */
export function mapOrField<T>(map: z.ZodType<T>, other: z.ZodType<T>): z.ZodType<T> {
  const chosen = z.unknown().transform((input, context) => {
    const result = (isPlainMap(input) ? map : other).safeParse(input, { reportInput: true });
    if (result.success) return result.data;
    // With reportInput they have what a raw issue needs.
    context.issues.push(...(result.error.issues as z.core.$ZodRawIssue[]));
    return z.NEVER;
  });
  return writtenAs(chosen, (of) => ({ anyOf: [of(other), of(map)] }));
}

/**
 * A map from names to values, sorted by name. Unlike `z.record`, a wrong name does not hide what is wrong
 * with its value, and no name is skipped. `names`: what an editor may know of the names.
 */
export function mapField<K extends string, V>(
  parseKey: (name: string) => Parsed<K>,
  value: z.ZodType<V>,
  names: JsonSchema,
): z.ZodType<ReadonlyMap<K, V>> {
  const map = z.unknown().transform((input, context) => {
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
  return writtenAs(map, (of) => ({
    type: 'object',
    propertyNames: names,
    additionalProperties: of(value),
  }));
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
