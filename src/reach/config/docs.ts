import { z } from 'zod';

/** What the configuration reference says about a key, kept at its schema. */
export interface KeyDocs {
  readonly type: string;
  readonly meaning: string;
}

export const docs = z.registry<KeyDocs>();
