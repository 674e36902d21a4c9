import { describe, expect, test } from 'vitest';
import { fit, fitList } from '../../../src/faces/web/fit.ts';

const place = { width: 100, size: 10 };

describe('text in the picture', () => {
  test.each([
    ['wiki', 'wiki'],
    ['a-service-with-a-long-name', 'a-service-with-…'],
    ['x'.repeat(10_000), `${'x'.repeat(15)}…`],
    ['開発環境のデータベースサーバー', '開発環境のデータ…'],
    ['a\u202Eb', String.raw`a\u{202e}b`],
    ['', ''],
  ])('%s', (text, fitted) => {
    expect(fit(text, place)).toBe(fitted);
  });

  test('in a fixed width', () => {
    expect(fit('0123456789ABCDEF', { ...place, mono: true })).toBe('0123456789ABCDEF');
    expect(fit('0123456789ABCDEFG', { ...place, mono: true })).toBe('0123456789ABCDE…');
  });

  test.each([
    [['office'], 'office'],
    [['office', 'family'], 'office, family'],
    [['office', 'family', 'monitoring'], 'office, family +1'],
    [['office', 'a-long-group-name', 'monitoring'], 'office +2'],
    [['a-group-with-a-long-name', 'office'], 'a-group-with-a-…'],
    [Array.from({ length: 1000 }, (_, index) => `g${index}`), 'g0, g1, g2, g3 +996'],
    [[], ''],
  ])('a list as far as it fits: %#', (words, fitted) => {
    expect(fitList(words, place)).toBe(fitted);
  });
});
