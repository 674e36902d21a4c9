import type { z } from 'zod';
import { show } from '../../decide/net/show.ts';
import { refuse, textField, type Parsed } from './field.ts';
import type { JsonSchema } from './written.ts';

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of `3s`, `500ms`, `2m`; 0 for `off` or `0`. `least` is the shortest that is not off, `most` the longest. */
export function durationField({
  least,
  most = '24h',
}: {
  readonly least: string;
  readonly most?: string;
}): z.ZodType<number> {
  const shortest = milliseconds(least) ?? 0;
  const longest = milliseconds(most) ?? 0;
  const parse = (text: string): Parsed<number> => {
    if (text === 'off' || text === '0') return { ok: true, value: 0 };
    const value = milliseconds(text);
    if (value === undefined)
      return refuse(
        `${show(text)} is not a time: write a number with \`ms\`, \`s\`, \`m\`, \`h\` or \`d\`, such as \`3s\`, or \`off\``,
      );
    if (value < shortest || value > longest)
      return refuse(`${show(text)} is not from ${show(least)} to ${show(most)}; \`off\` switches it off`);
    return { ok: true, value };
  };
  const off: JsonSchema = { enum: ['off', '0', 0] };
  return textField('a time such as `3s`', parse, { anyOf: [off, timeWritten] });
}

/** For an editor: a time. */
export const timeWritten: JsonSchema = { type: 'string', pattern: '^[0-9]{1,9}\\s?(?:ms|s|m|h|d)$' };

/** Undefined for what is not a time. */
export function milliseconds(text: string): number | undefined {
  const [, digits = '', unit = ''] = /^(\d{1,9})\s?(ms|s|m|h|d)$/u.exec(text) ?? [];
  const factor = units[unit];
  return factor === undefined ? undefined : Number(digits) * factor;
}
