import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { isEmpty } from '../../src/decide/diff/diff.ts';
import type { Observed, ObservedSet, Plan, ReplaceMembers } from '../../src/decide/diff/model.ts';
import { diffSets, unusedSets } from '../../src/decide/diff/sets.ts';
import { contains, mergeNetworks, toSetMembers } from '../../src/decide/net/merge-networks.ts';
import { type Cidr, type Family, families } from '../../src/decide/net/network.ts';
import { parseNetworks } from '../../src/decide/net/parse-networks.ts';
import type { IpSet, Ruleset } from '../../src/decide/wall/model.ts';
import { isTemporarySet } from '../../src/decide/wall/names.ts';
import type { Run } from '../../src/reach/kernel/command.ts';
import { createKernel } from '../../src/reach/kernel/kernel.ts';
import { onEachKernel } from './on-each-kernel.ts';
import { createSets, nothing, bootstrapGate, sampleSets, setName } from './samples.ts';

vi.setConfig({ testTimeout: 120_000 });

const src = setName(4, 'src');
const header = {
  name: src,
  family: 4,
  type: 'hash:net',
  expiring: true,
  effect: 'opens',
  notes: true,
} as const;

/** `10.N.x.y`, none next to another. */
function list(second: number, length: number): readonly string[] {
  return Array.from({ length }, (_, index) => `10.${second}.${index >> 7}.${(index & 127) * 2}`);
}

function replaceBy(members: readonly string[]): ReplaceMembers {
  return { kind: 'replace-members', set: header, members, added: members.length, removed: 0 };
}

function rulesetOf(members: readonly string[]): Ruleset {
  return { sets: [{ ...header, members }], gate: [], front: 'keep', lock: 'keep', boot: 'keep' };
}

/** What a pass does where no rule changes. */
function diff(ruleset: Ruleset, observed: Observed): Plan {
  const { closing, opening } = diffSets(ruleset.sets, observed, true);
  return { sets: [...closing, ...opening], tables: [], destroy: unusedSets(ruleset, observed) };
}

