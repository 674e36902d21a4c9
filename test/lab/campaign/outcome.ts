import type { Attempts, LabRecord, MeasureName } from './record.ts';
import type { TestRecord } from './reporter.ts';

/** All that was written down while one setup was played. */
export interface Played {
  /** The setup's title; `any` for files that choose their own. */
  readonly setup: string;
  readonly tests: readonly TestRecord[];
  readonly records: readonly LabRecord[];
  /** Why vitest ended otherwise than it should; undefined when it ended well or with failed tests. */
  readonly broken?: string;
}

/** One line of the table: what the packets of one scenario met on one engine. */
export interface Row {
  /** `S8`, `S13, S14`, or the word before the colon in the test's name. */
  readonly scenario: string;
  readonly setup: string;
  readonly attempts: Attempts;
  readonly handshakes: number;
  readonly answered: number;
  readonly outage: number | undefined;
  readonly measures: ReadonlyMap<MeasureName, readonly number[]>;
}

export interface Outcome {
  readonly rows: readonly Row[];
  /** The names of the tests of each scenario, without what is before the colon. */
  readonly titles: ReadonlyMap<string, readonly string[]>;
  readonly counts: { readonly passed: number; readonly failed: number; readonly skipped: number };
  /** What makes the campaign fail, a sentence each; empty when nothing got in and everything was played. */
  readonly wrong: readonly string[];
}

/** Tests that have no word of their own in front. */
export const unnamed = 'more';

export function scenarioOf(test: string): string {
  return /^(S\d+(?:, S\d+)*|[a-z]+): /.exec(test)?.[1] ?? unnamed;
}

export const sum = ({ tcp4, tcp6, udp4, udp6 }: Attempts): number => tcp4 + tcp6 + udp4 + udp6;

/**
 * What everything that was written down comes to.
 *
 * @param expected scenarios (`S8`) that must have been played on each setup.
 */
export function judge(played: readonly Played[], expected: readonly string[]): Outcome {
  const tests = played.flatMap((one) => one.tests);
  const rows = played.flatMap(rowsOf);
  const titles = new Map<string, Set<string>>();
  for (const { test } of tests) {
    if (test === undefined) continue;
    const scenario = scenarioOf(test);
    const title = scenario === unnamed ? test : test.slice(scenario.length + 2);
    titles.set(scenario, (titles.get(scenario) ?? new Set()).add(title));
  }
  const count = (state: TestRecord['state']): number => tests.filter((one) => one.state === state).length;
  return {
    rows,
    titles: new Map([...titles].map(([scenario, set]) => [scenario, [...set]])),
    counts: { passed: count('passed'), failed: count('failed'), skipped: count('skipped') },
    wrong: [...rows.flatMap(gotIn), ...played.flatMap(failures), ...notPlayed(played, expected)],
  };
}

function rowsOf({ setup: title, records }: Played): readonly Row[] {
  const groups = new Map<string, LabRecord[]>();
  for (const record of records) {
    const scenario = scenarioOf(record.test.slice(record.test.lastIndexOf(' > ') + 3));
    const key = JSON.stringify([scenario, record.setup || title]);
    groups.set(key, [...(groups.get(key) ?? []), record]);
  }
  return [...groups].map(([key, group]) => {
    const [scenario = '', setup = ''] = JSON.parse(key) as string[];
    return rowOf(scenario, setup, group);
  });
}

function rowOf(scenario: string, setup: string, records: readonly LabRecord[]): Row {
  const attempts = { tcp4: 0, tcp6: 0, udp4: 0, udp6: 0 };
  const measures = new Map<MeasureName, number[]>();
  let [handshakes, answered] = [0, 0];
  let outage: number | undefined;
  for (const record of records) {
    if (record.kind === 'measure') {
      measures.set(record.name, [...(measures.get(record.name) ?? []), record.ms]);
      continue;
    }
    for (const key of Object.keys(attempts) as (keyof Attempts)[]) attempts[key] += record.attempts[key];
    handshakes += record.handshakes;
    answered += record.answered;
    if (record.outage !== undefined) outage = Math.max(outage ?? 0, record.outage);
  }
  return { scenario, setup, attempts, handshakes, answered, outage, measures };
}

function gotIn({ scenario, setup, handshakes, answered }: Row): readonly string[] {
  const what = [
    ...(handshakes > 0 ? [`${handshakes} forbidden handshakes completed`] : []),
    ...(answered > 0 ? [`${answered} forbidden datagrams answered`] : []),
  ];
  return what.map((words) => `${scenario} on ${setup}: ${words}`);
}

function failures({ setup, tests, broken }: Played): readonly string[] {
  const failed = tests
    .filter(({ state }) => state === 'failed')
    .map(({ file, test, errors }) => `${test ?? file} on ${setup}: ${errors.join('; ') || 'failed'}`);
  return broken === undefined ? failed : [...failed, `${setup}: ${broken}`];
}

/** A test that its file skips on a setup is not missing there: it says that the setup has no such thing. */
function notPlayed(played: readonly Played[], expected: readonly string[]): readonly string[] {
  const known = (one: Played, states: readonly string[]): ReadonlySet<string> =>
    new Set(
      one.tests
        .filter(({ state }) => states.includes(state))
        .flatMap(({ test = '' }) => scenarioOf(test).split(', ')),
    );
  const anywhere = new Set(played.flatMap((one) => [...known(one, ['passed', 'failed'])]));
  const free = new Set(
    played.filter(({ setup }) => setup === 'any').flatMap((one) => [...known(one, ['passed', 'failed'])]),
  );
  const nowhere = expected.filter((scenario) => !anywhere.has(scenario));
  const missing = played
    .filter(({ setup }) => setup !== 'any')
    .flatMap((one) => {
      const here = known(one, ['passed', 'failed', 'skipped']);
      return expected
        .filter((scenario) => anywhere.has(scenario) && !free.has(scenario) && !here.has(scenario))
        .map((scenario) => `${scenario} was not played on ${one.setup}`);
    });
  return [...nowhere.map((scenario) => `${scenario} was played nowhere`), ...missing];
}
