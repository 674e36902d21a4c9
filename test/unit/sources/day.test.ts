import { expect, it } from 'vitest';
import { setChanges } from '../../../src/decide/diff/diff.ts';
import { familyOf } from '../../../src/decide/net/network.ts';
import { decide } from '../../../src/decide/pass/decide.ts';
import { type LiveSource, sourceKey } from '../../../src/decide/policy/config.ts';
import { loadConfig } from '../../../src/reach/config/load.ts';
import { createKernel } from '../../../src/reach/kernel/kernel.ts';
import type { Reading } from '../../../src/reach/sources/model.ts';
import { Sources } from '../../../src/reach/sources/sources.ts';
import { FakeKernel } from '../../contract/fake-kernel.ts';
import { readScenarios } from '../../golden/scenario.ts';
import { FakeClock, settle } from '../daemon/fake-clock.ts';
import { cidr } from '../policy/inventories.ts';

const config = `
trusted: [home.example.org]
deny: [{url: "https://example.org/bans", refresh: 10m, mayShrink: true}]
groups:
  office: [198.51.100.0/24, office.example.org, {file: partners}]
services:
  app: {allow: [office, late.example.org]}
`;

/** The same numbers each time: a linear congruential generator (Numerical Recipes). */
function makeRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % below;
  };
}

/** Whatever a source may say: other addresses, of one family or both, the same again, nobody any more, nothing at all. */
function makeReadings(): (source: LiveSource) => Reading {
  const random = makeRandom(7);
  const v4 = (): string => `203.0.${random(4)}.${random(256)}`;
  const v6 = (): string => `2001:db8::${random(4096).toString(16)}`;
  return (source) => {
    if (random(5) === 0) return { kind: 'failed', reason: 'no name server answers' };
    if (source.kind === 'url' && random(5) === 0) return { kind: 'unchanged' };
    const count = source.kind === 'name' ? 1 + random(3) : random(40);
    const each = Array.from({ length: count }, () => (random(2) === 0 ? v4() : v6()));
    const sorted = [...new Set(each)].map(cidr).sort((a, b) => familyOf(a) - familyOf(b) || (a < b ? -1 : 1));
    return { kind: 'answer', networks: sorted, holds: 120_000 };
  };
}

/** How often a table of rules was written. */
function restores({ processes }: FakeKernel): number {
  return [...processes].reduce(
    (sum, [name, count]) => (/^ip6?tables.*-restore$/.test(name) ? sum + count : sum),
    0,
  );
}

it('a day of changing answers writes sets, and never a rule', async () => {
  const loaded = loadConfig({ file: { path: 'dockwall.yml', text: config }, env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const inForce = { config: loaded.config, lockedDown: false };
  const moment = readScenarios()
    .find(({ name }) => name === 'two-networks')
    ?.moments.at(-1);
  if (moment === undefined) throw new Error('the scenario is gone');
  const clock = new FakeClock();
  const fake = new FakeKernel({ now: clock.now });
  const kernel = createKernel(fake.run, { readFile: fake.readFile });
  const quiet = (): void => {};
  const readings = makeReadings();
  let due = true;
  let fileChanged = quiet;
  const sources = new Sources({
    read: async (source) => readings(source),
    memory: { read: async () => undefined, write: async () => {}, prune: async () => {} },
    folder: '/nowhere',
    restored: new Map(),
    clock,
    wallNow: clock.now,
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    watch: (source, changed) => {
      if (source.kind === 'file') fileChanged = changed;
      return quiet;
    },
    onChange: () => (due = true),
  });

  const pass = async (): Promise<{ rules: number; members: number }> => {
    due = false;
    const observed = await kernel.observe();
    const decided = decide({ ...moment, observed, answers: sources.answers() }, inForce);
    await kernel.apply(decided.plan);
    sources.want(decided.policy.sources);
    return { rules: decided.plan.tables.length, members: setChanges(decided.plan).length };
  };
  expect((await pass()).rules).toBeGreaterThan(0);
  const ruleWrites = restores(fake);

  let passes = 0;
  let members = 0;
  for (let seconds = 0; seconds < 86_400; seconds += 60) {
    await clock.advance(60_000);
    if (seconds % 1800 === 0) fileChanged();
    await settle();
    if (!due) continue;
    const wrote = await pass();
    passes += 1;
    members += wrote.members;
    expect(wrote.rules).toBe(0);
  }
  expect(passes).toBeGreaterThan(500);
  expect(members).toBeGreaterThan(3000);
  expect(restores(fake)).toBe(ruleWrites);
  // and in the end the kernel holds what the sources mean
  const home = sources.answers().get(sourceKey({ kind: 'name', name: 'home.example.org' })) ?? [];
  const held = [...fake.members('dockwall4-trusted'), ...fake.members('dockwall6-trusted')];
  expect(held.toSorted()).toEqual([...home].toSorted());
  expect(sources.report()).toHaveLength(5);
}, 300_000);
