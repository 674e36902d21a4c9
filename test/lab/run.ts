import { execa } from 'execa';

/** How a command of the lab is run. */
export interface RunOptions {
  readonly input?: string;
  /** A file for its standard input. */
  readonly inputFile?: string;
  /** The command is killed after this long; 60 s unless told. */
  readonly timeout?: number;
  /** A non-zero exit is an answer, not an error. */
  readonly allowFailure?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** `env` is the whole environment: nothing of ours gets in. */
  readonly cleanEnv?: boolean;
  readonly cwd?: string;
}

/** What a command said. `exitCode` is undefined where a signal or the time limit ended it. */
export interface RunResult {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

function stdin({
  input,
  inputFile,
}: RunOptions): { inputFile: string } | { input: string } | { stdin: 'ignore' } {
  if (inputFile !== undefined) return { inputFile };
  return input === undefined ? { stdin: 'ignore' } : { input };
}

/** Runs one command as an argv, with `LC_ALL=C`, a time limit and an error that holds what it printed. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [file, ...args] = argv;
  if (file === undefined) throw new Error('running nothing: the argv is empty');
  const result = await execa(file, args, {
    ...stdin(options),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { LC_ALL: 'C', ...options.env },
    extendEnv: options.cleanEnv !== true,
    timeout: options.timeout ?? 60_000,
    reject: false,
  });
  if (result.failed && options.allowFailure !== true) {
    const how = result.timedOut ? 'timed out' : `exit ${result.exitCode ?? result.signal ?? 'unknown'}`;
    const said = [result.stderr, result.stdout].filter(Boolean).join('\n');
    throw new Error(`running ${argv.join(' ')}: ${how}\n${said || result.originalMessage || ''}`);
  }
  return { exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr };
}

/** The standard output of a command that has to succeed. */
export async function output(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  return (await run(argv, options)).stdout;
}
