import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { Run } from './command.ts';

/** A program's output, line by line; resolves with its size when the program has ended well. */
export type ReadLines = (
  argv: readonly [string, ...string[]],
  onLine: (line: string) => void,
) => Promise<number>;

/** The same in pieces of whole lines. */
type ReadText = (argv: readonly [string, ...string[]], onText: (text: string) => void) => Promise<number>;

interface Reading {
  readonly argv: readonly [string, ...string[]];
  readonly onText: (text: string) => void;
  readonly resolve: (size: number) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The one place with a shell, and nothing of anybody's gets into its text: each line that it reads is one program with its
 * arguments, words of our own. It is there because a process of this size is dear to fork: 3 programs started from
 * Node take 19 to 22 ms of processor time, from this 4 (measured). It ends with its input, so with us at the latest; no program
 * reads of that input, where the next lines may stand already.
 */
const script = 'set -f; while read -r line; do $line </dev/null; echo "$0 $?"; done';

const timeLimit = 10_000;
const plainWord = /^[\w-]+$/;

/** Runs programs that only read, one after the other, at little cost; for what is done every few seconds. */
export class ProgramReader {
  private child: ChildProcess | undefined;
  private readonly waiting: Reading[] = [];
  private timer: NodeJS.Timeout | undefined;
  /** Of what the first of those has said. */
  private size = 0;
  private stopped = false;

  readonly read: ReadLines = (argv, onLine) =>
    this.readText(argv, (text) => {
      let from = 0;
      for (let to = text.indexOf('\n'); to !== -1; to = text.indexOf('\n', from)) {
        onLine(text.slice(from, to));
        from = to + 1;
      }
    });

  readonly readText: ReadText = (argv, onText) =>
    new Promise((resolve, reject) => {
      if (argv.some((word) => !plainWord.test(word)))
        throw new TypeError(`running ${argv.join(' ')}: these are not plain words`);
      this.waiting.push({ argv, onText, resolve, reject });
      // It has its next line before it has done with the first: this process may be busy, or loading something, meanwhile.
      if (this.child !== undefined) this.ask(argv);
      if (this.waiting.length === 1) this.next();
    });

  /** What is being read is rejected, and nothing more is. */
  stop(): void {
    this.stopped = true;
    this.end();
  }

  /** Its group: the program that it waits for as well. */
  private end(): void {
    try {
      if (this.child?.pid !== undefined) process.kill(-this.child.pid, 'SIGKILL');
    } catch {
      // it has ended by itself
    }
  }

  /** Waits for the first of those that wait. */
  private next(): void {
    if (this.waiting.length === 0) return;
    if (this.stopped) return this.done('none: it was stopped');
    this.timer = setTimeout(() => this.end(), timeLimit);
    if (this.child !== undefined) return;
    this.child = this.start();
    for (const { argv } of this.waiting) this.ask(argv);
  }

  private ask(argv: readonly string[]): void {
    this.child?.stdin?.write(`${argv.join(' ')}\n`);
  }

  private start(): ChildProcess {
    // what ends an output, and stands in none
    const marker = randomUUID();
    const child = spawn('sh', ['-c', script, marker], {
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
      env: { ...process.env, LC_ALL: 'C' },
    });
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const end = text.lastIndexOf('\n') + 1;
      if (end === 0) {
        rest += text;
        return;
      }
      // The line that began in the piece before is put together by itself: the pieces are large, and are not copied.
      const first = rest === '' ? 0 : text.indexOf('\n') + 1;
      const begun = rest + text.slice(0, first);
      rest = text.slice(end);
      this.hear(begun, marker);
      this.hear(text.slice(first, end), marker);
    });
    child.stdin.on('error', () => {});
    child.on('error', () => {});
    child.on('close', () => {
      this.child = undefined;
      if (this.waiting.length > 0) this.done('none: it was ended');
    });
    return child;
  }

  /** Whole lines: of the program that is waited for, the marker with its exit status, and those of the next. */
  private hear(text: string, marker: string): void {
    let from = 0;
    for (let at = text.indexOf(marker); at !== -1; at = text.indexOf(marker, from)) {
      const end = text.indexOf('\n', at);
      this.say(text.slice(from, at));
      this.done(text.slice(at + marker.length + 1, end));
      from = end + 1;
    }
    this.say(text.slice(from));
  }

  private say(text: string): void {
    if (text === '') return;
    this.size += text.length;
    this.waiting[0]?.onText(text);
  }

  private done(status: string): void {
    clearTimeout(this.timer);
    const { size } = this;
    this.size = 0;
    const reading = this.waiting.shift();
    if (status === '0') reading?.resolve(size);
    else reading?.reject(new Error(`running ${reading.argv.join(' ')}: exit status ${status}`));
    this.next();
  }
}

/**
 * A {@link Run} that lets `read` run what only reads: starting programs is most of what a pass costs, and while this process
 * forks it hears nothing. What does not end well is run again by `run`, which says why.
 */
export function readingRun(read: ReadText, run: Run): Run {
  return async (command) => {
    const { program, args, input, onText, ...rest } = command;
    if (input !== undefined || ![program, ...args].every((word) => plainWord.test(word))) return run(command);
    let stdout = '';
    try {
      await read([program, ...args], onText ?? ((text) => (stdout += text)));
    } catch {
      return run({ program, args, ...rest });
    }
    return { stdout, stderr: '', exitCode: 0 };
  };
}
