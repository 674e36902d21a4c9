/** One program run: an argv, never a shell line. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  /** Its standard input; empty when absent. */
  readonly input?: string;
  readonly timeoutMs: number;
  /**
   * Takes the standard output in pieces, as it comes; `stdout` is then empty. Who runs the command may leave this aside, or
   * begin anew: then all of it is in `stdout`.
   */
  readonly onText?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** What an ended program said. A non-zero exit is an answer here, not an error. */
export interface Output {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/**
 * Runs one command to its end: the seam between dockwall and the kernel's tools, and what a test replaces.
 * Rejects with a {@link KernelError} where no exit code came of it (no such program, time limit), and with
 * the signal's reason where it was aborted.
 */
export type Run = (command: Command) => Promise<Output>;

export type KernelErrorCode =
  | 'missing-program'
  | 'no-permission'
  | 'no-kernel-support'
  | 'lock-timeout'
  | 'rejected'
  | 'timed-out';

/** What a {@link KernelError} is made of. */
export interface KernelFailure {
  readonly code: KernelErrorCode;
  readonly command: Command;
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly stderr?: string;
  readonly cause?: unknown;
}

/**
 * One of the kernel's tools did not do what it was asked. The message reads gerund, object, cause:
 * `restoring mangle and filter (IPv4, nft): line 12 (-A ...): Chain 'X' does not exist`.
 */
export class KernelError extends Error {
  override readonly name = 'KernelError';
  readonly code: KernelErrorCode;
  readonly command: string;
  readonly args: readonly string[];
  /** Undefined where the program never ran to its end. */
  readonly exitCode: number | undefined;
  /** What it died of (`SIGSEGV`): a fault of the program's own, or somebody killed it. */
  readonly signal: string | undefined;
  readonly stderr: string;
  /** The whole standard input it was given, for the log at debug level. */
  readonly input: string | undefined;

  constructor(message: string, failure: KernelFailure) {
    super(message, failure.cause === undefined ? undefined : { cause: failure.cause });
    this.code = failure.code;
    this.command = failure.command.program;
    this.args = failure.command.args;
    this.exitCode = failure.exitCode;
    this.signal = failure.signal;
    this.stderr = failure.stderr ?? '';
    this.input = failure.command.input;
  }
}

/** `ipset save` prints the external sets too: a block list of a million addresses is about 40 MB. */
const largestOutput = 512 * 1024 * 1024;

/**
 * {@link Run} on the real system. execa takes 70-140 ms to import (node:child_process alone 3 ms), so it is
 * imported at the first command, while the caller may do other things.
 */
export const runCommand: Run = async (command) => {
  const { execa } = await import('execa');
  const { program, args, input, timeoutMs, signal } = command;
  const result = await execa(program, args, {
    input: input ?? '',
    // LC_ALL=C: what the tools print is parsed. The rest of the environment stays (PATH, XTABLES_LOCKFILE).
    env: { LC_ALL: 'C' },
    timeout: timeoutMs,
    // A restore commits a table in one step or not at all, so there is nothing to be polite about.
    killSignal: 'SIGKILL',
    stripFinalNewline: false,
    maxBuffer: largestOutput,
    reject: false,
    // A restore under way is let finish when we are asked to stop.
    cleanup: false,
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  });
  const { exitCode, stdout, stderr } = result;
  if (result.isCanceled) throw signal?.reason ?? result.cause;
  if (result.timedOut) {
    const cause = `no answer within ${timeoutMs / 1000} s`;
    throw new KernelError(`running ${program}: ${cause}`, { code: 'timed-out', command, stderr });
  }
  if (exitCode === undefined) throw notRun(command, result);
  return { stdout, stderr, exitCode };
};

/** What a program prints; undefined where it is missing or fails. */
export async function textOf(run: Run, command: Command): Promise<string | undefined> {
  const output = await run(command).catch(() => undefined);
  return output?.exitCode === 0 ? output.stdout : undefined;
}

function notRun(
  command: Command,
  result: Readonly<Partial<Record<'code' | 'originalMessage' | 'signal', string | undefined>>> & {
    readonly cause?: unknown;
  },
): KernelError {
  const missing = result.code === 'ENOENT';
  const why = missing ? 'no such program' : (result.originalMessage ?? 'it did not end by itself');
  const code = missing ? 'missing-program' : result.code === 'EACCES' ? 'no-permission' : 'rejected';
  return new KernelError(`running ${command.program}: ${why}`, {
    code,
    command,
    signal: result.signal,
    cause: result.cause,
  });
}
