import { createHash } from 'node:crypto';

/** An id for an element, the same at every look. A name may be any text, and an id is part of addresses and selectors. */
export function anchor(prefix: string, name: string): string {
  return `${prefix}-${createHash('sha256').update(name).digest('hex').slice(0, 10)}`;
}
