import { expect, test } from 'vitest';
import { didYouMean } from '../../../src/decide/net/did-you-mean.ts';
import { splitList } from '../../../src/decide/net/list.ts';
import { show } from '../../../src/decide/net/show.ts';

test.each([
  ['a,b', ['a', 'b']],
  [' a , b\tc\n', ['a', 'b', 'c']],
  [',,', []],
  ['', []],
])('splitList(%j)', (text, entries) => {
  expect(splitList(text)).toEqual(entries);
});

test.each([
  ['offce', 'office'],
  ['Office', 'office'],
  ['wep', 'web'],
  ['wbe', 'web'],
  ['ewbs', undefined],
  ['xyz', undefined],
  ['partner', 'partners'],
  ['o'.repeat(41), undefined],
  ['', undefined],
])('didYouMean(%j) is %j', (written, candidate) => {
  expect(didYouMean(written, ['web', 'office', 'partners'])).toBe(candidate);
});

test.each([
  ['plain', '`plain`'],
  ['a\nb\tc\rd', '`a\\nb\\tc\\rd`'],
  ['\u001b[31m\u202e', '`\\u{1b}[31m\\u{202e}`'],
  ['\ud800', '`\\u{fffd}`'],
  ['ü', '`ü`'],
  ['x'.repeat(61), `\`${'x'.repeat(57)}...\``],
])('show(%j)', (text, shown) => {
  expect(show(text)).toBe(shown);
});
