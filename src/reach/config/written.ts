import type { z } from 'zod';

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** `of` gives the same of another field, such as the entry of a list. */
type Form = (of: (field: z.ZodType) => JsonSchema) => JsonSchema;

const forms = new WeakMap<z.core.$ZodType, Form>();

/**
 * Says how a field is written in YAML, as JSON Schema, and gives the field back. Zod cannot tell: our fields take whatever stands there and read
 * its text.
 */
export function writtenAs<S extends z.core.$ZodType>(field: S, form: Form): S {
  forms.set(field, form);
  return field;
}

/** What was said of a field, or undefined. */
export function formOf(field: z.core.$ZodType): Form | undefined {
  return forms.get(field);
}

/** Any one value: to an editor `8080` is a number and `true` a boolean, to us both are text. */
export const oneValue: JsonSchema = { type: ['string', 'number', 'boolean'] };

/** `yes` or `no`, in each way in which YAML has written them. */
export const yesOrNo: JsonSchema = { enum: [true, false, 'yes', 'no', 'true', 'false'] };
