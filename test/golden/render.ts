import { describe } from '../../src/decide/diff/describe.ts';
import { setChanges } from '../../src/decide/diff/diff.ts';
import type { Observed, ObservedTable } from '../../src/decide/diff/model.ts';
import { SetParser } from '../../src/reach/kernel/ipset/parse.ts';
import { renderSets } from '../../src/reach/kernel/ipset/render.ts';
import { renderTables } from '../../src/reach/kernel/iptables/render.ts';
import { families } from '../../src/decide/net/network.ts';
import { decide } from '../../src/decide/pass/decide.ts';
import { withoutIds } from './difference.ts';
import type { Scenario } from './scenario.ts';

/** A host on which Docker has its chains and nobody has been before us. */
export const untouched: Observed = {
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
export function renderScenario({ moments, config, foreign }: Scenario): ReadonlyMap<string, string> {
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
    ['v4.rules', withoutIds(rules(4))],
    ['v6.rules', withoutIds(rules(6))],
    ['sets.restore', renderSets(setChanges(plan))],
    ['plan.txt', `${[...problems, ...changes].join('\n')}\n`],
  ]);
}
