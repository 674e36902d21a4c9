import { z } from 'zod';
import { show } from '../../decide/net/show.ts';
import { type Match, type MatchKey, matchKeys } from '../../decide/policy/config.ts';
import { field, found, refuse, type Parsed } from './field.ts';
import { oneValue, writtenAs } from './written.ts';

/** `match:` of an entry. No pattern is ever left out because it is wrong: the entry would speak for more containers. */
export function matchField(): z.ZodType<Match> {
  const patterns = z.strictObject(
    {
      name: patternsField('name'),
      image: patternsField('image'),
      project: patternsField('project'),
      network: patternsField('network'),
      label: patternsField('label'),
    } satisfies Record<MatchKey, z.ZodType>,
    {
      error: ({ code, input }) =>
        code === 'invalid_type'
          ? `${found(input)} stands where conditions should, such as \`match: {name: "game-*"}\``
          : undefined,
    },
  );
  const some = patterns.partial().transform((match, context): Match => {
    if (Object.keys(match).length > 0 || context.issues.length > 0) return match;
    const message = `nothing is asked of a container here: name at least one of ${matchKeys.join(', ')}`;
    context.issues.push({ code: 'custom', message, input: match });
    return z.NEVER;
  });
  return writtenAs(some, (of) => ({ ...of(patterns.partial()), minProperties: 1 }));
}

function patternsField(key: MatchKey): z.ZodType<readonly string[]> {
  const read = field((input) => {
    const list: unknown = typeof input === 'string' ? [input] : input;
    if (!Array.isArray(list) || !list.every((one) => typeof one === 'string'))
      return refuse(`${found(input)} stands where a text, or a list of texts, should`);
    if (list.length === 0) return refuse('an empty list asks nothing: leave the key out');
    return parsePatterns(
      key,
      list.map((text) => text.trim()),
    );
  });
  return writtenAs(read, () => ({ anyOf: [oneValue, { type: 'array', items: oneValue, minItems: 1 }] }));
}

function parsePatterns(key: MatchKey, patterns: readonly string[]): Parsed<readonly string[]> {
  if (patterns.includes('')) return refuse('there is nothing between the quotes');
  const wild = key === 'label' ? patterns.find((text) => /^[^=]*\*/u.test(text)) : undefined;
  return wild === undefined
    ? { ok: true, value: patterns }
    : refuse(`${show(wild)}: \`*\` may stand in the value of a label, not in its name`);
}
