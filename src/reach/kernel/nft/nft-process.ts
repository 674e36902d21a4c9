import { type ChildProcess, spawn } from 'node:child_process';

/**
 * One `nft -i` that lives on: what it makes with the flag `owner` belongs to its netlink socket, and goes back to nobody when it ends.
 * It reads commands from a pipe, a line each, and ends with its input, so with this process at the latest.
 */
export class NftProcess {
  private readonly child: ChildProcess;
  private said = '';
  private sent = 0;
  private waiting: { readonly mark: string; readonly resolve: (error: string) => void } | undefined;
  private readonly ended: Promise<string>;
  private alive = true;

  /** @param onEnd called once, also where it could not be started, but not after {@link NftProcess.end}. */
  constructor(onEnd: () => void, [program, ...args]: readonly [string, ...string[]] = ['nft', '-i']) {
    const child = spawn(program, args, {
      stdio: ['pipe', 'ignore', 'pipe'],
      env: { ...process.env, LC_ALL: 'C' },
    });
    this.child = child;
    this.ended = new Promise((resolve) => {
      child.on('error', (error) => resolve(error.message));
      child.on('close', (code, signal) =>
        resolve(this.said.trim() || `it ended with ${String(signal ?? code)}`),
      );
    });
    void this.ended.then(() => {
      const told = this.alive;
      this.alive = false;
      if (told) onEnd();
    });
    child.stdin.on('error', () => {});
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.hear(text));
  }

  /** Undefined where it could not be started. */
  get pid(): number | undefined {
    return this.child.pid;
  }

  get running(): boolean {
    return this.alive;
  }

  /** So many it has been sent. */
  get lines(): number {
    return this.sent;
  }

  /**
   * Runs one line, which is one transaction. Gives what nft complains of, empty where it was done. Rejects where the process has ended or
   * says nothing for so long; one call at a time.
   */
  async send(line: string, timeoutMs = 10_000): Promise<string> {
    if (!this.alive) throw new Error('nft has ended');
    this.sent += 1;
    // No command: nft quotes the line in its complaint, which is how the end of the one before is seen (nft 1.0.6 to 1.1.7).
    const mark = `end-of-${this.sent}`;
    this.said = '';
    const { promise, resolve } = Promise.withResolvers<string>();
    this.waiting = { mark, resolve };
    const timer = setTimeout(() => this.child.kill('SIGKILL'), timeoutMs);
    this.child.stdin?.write(`${line}\n${mark}\n`);
    try {
      const failed = this.ended.then((why): never => {
        throw new Error(`nft ended: ${why}`);
      });
      return await Promise.race([promise, failed]);
    } finally {
      clearTimeout(timer);
      this.waiting = undefined;
    }
  }

  /** Ends it when it has done what it was sent. */
  async end(): Promise<void> {
    this.alive = false;
    this.child.stdin?.end();
    await this.ended;
  }

  private hear(text: string): void {
    this.said += text;
    const { waiting } = this;
    if (waiting === undefined) return;
    const at = this.said.split('\n').indexOf(waiting.mark);
    if (at === -1) return;
    // what points at a place in the line above it: that of the mark before may come late
    const lines = this.said
      .split('\n')
      .slice(0, at)
      .filter((one) => !/^\s*\^+\s*$/.test(one));
    // the complaint about the mark itself begins with the last `Error: syntax error`
    const own = lines.findLastIndex((one) => one.startsWith('Error: syntax error'));
    waiting.resolve(
      lines
        .slice(0, own === -1 ? undefined : own)
        .join('\n')
        .trim(),
    );
  }
}
