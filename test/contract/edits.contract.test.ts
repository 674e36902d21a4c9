import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RuleChange } from '../../src/decide/diff/model.ts';
import { families } from '../../src/decide/net/network.ts';
import type { Rule } from '../../src/decide/wall/model.ts';
import { onEachKernel } from './on-each-kernel.ts';
import { createChain, gate, inTable, nothing, rule } from './samples.ts';

onEachKernel(({ subject }) => {
  test('the jump goes back to the first place of a chain with foreign rules, which stay as they are', async () => {
    const it = subject();
    const foreign =
      '-A DOCKER -s 192.0.2.1/32 -m comment --comment "not \\"ours\\"" -j ACCEPT\n-A DOCKER -d 172.18.0.2/32 -p tcp -m tcp --dport 80 -j ACCEPT\n';
    for (const family of families) {
      const text = family === 4 ? foreign : '-A DOCKER -s 2001:db8::1/128 -j ACCEPT\n';
      await it.restore(family, `*filter\n:DOCKER - [0:0]\n${text}COMMIT\n`);
      const before = await it.save(family);
      const hook: RuleChange = {
        kind: 'hook',
        chain: 'DOCKER',
        rule: rule('front', [], { target: { kind: 'jump', chain: gate } }),
      };
      await it.kernel.apply({
        ...nothing,
        tables: [inTable(it.side(family), [...createChain(gate, [rule('a')]), hook], 'filter')],
      });
      await it.restore(family, '*filter\n-I DOCKER 1 -j ACCEPT\nCOMMIT\n');
      expect(await it.ids(family, 'DOCKER', 'filter')).toEqual([
        undefined,
        'front',
        ...text
          .trim()
          .split('\n')
          .map(() => undefined),
      ]);

      const spec = (await it.table(family, 'filter'))?.chains.get('DOCKER')?.[1]?.spec ?? '';
      const unhook: RuleChange = { kind: 'unhook', chain: 'DOCKER', spec };
      await it.kernel.apply({ ...nothing, tables: [inTable(it.side(family), [unhook, hook], 'filter')] });
      expect((await it.ids(family, 'DOCKER', 'filter'))[0]).toBe('front');

      await it.restore(family, '*filter\n-D DOCKER -j ACCEPT\nCOMMIT\n');
      await it.kernel.apply({
        ...nothing,
        tables: [inTable(it.side(family), [unhook, { kind: 'delete-chain', chain: gate }], 'filter')],
      });
      expect(await it.save(family)).toEqual(before);
    }
  });

  test('any edits of a chain end as the model says', async () => {
    const it = subject();
    await it.kernel.apply({
      ...nothing,
      tables: [inTable(it.side(4), [{ kind: 'create-chain', chain: gate }])],
    });
    const edit = fc.record({ at: fc.nat(1000), insert: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.nat(8), fc.array(edit, { maxLength: 14 }), async (length, edits) => {
        const start = Array.from({ length }, (_, index) => rule(`s${index}`));
        const { changes, result } = chainEdits(start, edits);
        await it.kernel.apply({ ...nothing, tables: [inTable(it.side(4), createChain(gate, start))] });
        if (changes.length > 0) await it.kernel.apply({ ...nothing, tables: [inTable(it.side(4), changes)] });
        expect(await it.ids(4, gate)).toEqual(result.map(({ id }) => id));
      }),
      { numRuns: runs },
    );
  });

  test('no note becomes anything but a note', async () => {
    const it = subject();
    const notes = fc.array(fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), hostile), {
      minLength: 20,
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(notes, async (notes) => {
        const rules = notes.map((note, index) =>
          rule(`n${index}`, [{ kind: 'port', protocol: 'tcp', port: 1 + index }], {
            note,
            target: { kind: 'drop' },
          }),
        );
        await it.kernel.apply({ ...nothing, tables: [inTable(it.side(4), createChain(gate, rules))] });
        const observed = await it.kernel.observe();
        const seen = observed.tables.flatMap(({ chains }) =>
          [...chains].flatMap(([chain, rules]) => rules.map(({ id, target }) => ({ chain, id, target }))),
        );
        expect(seen).toEqual(rules.map(({ id }) => ({ chain: gate, id, target: 'DROP' })));
      }),
      { numRuns: Math.ceil(runs / 3) },
    );
  });
});

/** Property runs on the real kernel cost about 30 ms each. */
const runs = Number(process.env['DOCKWALL_CONTRACT_RUNS'] ?? 25);

const hostile = fc.constantFrom(
  '" -j ACCEPT',
  String.raw`\" -j ACCEPT`,
  "' -j ACCEPT",
  '\nCOMMIT\n*filter\n-F\nCOMMIT\n',
  '\r\n-A PREROUTING -j ACCEPT',
  '\0-j ACCEPT',
  '$(touch /x) `touch /x` ; touch /x',
  '--comment x -j ACCEPT',
  '-j',
  '" --comment "dockwall:other',
  'x'.repeat(12_000),
  '\u2028-A PREROUTING -j ACCEPT',
  String.raw`\\`.repeat(100),
);

/** Random edits in the form that a diff may emit: what was there at the start may be deleted, anything inserted. */
function chainEdits(
  start: readonly Rule[],
  edits: readonly { readonly at: number; readonly insert: boolean }[],
): { readonly changes: readonly RuleChange[]; readonly result: readonly Rule[] } {
  const result = [...start];
  const changes = edits.flatMap(({ at, insert }, index): RuleChange[] => {
    if (insert) {
      const position = (at % (result.length + 1)) + 1;
      const added = rule(`e${index}`);
      result.splice(position - 1, 0, added);
      return [{ kind: 'insert-rule', chain: gate, position, rule: added }];
    }
    const deletable = result.flatMap((one, i) => (start.includes(one) ? [i] : []));
    const gone = deletable[at % deletable.length];
    if (gone === undefined) return [];
    result.splice(gone, 1);
    return [{ kind: 'delete-rule', chain: gate, position: gone + 1, spec: '' }];
  });
  return { changes, result };
}
