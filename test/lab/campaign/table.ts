import { type Outcome, type Row, sum, unnamed } from './outcome.ts';
import type { MeasureName } from './record.ts';

/** The middle value (of two, the greater); undefined of none. */
export function median(values: readonly number[]): number | undefined {
  return percentile(values, 50);
}

function percentile(values: readonly number[], percent: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))];
}

const number = (value: number): string => Math.round(value).toLocaleString('en');
const milliseconds = (value: number | undefined): string =>
  value === undefined ? '' : `${number(value)} ms`;

/** `3 ms`, or where it was measured more often `3 ms (1 to 9, 5 times)`. */
function spread(values: readonly number[] | undefined): string {
  if (values === undefined || values.length === 0) return '';
  if (values.length === 1) return milliseconds(values[0]);
  const ends = `${number(Math.min(...values))} to ${number(Math.max(...values))}`;
  return `${milliseconds(median(values))} (${ends}, ${values.length} times)`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const right = head.map((_, index) => (index < 2 ? '---' : '---:'));
  return [line(head), line(right), ...rows.map(line)].join('\n');
}

/** S2 before S10, words after them, what has no name last. */
function byScenario(a: string, b: string): number {
  const rank = (name: string): number => (name === unnamed ? 1000 : Number(/^S(\d+)/.exec(name)?.[1] ?? 999));
  return rank(a) - rank(b) || a.localeCompare(b);
}

function together(rows: readonly Row[], name: MeasureName): readonly number[] {
  return rows.flatMap(({ measures }) => measures.get(name) ?? []);
}

function summary({ rows, titles }: Outcome): string {
  const scenarios = [...titles.keys()].toSorted(byScenario);
  const lines = scenarios.flatMap((scenario) => {
    const here = rows.filter((row) => row.scenario === scenario);
    if (here.length === 0) return [];
    const outages = here.flatMap(({ outage }) => outage ?? []);
    return [
      [
        scenario,
        (titles.get(scenario) ?? []).map((title) => title.replaceAll('|', '\\|')).join('; '),
        number(here.reduce((total, { attempts }) => total + sum(attempts), 0)),
        number(here.reduce((total, { handshakes }) => total + handshakes, 0)),
        number(here.reduce((total, { answered }) => total + answered, 0)),
        outages.length === 0 ? '' : milliseconds(Math.max(...outages)),
      ],
    ];
  });
  return table(
    [
      'scenario',
      'what happens',
      'forbidden attempts',
      'handshakes completed',
      'datagrams answered',
      'longest outage of an allowed client',
    ],
    lines,
  );
}

function everyRow({ rows }: Outcome): string {
  const sorted = rows.toSorted(
    (a, b) => byScenario(a.scenario, b.scenario) || a.setup.localeCompare(b.setup),
  );
  return table(
    [
      'scenario',
      'engine',
      'attempts TCP v4',
      'TCP v6',
      'UDP v4',
      'UDP v6',
      'handshakes',
      'datagrams',
      'longest outage',
      'time to repair',
    ],
    sorted.map(({ scenario, setup, attempts: { tcp4, tcp6, udp4, udp6 }, ...row }) => [
      scenario,
      setup,
      ...[tcp4, tcp6, udp4, udp6, row.handshakes, row.answered].map(number),
      milliseconds(row.outage),
      spread(row.measures.get('repaired after')),
    ]),
  );
}

/** Times that something outside had the gate open; a median for each kind of engine and over all. */
function openTimes({ rows }: Outcome, name: MeasureName, word = 'open'): string | undefined {
  const measured = rows.filter(({ measures }) => measures.has(name));
  if (measured.length === 0) return undefined;
  const of = (backend: string): readonly number[] =>
    together(
      measured.filter(({ setup }) => setup.includes(backend)),
      name,
    );
  const lines = measured.map(({ scenario, setup, measures }) => [
    scenario,
    setup,
    spread(measures.get(name)),
  ]);
  const medians = ['nft', 'legacy'].flatMap((backend) => {
    const values = of(backend);
    return values.length === 0 ? [] : [['**median**', backend, `**${spread(values)}**`]];
  });
  return table(['scenario', 'engine', word], [...lines, ...medians]);
}

