import { describe, expect, it } from 'vitest';
import { setChanges } from '../../../src/decide/diff/diff.ts';
import type { Decided } from '../../../src/decide/pass/decide.ts';
import { limits } from '../../../src/decide/policy/limits.ts';
import type { Table } from '../../../src/decide/wall/model.ts';
import { renderSets } from '../../../src/reach/kernel/ipset/render.ts';
import { decideOn, dimensions } from './heavy.ts';

// What a pass costs when somebody asks for a hundred times as much: no rule of the gate and no set more, and no more writes than a hundred times
// as many. The time that it takes is a ratio of `npm run bench`.

function rulesIn(tables: readonly Table[] | 'keep'): number {
  if (tables === 'keep') return 0;
  return tables.reduce(
    (sum, { chains }) => sum + chains.reduce((all, { rules }) => all + rules.length, 0),
    0,
  );
}

const costOf = ({
  policy,
  ruleset,
  plan,
}: Decided): Readonly<Record<'pieces' | 'gate' | 'front' | 'sets' | 'bytes', number>> => ({
  pieces: policy.services.reduce((sum, { ports }) => sum + ports.length, 0),
  gate: rulesIn(ruleset.gate),
  front: rulesIn(ruleset.front),
  sets: ruleset.sets.length,
  bytes: renderSets(setChanges(plan)).length,
});

/** Docker's bridges are named one by one, in each chain that asks where a packet comes from. */
const rulesPerNetwork = 5 * 2;
/** The first wide container brings these, for one protocol of both families: published (denied, looked at, closed), public, to the group. */
const wide = { gate: 5 * 2, sets: 3 * 2 };

describe('a hundred times as much', () => {
  it.each(Object.entries(dimensions))('%s', (name, { n, make }) => {
    const few = costOf(decideOn(make(n)));
    const many = costOf(decideOn(make(100 * n)));
    expect(many.pieces).toBeLessThanOrEqual(100 * few.pieces);
    const isNetworks = name === 'networks';
    expect(many.gate).toBeLessThanOrEqual(few.gate + (isNetworks ? 99 * n * rulesPerNetwork : wide.gate));
    expect(many.sets).toBeLessThanOrEqual(few.sets + wide.sets);
    const containers = name === 'containers' ? 100 * n : 1;
    expect(many.front).toBeLessThanOrEqual(few.front + 2 * limits.frontRules * containers + 99 * n * 2);
    expect(many.bytes).toBeLessThanOrEqual(120 * few.bytes);
  });
});
