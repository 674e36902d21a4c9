import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe as suite, expect, it } from 'vitest';
import { describe } from '../../src/diff/describe.ts';
import { diff, setChanges } from '../../src/diff/diff.ts';
import type { Observed, ObservedTable } from '../../src/diff/model.ts';
import { SetParser } from '../../src/kernel/ipset/parse.ts';
import { renderSets } from '../../src/kernel/ipset/render.ts';
import { renderTables } from '../../src/kernel/iptables/render.ts';
import { families } from '../../src/net/network.ts';
import { decide } from '../../src/reconciler/pass.ts';
import { readScenarios, type Scenario } from './scenario.ts';

/** A host on which Docker has its chains and nobody has been before us. */
const untouched: Observed = {
  backends: ['nft'],
  families: [4, 6],
  sets: [],
  foreign: [],
  tables: families.flatMap((family): ObservedTable[] => {
    const jump = [{ id: undefined, spec: '-j DOCKER', target: 'DOCKER' }];
    const place = { family, backend: 'nft' } as const;
    return [
      { ...place, table: 'nat', chains: new Map([['PREROUTING', jump], ['DOCKER', []]]) },
      { ...place, table: 'filter', chains: new Map([['FORWARD', jump], ['DOCKER', []]]) },
    ];
  }),
};

/** What the last moment of a scenario puts into an untouched kernel, as files. */
function renderScenario({ moments, config, foreign }: Scenario): ReadonlyMap<string, string> {
  const last = moments.at(-1);
  if (last === undefined) throw new Error('a scenario without a moment');
  const parser = new SetParser(() => false);
  parser.feed(foreign);
  parser.end();
  const observed = { ...untouched, foreign: parser.foreign };
  const { plan, policy } = decide({ ...last, observed }, config);
  const rules = (family: number): string => renderTables(plan.tables.filter((table) => table.family === family));
  const problems = policy.problems.map((problem) => `! ${JSON.stringify(problem)}`);
  const changes = describe(plan).map(({ sign, where, what }) => `${sign} ${where}: ${what}`);
  return new Map([
    ['v4.rules', rules(4)],
    ['v6.rules', rules(6)],
    ['sets.restore', renderSets(setChanges(plan))],
    ['plan.txt', `${[...problems, ...changes].join('\n')}\n`],
  ]);
}

suite('golden scenarios (UPDATE_GOLDEN=1 writes them anew)', () => {
  const scenarios = readScenarios();

  it('are at least twelve', () => {
    expect(scenarios.length).toBeGreaterThanOrEqual(12);
  });

  it('no comment of a rule has lost a character', () => {
    const rules = scenarios.flatMap((scenario) => [...renderScenario(scenario).values()].join('\n').split('\n'));
    expect(rules.filter((rule) => /--comment "[^"]*\?/.test(rule))).toEqual([]);
  });

  it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))('%s', (_, scenario) => {
    for (const [name, text] of renderScenario(scenario)) {
      const file = new URL(name, scenario.folder);
      if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text);
      expect(existsSync(file), `${name} of ${scenario.name} is missing: run with UPDATE_GOLDEN=1`).toBe(true);
      expect(text).toBe(readFileSync(file, 'utf8'));
    }
  });

  it('write no rule into the kernel that a second pass would change', () => {
    // The order in which Docker lists things is no information.
    for (const { moments, config } of scenarios) {
      const last = moments.at(-1);
      if (last === undefined) continue;
      const { snapshot, host } = last;
      const turned = {
        host,
        snapshot: { ...snapshot, containers: snapshot.containers.toReversed(), networks: snapshot.networks.toReversed() },
      };
      const straight = decide({ ...last, observed: untouched }, config).ruleset;
      expect(decide({ ...turned, observed: untouched }, config).ruleset).toEqual(straight);
      expect(diff(straight, untouched)).toEqual(decide({ ...last, observed: untouched }, config).plan);
    }
  });
});
