import { expect, test } from 'vitest';
import { diff, isEmpty } from '../../src/decide/diff/diff.ts';
import type { Observed, RuleChange } from '../../src/decide/diff/model.ts';
import { families } from '../../src/decide/net/network.ts';
import type { Ruleset } from '../../src/decide/wall/model.ts';
import { programOf } from '../../src/reach/kernel/backend.ts';
import { KernelError } from '../../src/reach/kernel/command.ts';
import { onEachKernel } from './on-each-kernel.ts';
import {
  createChain,
  createSets,
  gate,
  gateHook,
  inTable,
  nothing,
  pass,
  rule,
  sampleGate,
  sampleSets,
  setName,
} from './samples.ts';

onEachKernel(({ subject, backend, kind }) => {
  test('an empty kernel is seen empty, and stays so', async () => {
    const it = subject();
    const expected: Observed = { backends: ['nft'], families: [4, 6], tables: [], sets: [], foreign: [] };
    expect(await it.kernel.observe()).toEqual(expected);
    expect(await it.world.readFile('/proc/net/ip_tables_names')).toBe('');
    expect(await it.world.readFile('/proc/net/ip6_tables_names')).toBe('');
    expect(await it.kernel.observe()).toEqual(expected);
  });

  test('what is written is seen again, with the same ids, in both families', async () => {
    const it = subject();
    await it.raise();
    const observed = await it.kernel.observe();
    expect(observed.backends).toEqual(backend === 'nft' ? ['nft'] : ['nft', 'legacy']);
    for (const family of families) {
      for (const { name, rules } of sampleGate(family)) {
        expect(await it.ids(family, name)).toEqual(rules.map(({ id }) => id));
      }
      expect(await it.ids(family, 'PREROUTING')).toEqual(['hook']);
      for (const { name, type, expiring, members } of sampleSets(family)) {
        const seen = observed.sets.find((set) => set.name === name);
        expect({ ...seen, members: [...(seen?.members.keys() ?? [])].toSorted() }).toEqual({
          name,
          type,
          family,
          expiring,
          members,
        });
      }
    }
  });

  test('a ruleset that stands leaves nothing to do', async () => {
    const it = subject();
    const ruleset: Ruleset = {
      sets: families.flatMap(sampleSets),
      gate: families.map((family) => ({
        family,
        table: 'mangle',
        chains: sampleGate(family),
        hooks: [{ chain: 'PREROUTING', rule: gateHook }],
      })),
      front: 'keep',
      lock: 'keep',
      boot: 'keep',
    };
    if (backend === 'legacy')
      await it.restore(4, '*mangle\n:DOCKWALL-OLD - [0:0]\n-A PREROUTING -j DOCKWALL-OLD\nCOMMIT\n');
    if (backend === 'legacy')
      await it.restore(6, '*mangle\n:DOCKWALL-OLD - [0:0]\n-A PREROUTING -j DOCKWALL-OLD\nCOMMIT\n');
    await it.kernel.apply(diff(ruleset, await it.kernel.observe()));
    expect(await it.ids(6, gate)).toHaveLength(12);
    const again = diff(ruleset, await it.kernel.observe());
    expect(again).toEqual(nothing);
    expect(isEmpty(again)).toBe(true);
  });

  test('the number of processes does not depend on the number of rules', async () => {
    const it = subject();
    await it.kernel.apply(nothing);
    expect(it.world.log).toEqual([]);
    await it.raise();
    const many = Array.from({ length: 300 }, (_, index) =>
      rule(`m${index}`, [{ kind: 'original-port', port: index + 1 }]),
    );
    const members = Array.from({ length: 5000 }, (_, index) => `10.${index >> 8}.${index & 255}.0/24`);
    it.world.log.length = 0;
    await it.kernel.apply({
      sets: members.map((member) => ({ kind: 'add-member', set: setName(4, 'src'), member })),
      tables: [
        inTable(it.side(4), createChain('DOCKWALL-MANY', many)),
        inTable(it.side(4), createChain('DOCKWALL-SERVICES', many), 'filter'),
      ],
      destroy: [],
    });
    expect(it.world.log.map(({ program }) => program)).toEqual(['ipset', programOf(it.side(4), 'restore')]);
    it.world.log.length = 0;
    expect(await it.ids(4, 'DOCKWALL-MANY')).toEqual(many.map(({ id }) => id));
    expect(it.world.log).toHaveLength(backend === 'nft' ? 3 : 5);
  });

  test('taking everything away leaves what was there before', async () => {
    const it = subject();
    for (const family of families) {
      await it.restore(
        family,
        '*mangle\n:CNI-X - [0:0]\n-A PREROUTING -j CNI-X\n-A CNI-X -j MARK --set-xmark 0x1/0x1\nCOMMIT\n',
      );
    }
    await it.restoreSets('create other hash:net family inet\nadd other 192.0.2.0/24\n');
    const before = [await it.save(4), await it.save(6), await it.saveSets()];
    await it.raise();
    for (const family of families) {
      const hook = (await it.table(family))?.chains.get('PREROUTING')?.[0]?.spec ?? '';
      await it.kernel.apply({
        sets: [],
        tables: [
          inTable(it.side(family), [
            { kind: 'unhook', chain: 'PREROUTING', spec: hook },
            // The chains refer to each other: gate jumps to pass.
            { kind: 'delete-chain', chain: pass },
            { kind: 'delete-chain', chain: gate },
          ]),
        ],
        destroy: sampleSets(family).map(({ name }) => name),
      });
    }
    expect([await it.save(4), await it.save(6), await it.saveSets()]).toEqual(before);
  });

  test('a transaction that fails leaves its table; the tables before it and the other family are changed', async () => {
    const it = subject();
    await it.raise();
    await it.restore(4, '*filter\n:DOCKER - [0:0]\n-A DOCKER -j ACCEPT\nCOMMIT\n');
    const before = (await it.save(4)).get('filter');
    const added: RuleChange = { kind: 'insert-rule', chain: gate, position: 1, rule: rule('new') };
    const failure = await it.kernel
      .apply({
        ...nothing,
        tables: [
          inTable(it.side(4), [added]),
          inTable(
            it.side(4),
            [
              { kind: 'create-chain', chain: 'DOCKWALL-X' },
              { kind: 'delete-rule', chain: 'DOCKER', position: 1, spec: '' },
              { kind: 'delete-rule', chain: 'DOCKER', position: 7, spec: '' },
            ],
            'filter',
          ),
          inTable(it.side(6), [added]),
        ],
        destroy: sampleSets(4).map(({ name }) => name),
      })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(KernelError);
    expect(failure).toMatchObject({ code: 'rejected', command: programOf(it.side(4), 'restore') });
    expect(String(failure)).toContain(`restoring mangle and filter (IPv4, ${backend}): line `);
    expect((await it.save(4)).get('filter')).toBe(before);
    expect((await it.ids(4, gate))[0]).toBe('new');
    expect((await it.ids(6, gate))[0]).toBe('new');
    expect((await it.kernel.observe()).sets).toHaveLength(6);
  });

  test.each<[string, readonly RuleChange[]]>([
    [
      'a chain that is not there',
      [{ kind: 'insert-rule', chain: 'DOCKWALL-NONE', position: 1, rule: rule('a') }],
    ],
    [
      'a jump to a chain that is not there',
      createChain(gate, [rule('a', [], { target: { kind: 'jump', chain: pass } })]),
    ],
    [
      'a set that is not there',
      createChain(gate, [
        rule('a', [{ kind: 'set', set: setName(4, 'none'), fields: 'src', negated: false }]),
      ]),
    ],
    ['a rule that is not there', [{ kind: 'unhook', chain: 'PREROUTING', spec: '-j ACCEPT' }]],
    [
      'a set of the other family',
      createChain(gate, [
        rule('a', [{ kind: 'set', set: setName(6, 'src'), fields: 'src', negated: false }]),
      ]),
    ],
    [
      'a chain in use',
      [
        ...createChain(pass, []),
        ...createChain(gate, [rule('a', [], { target: { kind: 'jump', chain: pass } })]),
        { kind: 'delete-chain', chain: pass },
      ],
    ],
  ])('refused: %s', async (_, changes) => {
    const it = subject();
    await it.kernel.apply({
      ...nothing,
      sets: createSets(sampleSets(6)),
      tables: [inTable(it.side(4), createChain('DOCKWALL-OLD', [rule('old')]))],
    });
    const before = await it.save(4);
    await expect(
      it.kernel.apply({ ...nothing, tables: [inTable(it.side(4), changes)] }),
    ).rejects.toMatchObject({ code: 'rejected' });
    expect(await it.save(4)).toEqual(before);
  });

  // The fake counts no packets.
  if (kind === 'real') {
    test('rules that are not edited keep their counters', async () => {
      const it = subject();
      const rules = ['a', 'b', 'c', 'd'].map((id) => rule(id));
      const targets = rules.map((one) =>
        Object.assign(one, {
          target: one.id === 'b' ? { kind: 'set-mark', bit: 1 } : { kind: 'set-mark', bit: 2 },
        }),
      );
      await it.kernel.apply({
        ...nothing,
        tables: [
          inTable(it.side(4), [
            ...createChain(gate, targets),
            { kind: 'hook', chain: 'PREROUTING', rule: gateHook },
          ]),
        ],
      });
      await it.world.run({
        program: 'bash',
        args: ['-c', 'for i in 1 2 3; do echo x > /dev/udp/127.0.0.1/9; done'],
        timeoutMs: 5000,
      });
      const counted = async (): Promise<readonly string[]> => {
        const { stdout } = await it.world.run({
          program: programOf(it.side(4), 'save'),
          args: ['-c', '-t', 'mangle'],
          timeoutMs: 5000,
        });
        return [...stdout.matchAll(/^(\[\d+:\d+\]) -A \S+ .*dockwall:(\w+)/gm)].map(
          ([, count, id]) => `${id} ${count}`,
        );
      };
      const before = await counted();
      expect(before.every((line) => !line.includes('[0:'))).toBe(true);
      await it.kernel.apply({
        ...nothing,
        tables: [
          inTable(it.side(4), [
            { kind: 'delete-rule', chain: gate, position: 2, spec: '' },
            { kind: 'insert-rule', chain: gate, position: 1, rule: rule('x') },
            { kind: 'insert-rule', chain: gate, position: 3, rule: rule('y') },
          ]),
        ],
      });
      expect(await it.ids(4, gate)).toEqual(['x', 'a', 'y', 'c', 'd']);
      const after = await counted();
      expect(after).toEqual(expect.arrayContaining(before.filter((line) => !line.startsWith('b '))));
    });
  }
});
