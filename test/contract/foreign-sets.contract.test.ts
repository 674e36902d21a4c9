import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { diff, isEmpty } from '../../src/decide/diff/diff.ts';
import { foreignStates } from '../../src/decide/diff/foreign.ts';
import { NetworkIndex } from '../../src/decide/net/network-index.ts';
import type { Cidr } from '../../src/decide/net/network.ts';
import { checkForeign } from '../../src/decide/pass/foreign-check.ts';
import type { IpSet, Ruleset } from '../../src/decide/wall/model.ts';
import { canTestRealKernel } from './namespace.ts';
import { onEachKernel } from './on-each-kernel.ts';
import { createSets, inTable, nothing, rule, setName } from './samples.ts';
import { realWorld } from './world.ts';

// What ipset does with sets that list other sets, and what its manual does not say.

const bans = setName(4, 'deny-ext');

function lookingInto(...members: readonly string[]): Ruleset {
  const set: IpSet = { name: bans, family: 4, type: 'list:set', expiring: false, effect: 'closes', members };
  return { sets: [set], gate: [], front: 'keep', lock: 'keep', boot: 'keep' };
}

onEachKernel(({ subject }) => {
  const restore = async (line: string): Promise<string> => {
    const run = { program: 'ipset', args: ['restore'], input: `${line}\n`, timeoutMs: 10_000 };
    return (await subject().world.run(run)).stderr;
  };
  const listed = async (): Promise<readonly string[]> =>
    (await subject().saveSets()).flatMap((line) =>
      line.startsWith(`add ${bans} `) ? [line.slice(`add ${bans} `.length)] : [],
    );
  const reconcile = async (desired: Ruleset): Promise<boolean> => {
    const plan = diff(desired, await subject().kernel.observe());
    await subject().kernel.apply(plan);
    return !isEmpty(plan);
  };

  test('an external set is taken up when it is there, if it fits; once is enough', async () => {
    const desired = lookingInto('addresses', 'both', 'six', 'pairs', 'absent');
    await reconcile(desired);
    expect(await listed()).toEqual([]);
    await restore('create addresses hash:ip family inet timeout 300\nadd addresses 192.0.2.1');
    await restore('create six hash:net family inet6\ncreate pairs hash:net,port family inet');
    await restore('create four hash:net family inet\ncreate both list:set\nadd both four\nadd both six');
    expect(await reconcile(desired)).toBe(true);
    expect(await listed()).toEqual(['addresses', 'four']);
    expect(await reconcile(desired)).toBe(false);
    const { foreign } = await subject().kernel.observe();
    if (foreign === 'unsupported') throw new Error('this kernel has no list:set');
    const headers = foreign.map(({ name, type, family, lists }) => [name, type, family, ...lists].join(' '));
    expect(headers.toSorted()).toEqual([
      'addresses hash:ip timeout 300 4',
      'both list:set 4 four six',
      'four hash:net 4',
      'pairs hash:net,port 4',
      'six hash:net 6',
    ]);
    await reconcile(lookingInto('both'));
    expect(await listed()).toEqual(['four']);
  });

  test('a ban list before the first ban has nobody in it, which is in order, and counts from the pass after it', async () => {
    const desired = lookingInto('f2b-npm');
    const findings = async (): Promise<readonly string[]> =>
      checkForeign(foreignStates(desired, await subject().kernel.observe())).map(
        ({ kind, text }) => `${kind}: ${text}`,
      );
    await reconcile(desired);
    expect(await findings()).toEqual([
      expect.stringMatching(/^note: the ipset "f2b-npm" does not exist yet, so nobody is in it/),
    ]);
    // fail2ban's iptables-ipset-proto6 action
    await restore('create f2b-npm hash:ip timeout 600\nadd f2b-npm 192.0.2.1 timeout 600');
    expect(await reconcile(desired)).toBe(true);
    expect(await listed()).toEqual(['f2b-npm']);
    expect(await findings()).toEqual([]);
    expect(await reconcile(lookingInto('f2b-npn'))).toBe(true);
    expect(checkForeign(foreignStates(lookingInto('f2b-npn'), await subject().kernel.observe()))).toEqual([
      expect.objectContaining({ text: expect.stringContaining('did you mean "f2b-npm"?') }),
    ]);
  });

  test('its keeper may fill, empty and swap it, and sees no difference; but not destroy it', async () => {
    await restore('create banned hash:net family inet\nadd banned 192.0.2.1');
    await reconcile(lookingInto('banned'));
    const before = (await subject().kernel.observe()).foreign;
    expect(await restore('add banned 198.51.100.0/24')).toBe('');
    expect((await subject().kernel.observe()).foreign).not.toEqual(before);
    expect(await restore('create fresh hash:net family inet\nadd fresh 203.0.113.0/24')).toBe('');
    expect(await restore('swap fresh banned')).toBe('');
    expect(await restore('destroy fresh')).toBe('');
    expect(await listed()).toEqual(['banned']);
    expect(await subject().kernel.readSets(['banned', 'absent'])).toEqual(
      new Map([['banned', ['203.0.113.0/24']]]),
    );
    expect(await restore('destroy banned')).toContain('in use by a kernel component');
    expect(await restore('flush banned')).toBe('');
    await reconcile(lookingInto());
    expect(await restore('destroy banned')).toBe('');
  });

  test('a list can be used in rules of both families, and holds no list', async () => {
    await subject().kernel.apply({ ...nothing, sets: createSets(lookingInto().sets) });
    const match = { kind: 'set', set: bans, fields: 'src', negated: false } as const;
    for (const family of [4, 6] as const) {
      const changes = [{ kind: 'hook', chain: 'INPUT', rule: rule('b1', [match]) } as const];
      await subject().kernel.apply({ ...nothing, tables: [inTable(subject().side(family), changes)] });
    }
    await restore('create other list:set');
    expect(await restore(`add ${bans} other`)).toContain('list:set type cannot be added');
    expect(await restore(`del ${bans} absent`)).toContain('does not exist');
  });
});

