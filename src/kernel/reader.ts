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
 * Node take 19 to 22 ms of processor time, from this 4 (measured). It ends with its input, so with us at the latest.
 */
const script = 'set -f; while read -r line; do $line; echo "$0 $?"; done';

const timeLimit = 10_000;
const plainWord = /^[\w-]+$/;

/** Runs programs that only read, one after the other, at little cost; for what is done every few seconds. */
export class ProgramReader {
  private child: ChildProcess | undefined;
  private readonly waiting: Reading[] = [];
  private timer: NodeJS.Timeout | undefined;
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

  private next(): void {
    const [reading] = this.waiting;
    if (reading === undefined) return;
    if (this.stopped) return this.done('none: it was stopped', 0);
    this.timer = setTimeout(() => this.end(), timeLimit);
    this.child ??= this.start();
    this.child.stdin?.write(`${reading.argv.join(' ')}\n`);
  }

  private start(): ChildProcess {
    // what ends an output, and stands in none
    const marker = randomUUID();
    const child = spawn('sh', ['-c', script, marker], {
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
      env: { ...process.env, LC_ALL: 'C' },
    });
    let size = 0;
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      size += text.length;
      const end = text.lastIndexOf('\n') + 1;
      if (end === 0) {
        rest += text;
        return;
      }
      // The line that began in the piece before is put together by itself: the pieces are large, and are not copied.
      const first = rest === '' ? 0 : text.indexOf('\n') + 1;
      const lines = [rest + text.slice(0, first), text.slice(first, end)].filter((piece) => piece !== '');
      rest = text.slice(end);
      for (const piece of lines) {
        // The marker's line is the last of its program, and nothing comes after it before the next one is asked for.
        const marked = piece.startsWith(marker) ? 0 : piece.lastIndexOf(`\n${marker}`) + 1;
        const ends = piece.startsWith(marker, marked);
        const said = ends ? piece.slice(0, marked) : piece;
        if (said !== '') this.waiting[0]?.onText(said);
        if (!ends) continue;
        this.done(piece.slice(marked + marker.length + 1, -1), size);
        size = 0;
      }
    });
    child.stdin.on('error', () => {});
    child.on('error', () => {});
    child.on('close', () => {
      this.child = undefined;
      if (this.waiting.length > 0) this.done('none: it was ended', 0);
    });
    return child;
  }

  private done(status: string, size: number): void {
    clearTimeout(this.timer);
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
