import { type ChildProcess, spawn } from 'node:child_process';

/** What ipset is asked, and what to do with its answer. */
interface Question {
  readonly line: string;
  readonly answer: (there: boolean | undefined) => void;
}

/**
 * Asks the kernel whether sets hold certain members, at next to no cost: one ipset is started once and asked again and again
 * (`ipset -` takes commands until its input ends). Its answers come by stderr, a line each, as soon as they are there (7.17: "Warning:
 * 0.0.0.0/1 is in set x.", "... is NOT in set x.", or what is wrong); on stdout are only prompts.
 */
export class MemberTest {
  private readonly program: readonly [string, ...string[]];
  private child: ChildProcess | undefined;
  private readonly waiting: Question[] = [];
  private readonly patience: number;

  /** @param patience an answer that takes longer is none, ms. */
  constructor(program: readonly [string, ...string[]] = ['ipset', '-'], patience = 2000) {
    this.program = program;
    this.patience = patience;
  }

  /** False only where the kernel says so; where nothing can be found out, undefined. */
  async holds(set: string, member: string): Promise<boolean | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.end(), this.patience);
      this.waiting.push({
        line: `test ${set} ${member}\n`,
        answer: (there) => {
          clearTimeout(timer);
          resolve(there);
        },
      });
      this.child ??= this.start();
      this.child.stdin?.write(this.waiting.at(-1)?.line ?? '');
    });
  }

  /** Whoever still waits is told nothing. */
  end(): void {
    this.child?.kill('SIGKILL');
    this.forget();
  }

  private forget(): void {
    this.child = undefined;
    for (const { answer } of this.waiting.splice(0)) answer(undefined);
  }

  private start(): ChildProcess {
    const [program, ...args] = this.program;
    const child = spawn(program, args, {
      stdio: ['pipe', 'ignore', 'pipe'],
      env: { ...process.env, LC_ALL: 'C' },
    });
    const ended = (): void => {
      if (this.child === child) this.forget();
    };
    let rest = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.hear(line);
    });
    child.stdin.on('error', () => {});
    child.on('error', ended);
    child.on('close', ended);
    return child;
  }

  private hear(line: string): void {
    const said = /is (NOT )?in set /.exec(line);
    this.waiting.shift()?.answer(said === null ? undefined : said[1] === undefined);
  }
}
