import { expect, test } from 'vitest';
import { diff, isEmpty } from '../../src/decide/diff/diff.ts';
import { resolve } from '../../src/decide/policy/resolve.ts';
import type { Ruleset, SetName } from '../../src/decide/wall/model.ts';
import { render } from '../../src/decide/wall/render.ts';
import { createKernel } from '../../src/reach/kernel/kernel.ts';
import {
  cidr,
  groupsOf,
  makeConfig,
  makeContainer,
  makeInventory,
  ports,
} from '../unit/policy/inventories.ts';
import { FakeKernel } from './fake-kernel.ts';
import { walk } from './fake-packets.ts';

// From a dockwall that called sets of long names otherwise: who is let in is let in all the while, and nobody else is.

const long = 'a-partner-with-a-name-that-is-long';

/** As it was before: other names for the same sets, in rules too; the ids of rules are other ones then. */
function asBefore(ruleset: Ruleset): Ruleset {
  const old = (name: SetName): SetName =>
    name.replace(/-\.(.{6}).*/, '-a-partner-$1').slice(0, 31) as SetName;
  return {
    ...ruleset,
    sets: ruleset.sets.map((set) => ({ ...set, name: old(set.name) })),
    gate: ruleset.gate.map((table) => ({
      ...table,
      chains: table.chains.map((chain) => ({
        ...chain,
        rules: chain.rules.map((rule) => {
          const matches = rule.matches.map((match) =>
            'set' in match ? { ...match, set: old(match.set) } : match,
          );
          const other = JSON.stringify(matches) !== JSON.stringify(rule.matches);
          return { ...rule, matches, id: (other ? `o${rule.id.slice(1)}` : rule.id) as typeof rule.id };
        }),
      })),
    })),
  };
}

test('sets with other names are replaced without a gap', async () => {
  const container = makeContainer('web', {
    labels: { 'dockwall.allow': long, 'dockwall.deny': 'pests-with-a-name-that-is-long-too' },
    ports: ports('8001:80'),
  });
  const config = makeConfig({
    groups: groupsOf({
      [long]: ['198.51.100.0/24'],
      'pests-with-a-name-that-is-long-too': ['198.51.100.66'],
    }),
  });
  const ruleset = render(resolve(makeInventory([container]), config), 'asked');
  const before = asBefore(ruleset);
  expect(before.sets.filter(({ name }, index) => name !== ruleset.sets[index]?.name).length).toBeGreaterThan(
    4,
  );

  const seen = { steps: 0, wrong: [] as string[] };
  let look = (): void => undefined;
  const fake = new FakeKernel({ backends: ['nft'], onStep: () => look() });
  const kernel = createKernel(fake.run, { readFile: fake.readFile });
  await kernel.apply(diff(before, await kernel.observe()));
  const passes = (source: string): boolean =>
    walk(
      { kernel: fake, hooks: ['PREROUTING', 'INPUT'] },
      {
        family: 4,
        protocol: 'tcp',
        source: cidr(source),
        destination: '192.0.2.10',
        port: 8001,
        in: 'eth0',
        types: ['LOCAL'],
        state: 'NEW',
        mark: 0,
        connmark: 0,
      },
    );
  look = () => {
    seen.steps += 1;
    const now = ['198.51.100.7', '198.51.100.66', '203.0.113.1'].map(passes);
    if (now.join() !== 'true,false,false') seen.wrong.push(`step ${seen.steps}: ${now.join()}`);
  };
  look();
  await kernel.apply(diff(ruleset, await kernel.observe()));
  expect(seen.steps).toBeGreaterThan(10);
  expect(seen.wrong).toEqual([]);
  const observed = await kernel.observe();
  expect(observed.sets.map(({ name }) => name).toSorted()).toEqual(
    ruleset.sets.map(({ name }) => name).toSorted(),
  );
  expect(isEmpty(diff(ruleset, observed))).toBe(true);
});
