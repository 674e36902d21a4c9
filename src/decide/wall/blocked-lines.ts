import type { Family } from '../net/network.ts';
import { pairNotIn } from './matches.ts';
import type { Match, Target } from './model.ts';
import { setName } from './names.ts';
import type { Line } from './rule.ts';
import { rememberedFor } from './sets.ts';

/**
 * Remembers who is turned away, as (source, port asked for). In two sets, since an entry that is added again for its time begins
 * to count anew (ip_set_hash_gen.h, overwrite_extensions). A full set lets an entry go for a new one, so a flood costs memory
 * that is known beforehand.
 */
export function rememberLines(
  family: Family,
  { first, last }: { readonly first: string; readonly last: string },
  which: readonly Match[] = [],
): readonly Line[] {
  const remember = (role: string, renew: boolean): Target => ({
    kind: 'remember-asker',
    set: setName(family, role),
    seconds: rememberedFor,
    renew,
  });
  return [
    [[...which, pairNotIn(setName(family, first))], remember(first, false), 'turned away, counted'],
    [which, remember(last, true), 'turned away last'],
  ];
}
