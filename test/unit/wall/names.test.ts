import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import { foreignSet, listSet, portsSet, setName } from '../../../src/decide/wall/names.ts';
import { distinct, render } from '../../../src/decide/wall/render.ts';
import { groupsOf, makeConfig, makeContainer, makeInventory, ports } from '../policy/inventories.ts';

/** Names as the configuration allows them, near the length at which they stand no longer as they are. */
const group = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,39}$/);
const device = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/);
const prefixes = ['', 'r-', 't-', 'u-', 's-'] as const;

function namesOf(one: string, by: string): readonly string[] {
  const who = [one, `interface:${by}`];
  return [
    ...(['src', 'den'] as const).flatMap((use) => [
      listSet(4, { use, group: one }),
      foreignSet(4, { use, group: one }),
    ]),
    ...prefixes.flatMap((prefix) =>
      (['to', 'not'] as const).flatMap((use) => who.map((name) => portsSet(4, prefix, { use, who: name }))),
    ),
  ];
}

describe('names of sets', () => {
  it('are as short as ipset wants them, and different for different names and uses', () => {
    const seen = new Map<string, string>();
    fc.assert(
      fc.property(group, device, (one, by) => {
        for (const [index, name] of namesOf(one, by).entries()) {
          expect(name).toMatch(/^dockwall4-[A-Za-z0-9_.-]{1,21}$/);
          const what = `${index} ${name.includes('via-') || name.includes('nov-') ? by : one}`;
          expect(seen.get(name) ?? what).toBe(what);
          seen.set(name, what);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('stand as they are where they fit, and are a digest behind a dot where they do not', () => {
    expect(listSet(6, { use: 'src', group: 'office' })).toBe('dockwall6-src-office');
    expect(portsSet(4, '', { use: 'to', who: 'interface:eth0.100' })).toBe('dockwall4-via-eth0.100');
    expect(portsSet(4, '', { use: 'not', who: 'interface:wg0' })).toBe('dockwall4-nov-wg0');
    const long = 'a-group-with-a-very-long-name-indeed';
    const name = portsSet(4, 'r-', { use: 'not', who: long });
    expect(name).toMatch(/^dockwall4-r-not-\.[A-Za-z0-9_-]{14}$/);
    expect(name).toHaveLength(31);
    expect(() => setName(4, long)).toThrow(/too long/);
  });

  it('a group that is called like a set of ours gets none of them', () => {
    const names = [
      'trusted',
      'deny',
      'published',
      'public',
      'guard',
      'cut',
      'refused',
      'to-a',
      'src-a',
      'a',
      'ext-a',
    ];
    const config = makeConfig({ groups: groupsOf(Object.fromEntries(names.map((name) => [name, []]))) });
    const labels = { 'dockwall.allow': names.join(' '), 'dockwall.deny': names.join(' ') };
    const policy = resolve(makeInventory([makeContainer('web', { labels, ports: ports('80:80') })]), config);
    const { sets } = render(policy, 'asked');
    expect(new Set(sets.map(({ name }) => name)).size).toBe(sets.length);
  });

  it('two sets of one name are never rendered', () => {
    const [set] = render(resolve(makeInventory([]), makeConfig()), 'asked').sets;
    expect(() => distinct(set === undefined ? [] : [set, set])).toThrow(
      'two sets are called dockwall4-trusted',
    );
  });
});
