// npm run campaign: every scenario on every engine, while the forbidden never stop trying; what got in, as a table.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, release, totalmem } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { paint, say } from '../../demo/terminal.ts';
import { projectDir } from '../paths.ts';
import { missingRequirements } from '../requirements.ts';
import { run } from '../run.ts';
import { everyPair } from '../scenarios/matrix.ts';
import { otherWays, type Way } from '../started-as.ts';
import { judge, type Played } from './outcome.ts';
import { type Job, play } from './play.ts';
import type { TestRecord } from './reporter.ts';
import { page, verdict } from './table.ts';

const usage = `npm run campaign [-- --short] [--only REGEXP] [--setups 0,1,...] [--as hardened|proxy|swarm]

  Plays the scenarios of test/lab/scenarios on every setup of matrix.ts, two at a time, and writes docs/campaign.md.
  Ends with 1 when anything got in, or a scenario failed or was not played.

  --short    what npm test leaves: tests that take long, and what leaks first when something is wrong on the five setups that
             it was not played on; three at a time; the table goes to .campaign/short.md
  --only     only the files whose names match; the table goes to .campaign/part.md
  --setups   only these setups, by number; the table goes to .campaign/part.md
  --as       with a sidecar of docs/recipes/hardened.compose.yml, behind a socket proxy, or as a service of a Swarm; the table goes
             to .campaign/part.md
`;

/**
 * S26, the oracle, has no forbidden client that never stops trying, so the table has no row for it; but it takes a minute, and
 * it has to hold on every engine. S31, discovery, has none either, nor S32, observing.
 */
const scenarios = Array.from({ length: 34 }, (_, index) => `S${index + 1}`);

/**
 * Where a leak shows first: containers and engines that come and go, the doors of docker-proxy, identity, drift, revocation, and
 * what other owners write to open or close what is not theirs.
 */
const short = {
  files: /^(?:lifecycle|docker-proxy|guard|identity|drift|lock|revocation|bridges|owners|book|forgotten)\./,
  // of each kind what is quickest; the rest is the full run's
  tests:
    /S7: |S8: the engine|S10: (?:a new|.* at run)|S12: |S6: the address|S5, S6: |S9: (?:iptables -t mangle -[FI]|nft|ipset flush)|S33: (?:a dockwall that hangs|without)|S21: a (?:source is|container|client whose)|S27: a|S28: bridges|S29: (?:what|the guard)|S30: a client/,
  // on the other of npm test's two setups, with all of their tests: what Docker's own rules decide, whose places those two differ in
  other: /^(?:access|direct|paths)\./,
  // the sidecar started otherwise, where that could matter: rights for what is put back, the proxy for what Docker tells
  ways: {
    hardened: {
      setup: 0,
      files: ['drift.test.ts', 'lifecycle.test.ts'],
      tests: /S7: |S9: (?:iptables -t|nft|ipset f)/,
    },
    proxy: { setup: 1, files: ['failure.test.ts', 'lifecycle.test.ts'], tests: /S7: |S8: |Docker is gone/ },
    swarm: { setup: 1, files: ['labels.test.ts', 'lifecycle.test.ts'], tests: /S7: |S8: |S11: / },
  },
  // so many runs of vitest for the files of one setup, so that they end at about the same time
  parts: 2,
};

const folder = path.join(projectDir, '.campaign');

interface Options {
  readonly kind: 'full' | 'short' | 'part';
  readonly files: RegExp;
  readonly tests: RegExp;
  readonly setups: readonly number[];
  readonly as: Way | undefined;
}

function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      short: { type: 'boolean', default: false },
      only: { type: 'string' },
      setups: { type: 'string' },
      as: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const as = otherWays.find((one) => one === values.as);
  if (as !== values.as) throw new Error(`--as ${values.as}: one of ${otherWays.join(', ')}`);
  const part = [values.only, values.setups, as].some((one) => one !== undefined);
  return {
    kind: part ? 'part' : values.short ? 'short' : 'full',
    files: values.only === undefined ? (values.short ? short.files : /./) : new RegExp(values.only),
    tests: values.short ? short.tests : /./,
    setups: values.setups?.split(',').map(Number) ?? everyPair.map((_, index) => index),
    as,
  };
}

/** A file of scenarios, and whose turn it is in `npm test`; undefined where it chooses its engines itself. */
interface File {
  readonly name: string;
  readonly turn: string | undefined;
}

function filesOf(wanted: RegExp): readonly File[] {
  const dir = path.join(projectDir, 'test/lab/scenarios');
  const turnOf = (name: string): string | undefined =>
    /\bengines\('(legacy|nft)'\)/.exec(readFileSync(path.join(dir, name), 'utf8'))?.[1];
  return readdirSync(dir)
    .filter((name) => name.endsWith('.test.ts') && wanted.test(name))
    .map((name) => ({ name, turn: turnOf(name) }));
}

/** A job for each setup, and one for the files that choose their engines themselves. */
function jobsOf({ files, tests, setups, as }: Options): readonly Job[] {
  const chosen = filesOf(files);
  const everywhere = chosen.filter(({ turn }) => turn !== undefined).map(({ name }) => name);
  const own = chosen.filter(({ turn }) => turn === undefined).map(({ name }) => name);
  return [
    ...(everywhere.length > 0 ? setups.map((setup) => jobOn({ setup, files: everywhere, tests, as })) : []),
    ...(own.length > 0 ? [{ title: 'any', name: 'any', setup: 0, files: own, tests, folder, onTest }] : []),
  ];
}

