import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { nodeBinary, projectDir } from '../paths.ts';
import { type Way, wayVariable } from '../started-as.ts';
import type { Played } from './outcome.ts';
import { paceVariable, parseRecords, recordVariable } from './record.ts';
import type { TestRecord } from './reporter.ts';

/** One run of vitest. */
export interface Job {
  /** The setup's title; `any` for files that choose their own. */
  readonly title: string;
  /** Of the files it leaves in the folder. */
  readonly name: string;
  /** Its number in the matrix. */
  readonly setup: number;
  /** Test files below test/lab/scenarios. */
  readonly files: readonly string[];
  /** Which of their tests. */
  readonly tests: RegExp;
  /** Where records and the log of the run are kept. */
  readonly folder: string;
  /** How the sidecar is started; as in compose.example.yml unless told. */
  readonly as?: Way;
  /** See {@link paceVariable}. */
  readonly pace?: number;
  readonly onTest: (job: Job, test: TestRecord) => void;
}

const vitest = [path.join(projectDir, 'node_modules/vitest/vitest.mjs'), 'run'].concat(
  ['--config', 'test/vitest.config.ts', '--project', 'lab', '--maxWorkers', '1'],
  ['--reporter', path.join(import.meta.dirname, 'reporter.ts')],
);

/** Plays the scenarios of the files on one setup; fails never, but tells what was. */
export async function play(job: Job): Promise<Played> {
  const records = path.join(job.folder, `${job.name}.jsonl`);
  const log = createWriteStream(path.join(job.folder, `${job.name}.log`));
  rmSync(records, { force: true });
  const files = job.files.map((file) => `test/lab/scenarios/${file}`);
  const child = spawn(nodeBinary(), [...vitest, '--testNamePattern', job.tests.source, ...files], {
    cwd: projectDir,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      [recordVariable]: records,
      DOCKWALL_LAB_SETUPS: String(job.setup),
      ...(job.as === undefined ? {} : { [wayVariable]: job.as }),
      ...(job.pace === undefined ? {} : { [paceVariable]: String(job.pace) }),
    },
  });
  // ended with us: the labs of a vitest that is told to end go with it
  const end = (): void => void child.kill('SIGTERM');
  process.once('exit', end);
  const tests: TestRecord[] = [];
  child.stderr.pipe(log, { end: false });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const test = parseTest(line);
    log.write(`${line}\n`);
    // a test that was not asked for is skipped as well
    if (test === undefined || (test.state === 'skipped' && !job.tests.test(test.test ?? ''))) return;
    tests.push(test);
    job.onTest(job, test);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  process.removeListener('exit', end);
  log.end();
  const written = existsSync(records) ? parseRecords(readFileSync(records, 'utf8')) : [];
  return { setup: job.title, tests, records: written, ...whatBroke(job, tests, code) };
}

function whatBroke(
  job: Job,
  tests: readonly TestRecord[],
  code: number | null,
): { readonly broken?: string } {
  const seen = new Set(tests.map(({ file }) => file));
  const silent = job.files.filter((file) => !seen.has(file));
  if (silent.length > 0) return { broken: `nothing was heard of ${silent.join(', ')} (vitest: ${code})` };
  const failed = tests.some(({ state }) => state === 'failed');
  return code === 0 || failed ? {} : { broken: `vitest ended with ${code}, and no test failed` };
}

function parseTest(line: string): TestRecord | undefined {
  if (!line.startsWith('{"file":')) return undefined;
  try {
    return JSON.parse(line) as TestRecord;
  } catch {
    return undefined;
  }
}
