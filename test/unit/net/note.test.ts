import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { cleanNote } from '../../../src/decide/net/note.ts';

test.each([
  ['Ana, on call', 'Ana, on call'],
  ['  two\nlines\t ', 'two lines'],
  ['say "yes"', "say 'yes'"],
  [String.raw`a\b`, 'a/b'],
  ['José 🦊', 'José 🦊'],
  ['\u0000\u202e', ''],
  ['ü'.repeat(200), 'ü'.repeat(127)],
])('%j', (written, kept) => {
  expect(cleanNote(written)).toBe(kept);
});

test('any text is one line of at most 255 bytes, and clean already', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
      const note = cleanNote(text);
      expect(note).not.toMatch(/["\\\p{Cc}]/u);
      expect(Buffer.byteLength(note)).toBeLessThanOrEqual(255);
      expect(cleanNote(note)).toBe(note);
    }),
  );
});