describe.skipIf(!canTestRealKernel())('what an external set holds, as networks', () => {
  const addresses = ['198.51.100.0', '198.51.100.7', '198.51.100.130', '198.51.101.1', '203.0.113.9'];

  const entry = fc.record({
    address: fc.constantFrom(...addresses),
    prefix: fc.constantFrom(8, 22, 23, 24, 25, 28, 31, 32),
    nomatch: fc.boolean(),
  });

  test('exceptions within exceptions: what ipset says of an address is what we make of the set', async () => {
    const world = realWorld();
    const ipset = async (input: string): Promise<string> =>
      (await world.run({ program: 'ipset', args: ['restore', '-exist'], input, timeoutMs: 10_000 })).stderr;
    try {
      await ipset('create nets hash:net family inet\n');
      await fc.assert(
        fc.asyncProperty(fc.array(entry, { maxLength: 8 }), async (entries) => {
          const lines = entries.map(
            ({ address, prefix, nomatch }) => `add nets ${address}/${prefix}${nomatch ? ' nomatch' : ''}\n`,
          );
          expect(await ipset(`flush nets\n${lines.join('')}`)).toBe('');
          const index = new NetworkIndex((await world.kernel.readSets(['nets'])).get('nets') ?? []);
          for (const address of [...addresses, '198.51.100.129', '198.51.100.1', '192.0.2.1']) {
            const args = ['test', 'nets', address];
            const { exitCode } = await world.run({ program: 'ipset', args, timeoutMs: 10_000 });
            expect([address, index.find(address) !== undefined]).toEqual([address, exitCode === 0]);
          }
        }),
        { numRuns: 30 },
      );
    } finally {
      world.close();
    }
  });

  test.each([
    ['hash:ip family inet netmask 24', '198.51.100.9', ['198.51.100.0/24']],
    ['bitmap:ip range 192.0.2.0/24 netmask 28', '192.0.2.17', ['192.0.2.16/28']],
    ['bitmap:ip range 192.0.2.0/24', '192.0.2.17', ['192.0.2.17']],
    ['hash:ip family inet6', '2001:db8::1', ['2001:db8::1']],
    ['hash:net family inet6 counters comment', '2001:db8::/32 comment "x"', ['2001:db8::/32']],
    ['hash:net,port family inet', '198.51.100.0/24,tcp:80', []],
  ] as const)('%s', async (shape, member, networks) => {
    const world = realWorld();
    try {
      const input = `create a ${shape}\nadd a ${member}\n`;
      await world.run({ program: 'ipset', args: ['restore'], input, timeoutMs: 10_000 });
      expect(await world.kernel.readSets(['a'])).toEqual(new Map([['a', networks as readonly Cidr[]]]));
    } finally {
      world.close();
    }
  });
});
