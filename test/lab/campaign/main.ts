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
import { judge, type Played } from './outcome.ts';
import { type Job, play } from './play.ts';
import type { TestRecord } from './reporter.ts';
import { page, verdict } from './table.ts';

const usage = `npm run campaign [-- --short] [--only REGEXP] [--setups 0,1,...]

  Plays the scenarios of test/lab/scenarios on every setup of matrix.ts, two at a time, and writes docs/campaign.md.
  Ends with 1 when anything got in, or a scenario failed or was not played.

  --short    only the files that leak first when something is wrong; the table goes to .campaign/short.md
  --only     only the files whose names match; the table goes to .campaign/part.md
  --setups   only these setups, by number; the table goes to .campaign/part.md
`;

/**
 * S26, the oracle, has no forbidden client that never stops trying, so the table has no row for it; but it takes a minute, and
 * it has to hold on every engine. S31, discovery, has none either.
 */
const scenarios = Array.from({ length: 31 }, (_, index) => `S${index + 1}`);

/**
 * Where a leak shows first: containers and engines that come and go, the doors of docker-proxy, identity, drift, revocation, and
 * what other owners write to open or close what is not theirs.
 */
const short = {
  files: /^(?:lifecycle|docker-proxy|guard|identity|drift|revocation|bridges|owners|book|forgotten)\./,
  // of each kind what is quickest, so that all setups take less than eight minutes; the rest is the full run's
  tests:
    /S7: |S8: the engine|S10: (?:a new|.* at run)|S12: |S6: the address|S5, S6: |S9: (?:iptables -t mangle -[FI]|nft|ipset flush)|S21: a (?:source is|container|client whose)|S27: a|S28: |S29: (?:what|the guard)|S30: a client/,
};

const folder = path.join(projectDir, '.campaign');

interface Options {
  readonly kind: 'full' | 'short' | 'part';
  readonly files: RegExp;
  readonly tests: RegExp;
  readonly setups: readonly number[];
}

function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      short: { type: 'boolean', default: false },
      only: { type: 'string' },
      setups: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const part = values.only !== undefined || values.setups !== undefined;
  return {
    kind: part ? 'part' : values.short ? 'short' : 'full',
    files: values.only === undefined ? (values.short ? short.files : /./) : new RegExp(values.only),
    tests: values.short ? short.tests : /./,
    setups: values.setups?.split(',').map(Number) ?? everyPair.map((_, index) => index),
  };
}

/** A job for each setup, and one for the files that choose their engines themselves. */
function jobsOf({ files, tests, setups }: Options): readonly Job[] {
  const dir = path.join(projectDir, 'test/lab/scenarios');
  const chosen = readdirSync(dir).filter((name) => name.endsWith('.test.ts') && files.test(name));
  const onMatrix = (name: string): boolean =>
    /import \{[^}]*\bengines\b[^}]*\} from '\.\/matrix\.ts'/.test(readFileSync(path.join(dir, name), 'utf8'));
  const everywhere = chosen.filter(onMatrix);
  const own = chosen.filter((name) => !onMatrix(name));
  const jobs = setups.map((setup): Job => {
    const title = everyPair[setup]?.title;
    if (title === undefined) throw new Error(`there is no setup ${setup}`);
    return { title, setup, files: everywhere, tests, folder, onTest };
  });
  return [
    ...(everywhere.length > 0 ? jobs : []),
    ...(own.length > 0 ? [{ title: 'any', setup: 0, files: own, tests, folder, onTest }] : []),
  ];
}

const marks = { passed: paint('green', '✓'), failed: paint('red', '✗'), skipped: paint('dim', '-') };

function onTest(job: Job, { test, file, state, ms, errors }: TestRecord): void {
  const time = `${(ms / 1000).toFixed(1)} s`.padStart(8);
  say(`${marks[state]} ${time}  ${job.title.padEnd(34)} ${test ?? file}`);
  for (const error of errors) say(paint('red', error.replaceAll(/^/gm, '      ')));
}

/** Two at a time, the next one when one is done. */
async function playAll(jobs: readonly Job[]): Promise<readonly Played[]> {
  const waiting = [...jobs];
  const played: Played[] = [];
  const worker = async (): Promise<void> => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) played.push(await play(job));
  };
  await Promise.all([worker(), worker()]);
  return played;
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
  const outcome = judge(await playAll(jobsOf(options)), options.kind === 'full' ? scenarios : []);
  const text = page(outcome, {
    date: new Date().toISOString().slice(0, 10),
    commit: await commit(),
    machine: machine(),
    duration: `${Math.round((performance.now() - began) / 60_000)} minutes`,
    command: `npm run campaign${options.kind === 'short' ? ' -- --short' : ''}`,
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
