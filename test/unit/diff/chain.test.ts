import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffChain } from '../../../src/decide/diff/chain.ts';
import type { ObservedRule, RuleChange } from '../../../src/decide/diff/model.ts';
import type { Rule, RuleId } from '../../../src/decide/wall/model.ts';

const desired = (id: string): Rule => ({ id: id as RuleId, matches: [], target: { kind: 'drop' }, note: id });
const observed = (id: string | undefined): ObservedRule => ({ id, spec: `spec of ${id}`, target: 'DROP' });

/** What a kernel does with the operations, one after the other. */
function run(
  start: readonly (string | undefined)[],
  changes: readonly RuleChange[],
): readonly (string | undefined)[] {
  const rules = [...start];
  for (const change of changes) {
    if (change.kind === 'delete-rule') rules.splice(change.position - 1, 1);
    if (change.kind === 'insert-rule') rules.splice(change.position - 1, 0, change.rule.id);
  }
  return rules;
}

describe('diffChain', () => {
  const ids = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { maxLength: 12 });

  it('turns any chain into any other, foreign rules in it included', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.constantFrom('a', 'b', 'c', 'd'), { nil: undefined })),
        ids,
        (from, to) => {
          const { deletions, insertions } = diffChain('X', to.map(desired), from.map(observed));
          expect(run(from, [...deletions, ...insertions])).toEqual(to);
        },
      ),
    );
  });

  it('touches nothing where nothing differs, and only what differs elsewhere', () => {
    const rules = ['a', 'b', 'c', 'd'];
    const same = diffChain('X', rules.map(desired), rules.map(observed));
    expect(same).toEqual({ deletions: [], insertions: [] });
    const one = diffChain('X', ['a', 'b', 'x', 'c', 'd'].map(desired), rules.map(observed));
    expect(one.deletions).toEqual([]);
    expect(one.insertions).toMatchObject([{ position: 3, rule: { id: 'x' } }]);
  });

  it('deletes from the bottom up and inserts from the top down', () => {
    const { deletions, insertions } = diffChain('X', ['p', 'q'].map(desired), ['a', 'b'].map(observed));
    expect(deletions).toMatchObject([{ position: 2 }, { position: 1 }]);
    expect(insertions).toMatchObject([{ position: 1 }, { position: 2 }]);
  });
});
