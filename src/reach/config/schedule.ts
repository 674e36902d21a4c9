import { validate } from 'node-cron';
import type { z } from 'zod';
import { show } from '../../decide/net/show.ts';
import { docs } from './docs.ts';
import { refuse, textField, type Parsed } from './field.ts';

/** For an editor: five or six words. */
const fieldsWritten = { type: 'string', pattern: '^\\s*\\S+(?:\\s+\\S+){4,5}\\s*$' } as const;

/** A cron expression of five or six fields (the sixth, in front, is seconds). */
export function scheduleField(): z.ZodType<string> {
  return textField('a cron expression', parseSchedule, fieldsWritten).register(docs, {
    type: 'cron expression',
    meaning: "When the rules are checked besides Docker's events: five fields, or six with seconds in front.",
  });
}

function parseSchedule(text: string): Parsed<string> {
  const fields = text.split(/\s+/u);
  const example = '`*/30 * * * * *` is every 30 seconds, `*/5 * * * *` every five minutes';
  // node-cron also takes `@hourly` and the like; here every expression has its fields.
  if (fields.length < 5 || fields.length > 6 || text === '') {
    return refuse(
      `${show(text)} is not a schedule: write five cron fields, or six with seconds in front; ${example}`,
    );
  }
  const schedule = fields.join(' ');
  return validate(schedule)
    ? { ok: true, value: schedule }
    : refuse(`${show(text)} is not a schedule that cron understands: ${example}`);
}
