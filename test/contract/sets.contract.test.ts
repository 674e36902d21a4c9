import { expect, test } from 'vitest';
import type { ObservedSet } from '../../src/decide/diff/model.ts';
import { onEachKernel } from './on-each-kernel.ts';
import { createSets, nothing, bootstrapGate, sampleSets, setName } from './samples.ts';

onEachKernel(({ subject }) => {
  test('members run out, unless they are added for good', async () => {
    const it = subject();
    const src = setName(4, 'src');
    await it.kernel.apply({ ...nothing, sets: createSets(sampleSets(4)) });
    const soon = ['192.0.2.1', '192.0.2.2'].map(
      (member) => ({ kind: 'add-member', set: src, member, seconds: 2 }) as const,
    );
    await it.kernel.apply({ ...nothing, sets: soon });
    await it.restoreSets(`add ${src} 192.0.2.3 timeout 600\n`);
    const seen = async (): Promise<ReadonlyMap<string, number>> =>
      (await it.kernel.observe()).sets.find(({ name }) => name === src)?.members ?? new Map<string, number>();
    expect((await seen()).get('192.0.2.3')).toBeGreaterThan(590);
    expect((await seen()).get('203.0.113.7')).toBe(0);
    await it.kernel.apply({ ...nothing, sets: [{ kind: 'add-member', set: src, member: '192.0.2.1' }] });
    expect((await seen()).get('192.0.2.1')).toBe(0);
    await it.world.advance(3);
    expect([...(await seen()).keys()].toSorted()).toEqual([
      '192.0.2.1',
      '192.0.2.3',
      '198.51.100.0/24',
      '203.0.113.7',
    ]);
    // Gone meanwhile, and there already: both are as wanted.
    await it.kernel.apply({
      ...nothing,
      sets: [
        { kind: 'delete-member', set: src, member: '192.0.2.2' },
        { kind: 'add-member', set: src, member: '192.0.2.1' },
        { kind: 'delete-member', set: src, member: '192.0.2.3' },
      ],
    });
    expect([...(await seen()).keys()].toSorted()).toEqual(['192.0.2.1', '198.51.100.0/24', '203.0.113.7']);
  });

  test('a set of another shape can be discarded, one that a rule uses cannot', async () => {
    const it = subject();
    const [src] = sampleSets(4);
    if (src === undefined) throw new Error('no sample');
    const shape = async (): Promise<unknown> => {
      const [{ type, expiring } = {}] = (await it.kernel.observe()).sets as readonly Partial<ObservedSet>[];
      return { type, expiring };
    };
    await it.restoreSets(
      `create ${src.name} hash:net family inet timeout 300\nadd ${src.name} 192.0.2.0/24\n`,
    );
    expect(await shape()).toEqual({ type: 'hash:net timeout 300', expiring: false });
    const recreate = [{ kind: 'discard-set', name: src.name } as const, ...createSets([src])];
    await expect(it.kernel.apply({ ...nothing, sets: createSets([src]) })).rejects.toMatchObject({
      code: 'rejected',
    });
    await it.kernel.apply({ ...nothing, sets: recreate });
    expect(await shape()).toEqual({ type: 'hash:net', expiring: true });

    await it.kernel.apply({
      ...nothing,
      sets: createSets(sampleSets(4)),
      tables: [bootstrapGate(it.side(4))],
    });
    await expect(it.kernel.apply({ ...nothing, destroy: [src.name] })).rejects.toMatchObject({
      code: 'rejected',
    });
    await expect(it.kernel.apply({ ...nothing, sets: recreate })).rejects.toMatchObject({
      code: 'rejected',
    });
    expect((await it.kernel.observe()).sets).toHaveLength(3);
  });
});