function jobOn({
  setup,
  part = '',
  as,
  ...rest
}: Pick<Job, 'setup' | 'files' | 'tests'> & { part?: string; as?: Way | undefined }): Job {
  const engine = everyPair[setup]?.title;
  if (engine === undefined) throw new Error(`there is no setup ${setup}`);
  const title = as === undefined ? engine : `${engine}, ${as}`;
  const name = `${title}${part}`.replaceAll(/\W+/g, '-');
  return { title, name, setup, ...rest, ...(as && { as }), folder, onTest };
}

/**
 * What leaks first, on each setup that `npm test` does not play it on: on the four others what is quickest of it, on its own two
 * all of it, with the tests that `npm test` leaves out since they take long. These begin first.
 */
function shortJobs(): readonly Job[] {
  const files = filesOf(/./).filter(({ turn }) => turn !== undefined);
  const started = [1, 0, 2, 3, 4, 5].flatMap((setup) => {
    const ofTest = setup < 2;
    const { backend } = everyPair[setup] ?? everyPair[0];
    const chosen = files
      .filter(({ name, turn }) =>
        ofTest
          ? turn !== backend && (short.files.test(name) || short.other.test(name))
          : short.files.test(name),
      )
      .map(({ name }) => name);
    return Array.from({ length: short.parts }, (_, part) => {
      const some = chosen.filter((_, index) => index % short.parts === part);
      return jobOn({ setup, part: ` ${part + 1}`, files: some, tests: ofTest ? /./ : short.tests });
    });
  });
  return [...started, ...otherWays.map((as) => jobOn({ ...short.ways[as], as }))];
}

const marks = { passed: paint('green', '✓'), failed: paint('red', '✗'), skipped: paint('dim', '-') };

function onTest(job: Job, { test, file, state, ms, errors }: TestRecord): void {
  const time = `${(ms / 1000).toFixed(1)} s`.padStart(8);
  say(`${marks[state]} ${time}  ${job.title.padEnd(34)} ${test ?? file}`);
  for (const error of errors) say(paint('red', error.replaceAll(/^/gm, '      ')));
}

/** So many at a time, the next one when one is done. */
async function playAll(jobs: readonly Job[], atOnce: number): Promise<readonly Played[]> {
  const waiting = [...jobs];
  const played: Played[] = [];
  const worker = async (): Promise<void> => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) played.push(await play(job));
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return together(played);
}

/** What was played on one setup in several runs, as one. */
function together(played: readonly Played[]): readonly Played[] {
  const bySetup = Map.groupBy(played, ({ setup }) => setup);
  return [...bySetup].map(([setup, parts]) => {
    const broken = parts.flatMap((part) => part.broken ?? []).join('; ');
    return {
      setup,
      tests: parts.flatMap(({ tests }) => tests),
      records: parts.flatMap(({ records }) => records),
      ...(broken === '' ? {} : { broken }),
    };
  });
}

async function commit(): Promise<string> {
  const git = async (...args: string[]): Promise<string> => {
    const { stdout } = await run(['git', '-C', projectDir, ...args], { allowFailure: true });
    return stdout.trim();
  };
  const changed = (await git('status', '--porcelain')) !== '';
  return `${await git('rev-parse', '--short', 'HEAD')}${changed ? ' with changes' : ''}`;
}

function machine(): string {
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  const kernel = /^\d+\.\d+/.exec(release())?.[0] ?? release();
  return `${availableParallelism()} cores, ${gigabytes} GB of memory and Linux ${kernel}`;
}

async function campaign(options: Options): Promise<number> {
  mkdirSync(folder, { recursive: true });
  const began = performance.now();
  const isShort = options.kind === 'short';
  // the full run's figures are for reading: less beside each other
  const jobs = isShort ? shortJobs() : jobsOf(options).map((job) => ({ ...job, pace: 1 }));
  const played = await playAll(jobs, isShort ? 3 : 2);
  const outcome = judge(played, options.kind === 'full' ? scenarios : []);
  const text = page(outcome, {
    date: new Date().toISOString().slice(0, 10),
    commit: await commit(),
    machine: machine(),
    duration: `${Math.round((performance.now() - began) / 60_000)} minutes`,
    command: `npm run campaign${isShort ? ' -- --short' : ''}`,
  });
  const good = outcome.wrong.length === 0 && outcome.counts.passed > 0;
  // a page that is committed says what was seen when all was well
  const file =
    options.kind === 'full' && good
      ? path.join(projectDir, 'docs/campaign.md')
      : path.join(folder, `${options.kind}.md`);
  writeFileSync(file, text);
  writeFileSync(path.join(folder, `${options.kind}.json`), JSON.stringify(outcome.counts));
  say(`\n${text}`);
  for (const sentence of outcome.wrong) say(paint('red', `wrong: ${sentence}`));
  say(`written to ${path.relative(projectDir, file)}`);
  say(paint(good ? ['bold', 'green'] : ['bold', 'red'], verdict(outcome)));
  say(`${outcome.counts.passed} passed, ${outcome.counts.failed} failed`);
  return good ? 0 : 1;
}

for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => process.exit(1));
try {
  const options = readOptions(process.argv.slice(2));
  const missing = missingRequirements();
  if (options === undefined) say(usage);
  else if (missing.length > 0)
    throw new Error(`the campaign cannot be played here:\n  ${missing.join('\n  ')}`);
  else process.exitCode = await campaign(options);
} catch (error) {
  say(`\n${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
