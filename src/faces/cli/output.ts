import type { Writable } from 'node:stream';

/** Standard output or standard error of a verb. */
export interface Output {
  /** One text, a newline after it. */
  readonly print: (text: string) => void;
  /**
   * Resolves when the reader has everything, with what went wrong. A pipe holds 64 KiB (pipe(7)); Node keeps the rest and writes
   * it when there is room, so that who exits before loses it. A reader that goes away, as `head` does, is no error.
   */
  readonly delivered: () => Promise<Error | undefined>;
}

export function outputTo(stream: Writable): Output {
  let failure: Error | null | undefined;
  // Node throws an `error` that nobody listens to. The write that failed is told as well, and first.
  stream.on('error', () => {});
  const write = (text: string, done = (): void => {}): void => {
    stream.write(text, (error) => {
      failure ??= error;
      done();
    });
  };
  return {
    print: (text) => write(`${text}\n`),
    // Writes are called back in their order.
    delivered: () =>
      new Promise((resolve) =>
        write('', () => resolve(isGone(failure) ? undefined : (failure ?? undefined))),
      ),
  };
}

function isGone(error: Error | null | undefined): boolean {
  return error !== null && error !== undefined && 'code' in error && error.code === 'EPIPE';
}
