import { stripVTControlCharacters } from 'node:util';
import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node';

/** What became of one test, or of what stands around tests (a file, a hook): a line of JSON on standard output. */
export interface TestRecord {
  /** The file's name, without its folder. */
  readonly file: string;
  /** The test's own name; undefined for what stands around tests, which is told only when it failed. */
  readonly test?: string;
  readonly state: 'passed' | 'failed' | 'skipped';
  readonly ms: number;
  readonly errors: readonly string[];
}

type Errors = readonly { readonly message?: string; readonly stack?: string; readonly diff?: string }[];

/** Lines of a difference that are told. */
const longestDiff = 20;

const fileOf = (module: TestModule): string => module.moduleId.replace(/.*\//, '');

function tell(record: TestRecord): void {
  process.stdout.write(`${JSON.stringify(record)}\n`);
}

function texts(errors: Errors | undefined): readonly string[] {
  return (errors ?? []).map(({ message, stack, diff }) => {
    const place = /^ +at .*?([\w-]+\.ts:\d+)/m.exec(stack ?? '')?.[1];
    const lines = stripVTControlCharacters(diff ?? '').split('\n');
    const changed = lines.filter((line) => /^[-+] /.test(line)).slice(0, longestDiff);
    return [`${message ?? 'unknown error'}${place === undefined ? '' : ` (${place})`}`, ...changed].join(
      '\n',
    );
  });
}

/** Vitest's side of the campaign: what it says instead of its own report. */
export default class CampaignReporter implements Reporter {
  onTestCaseResult(test: TestCase): void {
    const { state, errors } = test.result();
    const ms = Math.round(test.diagnostic()?.duration ?? 0);
    if (state === 'pending') return;
    tell({ file: fileOf(test.module), test: test.name, state, ms, errors: texts(errors) });
  }

  onTestSuiteResult(suite: TestSuite): void {
    this.#around(fileOf(suite.module), suite.errors());
  }

  onTestModuleEnd(module: TestModule): void {
    this.#around(fileOf(module), module.errors());
  }

  onTestRunEnd(_modules: readonly TestModule[], errors: Errors): void {
    this.#around('vitest', errors);
  }

  #around(file: string, errors: Errors): void {
    if (errors.length > 0) tell({ file, state: 'failed', ms: 0, errors: texts(errors) });
  }
}