function startLatency({ rows }: Outcome): string | undefined {
  const kinds = (['IPv4', 'IPv6'] as const).flatMap((family) =>
    ([' without dockwall', ''] as const).map((kind) => {
      const values = together(rows, `start latency ${family}${kind}`);
      return { name: `${family}${kind || ' with dockwall'}`, values };
    }),
  );
  const lines = kinds
    .filter(({ values }) => values.length > 0)
    .map(({ name, values }) => [
      name,
      number(values.length),
      ...[10, 50, 90, 99].map((percent) => milliseconds(percentile(values, percent))),
    ]);
  return lines.length === 0 ? undefined : table(['', 'starts', '10 %', 'median', '90 %', '99 %'], lines);
}

/** The one sentence on top. */
export function verdict({ rows, counts, wrong }: Outcome): string {
  const total = (read: (row: Row) => number): string => number(rows.reduce((all, row) => all + read(row), 0));
  const attempts = total((row) => sum(row.attempts));
  const got = `${total((row) => row.handshakes)} handshakes completed, ${total((row) => row.answered)} datagrams answered`;
  const tests = `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
  return `${attempts} forbidden attempts: ${got}. Scenarios: ${tests}${wrong.length === 0 ? '' : `; ${wrong.length} wrong`}.`;
}

/** What stands above the tables. */
export interface Preface {
  readonly date: string;
  readonly commit: string;
  readonly machine: string;
  readonly duration: string;
  readonly command: string;
}

/** The whole page. */
export function page(outcome: Outcome, preface: Preface): string {
  const { date, commit, machine, duration, command } = preface;
  const parts = [
    '# The campaign',
    `Written by \`${command}\` (${duration}) on ${date}, at commit ${commit}, on a machine with ${machine}. The same command gets it again: it needs root on a Debian machine (\`.ci/run\` installs what is missing), and neither Docker nor a network of its own.`,
    `**${verdict(outcome)}**`,
    ...(outcome.wrong.length === 0
      ? []
      : [outcome.wrong.map((sentence) => `- wrong: ${sentence.replaceAll('\n', ' ')}`).join('\n')]),
    `Forbidden clients try without a pause, over IPv4 and IPv6, while the scenario happens; allowed ones are served meanwhile, and the longest time without an answer is their outage (times when the engine itself has the container down are not watched). After each scenario the rules and external sets are compared byte by byte, and after each file \`down\` must leave every table and set as it was before (S18, S19). S26, which holds what \`explain\` says against single packets, is played as well and has no row: nobody tries there without a pause.`,
    '## By scenario',
    summary(outcome),
    ...section(
      '## Where something outside removes the gate itself',
      openTimes(outcome, 'open for'),
      'From the first forbidden handshake to the last; 0: none. Then the walls are whole again.',
    ),
    ...section(
      '## How long public ports are shut then',
      openTimes(outcome, 'shut for', 'shut'),
      "The lock behind the gate drops what has not the gate's mark, so until the gate is back nobody gets in, whatever is public. Where Docker's own rules go as well, the rest of the time is Docker's.",
    ),
    ...section(
      '## A boot of the host',
      openTimes(outcome, 'open at boot'),
      'Without the boot unit (see [limits](limits.md)): from the first forbidden handshake to the last, while the engine starts every container at once and the sidecar is one of them. With the unit: none, see `boot` above.',
    ),
    ...section(
      "## From a container's start event to its public port answering a stranger",
      startLatency(outcome),
      '`docker run` of a container that nobody has seen before, with and without dockwall in turns. Below zero: docker-proxy answers before Docker says that the container has started.',
    ),
    '## By scenario and engine',
    everyRow(outcome),
  ];
  return `${parts.join('\n\n')}\n`;
}

function section(title: string, text: string | undefined, words: string): readonly string[] {
  return text === undefined ? [] : [title, words, text];
}