onEachKernel(({ subject, kind, backend }) => {
  const seen = async (): Promise<ObservedSet | undefined> =>
    (await subject().kernel.observe()).sets.find(({ name }) => name === src);
  const names = async (): Promise<readonly string[]> =>
    (await subject().kernel.observe()).sets.map(({ name }) => name);

  /** The sample gate, whose rules look into a set that somebody has put two members into for a while. */
  async function prepare(members: readonly string[]): Promise<void> {
    const it = subject();
    const others = sampleSets(4).filter(({ name }) => name !== src);
    const sets = createSets([{ ...header, members }, ...others]);
    await it.kernel.apply({ ...nothing, sets, tables: [bootstrapGate(it.side(4))] });
    await it.restoreSets(
      `add ${src} 192.0.2.1 timeout 600 comment "Ana, on call"\nadd ${src} 192.0.2.0/28 timeout 900\n`,
    );
  }

  test('a long list takes the place of another; who is in for a while stays, with what is left of the time', async () => {
    await prepare(list(1, 50));
    await subject().kernel.apply({ ...nothing, sets: [replaceBy(list(2, 3000))] });
    const set = await seen();
    const live = [...(set?.members ?? [])].filter(([, seconds]) => seconds > 0);
    expect([...(set?.members.keys() ?? [])].filter((one) => one.startsWith('10.')).toSorted()).toEqual(
      list(2, 3000).toSorted(),
    );
    expect(live.map(([member]) => member).toSorted()).toEqual(['192.0.2.0/28', '192.0.2.1']);
    for (const [, seconds] of live) expect(seconds % 300 === 0 ? 300 : seconds % 300).toBeGreaterThan(250);
    expect(set?.notes).toEqual(new Map([['192.0.2.1', 'Ana, on call']]));
    expect((await names()).filter(isTemporarySet)).toEqual([]);
    // the rules look into the new one: it cannot be taken away
    await expect(subject().kernel.apply({ ...nothing, destroy: [src] })).rejects.toMatchObject({
      code: 'rejected',
    });
  });

  test('what somebody adds or takes back for a while is kept so, whenever that falls into it', async () => {
    await prepare(list(1, 50));
    const it = subject();
    await it.restoreSets([1, 2, 3, 4, 5].map((n) => `add ${src} 198.51.100.${n} timeout 700\n`).join(''));
    let calls = 0;
    const interrupted: Run = async (command) => {
      const output = await it.world.run(command);
      calls += 1;
      if (calls <= 4)
        await it.restoreSets(`add ${src} 203.0.113.${calls} timeout 800\ndel ${src} 198.51.100.${calls}\n`);
      return output;
    };
    const kernel = createKernel(interrupted, { readFile: it.world.readFile });
    await kernel.apply({ ...nothing, sets: [replaceBy(list(2, 1500))] });
    expect(calls).toBe(5);
    const live = [...((await seen())?.members ?? [])].filter(([, seconds]) => seconds > 0);
    // the fourth is the look at what was left behind: what comes after it is in the set itself
    expect(live.map(([member]) => member).toSorted()).toEqual([
      '192.0.2.0/28',
      '192.0.2.1',
      '198.51.100.5',
      ...[1, 2, 3, 4].map((n) => `203.0.113.${n}`),
    ]);
  });

  test('what another program is just listing is swapped when that has read it', async () => {
    if (kind === 'fake') return;
    await prepare(list(1, 20_000));
    const it = subject();
    const folder = await mkdtemp(join(tmpdir(), 'dockwall-busy-'));
    // The kernel's dump goes on until all is read; the pipe takes 64 KB.
    const slow = `ipset save ${src} | { head -c 1 >/dev/null; touch ${folder}/begun; until [ -e ${folder}/refused ]; do sleep 0.02; done; cat >/dev/null; }`;
    const listing = it.world.run({ program: 'sh', args: ['-c', slow], timeoutMs: 10_000 });
    await vi.waitFor(async () => access(join(folder, 'begun')), { timeout: 5000, interval: 5 });
    const applied = it.kernel.apply({ ...nothing, sets: [replaceBy(list(2, 3000))] });
    // by itself it is swapped only when it was refused before
    const again = (): boolean => it.world.log.some(({ input }) => input?.startsWith('swap ') === true);
    await vi.waitFor(() => expect(again()).toBe(true), { timeout: 10_000, interval: 5 });
    await writeFile(join(folder, 'refused'), '');
    await Promise.all([applied, listing]);
    await rm(folder, { recursive: true });
    const members = [...((await seen())?.members.keys() ?? [])].filter((one) => one.startsWith('10.'));
    expect(members.toSorted()).toEqual(list(2, 3000).toSorted());
    expect((await names()).filter(isTemporarySet)).toEqual([]);
  });

  test('killed within it, the set is as it was or as it should be, and what is left over goes', async () => {
    await prepare(list(1, 50));
    const it = subject();
    const both = [list(1, 50), list(2, 1500)].map((members) => members.toSorted().join());
    const wanted = rulesetOf(list(2, 1500));
    for (const [writes, lines] of [
      [1, 1],
      [1, 700],
      [2, 1],
      [2, 3],
      [3, 0],
    ] as const) {
      let left = writes;
      const killing: Run = async (command) => {
        if (command.input === undefined || (left -= 1) > 0) return it.world.run(command);
        const input = command.input
          .split('\n')
          .slice(0, lines)
          .map((line) => `${line}\n`)
          .join('');
        if (input !== '') await it.world.run({ ...command, input });
        throw new Error('killed');
      };
      const kernel = createKernel(killing, { readFile: it.world.readFile });
      await expect(kernel.apply(diff(wanted, await it.kernel.observe()))).rejects.toThrow('killed');
      const set = await seen();
      const permanent = [...(set?.members ?? [])].flatMap(([one, seconds]) => (seconds === 0 ? [one] : []));
      expect(both).toContain(permanent.toSorted().join());
      expect(set?.members.get('192.0.2.1')).toBeGreaterThan(500);
      expect((await names()).filter(isTemporarySet)).toHaveLength(1);

      const again = diff(rulesetOf(list(1, 50)), await it.kernel.observe());
      expect(again.destroy).toHaveLength(1);
      await it.kernel.apply(again);
      expect((await names()).filter(isTemporarySet)).toEqual([]);
      expect(isEmpty(diff(rulesetOf(list(1, 50)), await it.kernel.observe()))).toBe(true);
    }
  });

  test('a diff of long lists is what it says: nothing is left to do after it', async () => {
    const it = subject();
    await it.kernel.apply({ ...nothing, sets: createSets([{ ...header, members: [] }]) });
    for (const members of [
      list(1, 4000),
      [...list(1, 3990), ...list(3, 10)],
      list(2, 2500),
      [],
      list(1, 10),
    ]) {
      await it.kernel.apply(diff(rulesetOf(members), await it.kernel.observe()));
      expect(isEmpty(diff(rulesetOf(members), await it.kernel.observe()))).toBe(true);
      const observed = await it.kernel.observe();
      expect(await seen()).toBe((await it.kernel.observe()).sets.find(({ name }) => name === src));
      expect(observed.sets.find(({ name }) => name === src)?.members.size).toBe(members.length);
    }
  });

  // Once is enough: sets are the same to both.
  test.skipIf(kind === 'fake' || backend === 'legacy')(
    'the kernel holds the addresses that were written, of any list, and no others',
    async () => {
      const it = subject();
      const sets = families.map((family): IpSet => ({
        ...header,
        name: setName(family, 'src'),
        family,
        members: [],
      }));
      await it.kernel.apply({ ...nothing, sets: createSets(sets) });
      await fc.assert(
        fc.asyncProperty(fc.array(written, { minLength: 1, maxLength: 40 }), async (texts) => {
          const networks = mergeNetworks(texts.flatMap(parsed));
          const members = (family: Family): readonly string[] => toSetMembers(networks, family);
          const ruleset = {
            ...rulesetOf([]),
            sets: sets.map((set) => ({ ...set, members: members(set.family) })),
          };
          await it.kernel.apply(diff(ruleset, await it.kernel.observe()));
          const probes = [...new Set(texts.flatMap(probesOf))];
          expect(await membership(it.world.run, probes)).toEqual(
            new Map(
              probes.map((probe) => [
                probe,
                texts.some((text) => parsed(text).some((one) => contains(one, probe))),
              ]),
            ),
          );
        }),
        { numRuns: Number(process.env['DOCKWALL_CONTRACT_RUNS'] ?? 25) * 2 },
      );
    },
  );
});

