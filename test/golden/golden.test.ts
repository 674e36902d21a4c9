import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { diff } from '../../src/decide/diff/diff.ts';
import { decide } from '../../src/decide/pass/decide.ts';
import { applied, difference } from './difference.ts';
import { renderScenario, untouched } from './render.ts';
import { readScenarios, type Scenario } from './scenario.ts';

/** Kept whole, since it has least that the others have not; of the others what is different there. */
const base = 'chosen-ports';

/** The files of a scenario's golden folder. */
function goldenFiles(scenario: Scenario, whole: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const texts = renderScenario(scenario);
  if (scenario.name === base) return texts;
  const parts = [...texts].map(([name, text]) => {
    const change = difference(whole.get(name) ?? '', text);
    // two texts that are not the same can never have the same difference
    expect(applied(whole.get(name) ?? '', change)).toBe(text);
    return `=== ${name}\n${change}`;
  });
  return new Map([['changes.txt', parts.join('')]]);
}

function baseOf(scenarios: readonly Scenario[]): Scenario {
  const found = scenarios.find(({ name }) => name === base);
  if (found === undefined) throw new Error(`the scenario ${base} is gone`);
  return found;
}

describe('golden scenarios (UPDATE_GOLDEN=1 writes them anew)', () => {
  const scenarios = readScenarios();

  it('are at least twelve', () => {
    expect(scenarios.length).toBeGreaterThanOrEqual(12);
  });

  it('no comment of a rule has lost a character', () => {
    const rules = scenarios.flatMap((scenario) => [...renderScenario(scenario).values()].join('\n').split('\n'));
    expect(rules.filter((rule) => /--comment "[^"]*\?/.test(rule))).toEqual([]);
  });
  const whole = renderScenario(baseOf(scenarios));

  it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))('%s', (_, scenario) => {
    for (const [name, text] of goldenFiles(scenario, whole)) {
      const file = new URL(name, scenario.folder);
      if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text);
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
