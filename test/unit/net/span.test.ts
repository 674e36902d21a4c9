import { expect, it } from 'vitest';
import { agoText, roughSpan, spanText } from '../../../src/decide/net/span.ts';

it.each([
  [0, '0 s', '0 s', 'now'],
  [40, '40 s', '40 s', '40 s ago'],
  [3900, '1 h 5 min', '1 h', '1 h ago'],
  [3605, '1 h', '1 h', '1 h ago'],
  [100_000, '1 d 3 h', '27 h', '27 h ago'],
  [266_400, '3 d 2 h', '3 d', '3 d ago'],
])('%i seconds are %s, or roughly %s', (seconds, whole, rough, ago) => {
  expect([spanText(seconds), roughSpan(seconds), agoText(seconds)]).toEqual([whole, rough, ago]);
});