/** Few distinct numbers, so that there are overlaps, neighbours and duplicates; all ways of writing. */
const v4 = fc
  .tuple(fc.constantFrom('10.0.0', '10.0.1', '192.0.2', '255.255.255'), fc.nat(255))
  .map(([head, last]) => `${head}.${last}`);
const v6 = fc
  .tuple(
    fc.constantFrom('2001:db8::', '2001:DB8:0:1::', 'fe80::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:'),
    fc.nat(0xffff),
  )
  .map(([head, last]) => `${head}${last.toString(16)}`);
const written = fc.oneof(
  v4,
  v6,
  v4.map((address) => `::ffff:${address}`),
  fc.tuple(v4, fc.integer({ min: 0, max: 32 })).map(([address, prefix]) => `${address}/${prefix}`),
  fc.tuple(v4, fc.integer({ min: 96, max: 128 })).map(([address, prefix]) => `::ffff:${address}/${prefix}`),
  fc.tuple(v6, fc.integer({ min: 0, max: 128 })).map(([address, prefix]) => `${address}/${prefix}`),
  fc
    .tuple(v4, fc.nat(255))
    .map(
      ([address, last]) =>
        `${address}-${address.replace(/\d+$/, String(Math.max(last, Number(address.split('.')[3]))))}`,
    ),
);

function parsed(text: string): readonly Cidr[] {
  const result = parseNetworks(text);
  if (!result.ok) throw new Error(result.problem);
  return result.networks;
}

/** The first and last address of each network, and their neighbours outside. */
function probesOf(text: string): readonly string[] {
  return parsed(text).flatMap((network) => {
    const [address = '', prefix] = network.split('/');
    const v6 = address.includes(':');
    const start = v6 ? hexOf(address) : address.split('.').reduce((sum, one) => sum * 256n + BigInt(one), 0n);
    const width = v6 ? 128n : 32n;
    const size = 1n << (width - BigInt(prefix ?? width));
    return [start - 1n, start, start + size / 2n, start + size - 1n, start + size]
      .filter((one) => one >= 0n && one < 1n << width)
      .map((one) =>
        v6
          ? one.toString(16).padStart(32, '0').match(/.{4}/g)?.join(':')
          : [24n, 16n, 8n, 0n].map((at) => (one >> at) & 255n).join('.'),
      )
      .filter((one) => one !== undefined);
  });
}

function hexOf(address: string): bigint {
  const [head = '', tail = ''] = address.split('::');
  const groups = (part: string): readonly string[] => (part === '' ? [] : part.split(':'));
  const zeros = address.includes('::') ? 8 - groups(head).length - groups(tail).length : 0;
  const all = [...groups(head), ...Array.from({ length: zeros }, () => '0'), ...groups(tail)];
  return BigInt(`0x${all.map((group) => group.padStart(4, '0')).join('')}`);
}

/** What `ipset test` says of each, in one process. */
async function membership(run: Run, probes: readonly string[]): Promise<ReadonlyMap<string, boolean>> {
  const input = probes.map((one) => `test ${setName(one.includes(':') ? 6 : 4, 'src')} ${one}\n`).join('');
  const { stderr } = await run({ program: 'ipset', args: ['-'], input, timeoutMs: 10_000 });
  const answers = [...stderr.matchAll(/^(?:Warning: )?\S+ is (NOT )?in set/gm)];
  return new Map(
    probes.map((probe, index) => [probe, answers[index] !== undefined && answers[index][1] === undefined]),
  );
}
