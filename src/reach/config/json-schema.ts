import { z } from 'zod';
import { docs } from './docs.ts';
import { sourceParts } from './peers.ts';
import type { Plain } from './plain.ts';
import { configKeys, configShape, defaults } from './schema.ts';
import { formOf, type JsonSchema } from './written.ts';

/**
 * The JSON Schema of dockwall.yml, for editors: what `docs/dockwall.schema.json` holds. It takes whatever dockwall takes, and refuses most of
 * what dockwall refuses: wrong keys, words and shapes, not an address that does not exist. It is of the values that YAML 1.2 reads.
 */
export function configJsonSchema(): JsonSchema {
  const shape = configShape(undefined);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'dockwall.yml',
    description: 'The configuration of dockwall: docs/configuration.md says more of each key.',
    type: ['object', 'null'],
    properties: Object.fromEntries(configKeys.map((key) => [key, keySchema(shape[key], defaults[key])])),
    additionalProperties: false,
    $defs: { ...sourceParts },
  };
}

/** A key with nothing behind it is a key that is not there. */
function keySchema(field: z.ZodType, usual: Plain): JsonSchema {
  const { description = '', ...value } = schemaOf(field);
  return { description, default: usual, anyOf: [value, { type: 'null' }] };
}

function schemaOf(field: z.ZodType): JsonSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(field, {
    io: 'input',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      const form = formOf(zodSchema);
      if (form !== undefined) {
        for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
        Object.assign(jsonSchema, form(schemaOf));
      }
      const told = docs.get(zodSchema);
      if (told !== undefined) jsonSchema.description = withoutLinks(told.meaning);
    },
  });
  return schema;
}

/** Links of the reference lead nowhere from an editor. */
function withoutLinks(text: string): string {
  return text.replaceAll(/\[([^\]]+)\]\([^)]*\)/gu, '$1');
}
