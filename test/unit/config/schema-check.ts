import { type Schema, Validator } from '@cfworker/json-schema';
import { parse } from 'yaml';
import { configJsonSchema } from '../../../src/reach/config/json-schema.ts';

const validator = new Validator(configJsonSchema() as Schema, '2020-12', false);

/** What an editor would underline in this YAML text. */
export function schemaErrors(text: string): readonly string[] {
  const { errors } = validator.validate(parse(text, { logLevel: 'silent' }));
  return errors.map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`);
}

/** Whether the JSON Schema takes this YAML text. */
export function takes(text: string): boolean {
  return schemaErrors(text).length === 0;
}
