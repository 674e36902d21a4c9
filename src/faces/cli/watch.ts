import { setTimeout as pause } from 'node:timers/promises';

/** What is drawn on and typed at. */
export interface Terminal {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
}

/** Between two pages, ms. */
const interval = 2000;

/** ANSI: the other screen and no cursor, and back again; the top left corner; the rest of a line and of the page. */
const ansi = {
  enter: '\u001B[?1049h\u001B[?25l',
  leave: '\u001B[?25h\u001B[?1049l',
  home: '\u001B[H',
  restOfLine: '\u001B[K',
  restOfPage: '\u001B[J',
} as const;

/**
 * Shows a page again and again, on a screen of its own, until somebody types q, Ctrl-C or Ctrl-D, or a signal comes. What the page
 * throws ends it, and the terminal is as it was before.
 */
export async function watch(
  page: () => Promise<string>,
  { input, output }: Terminal = { input: process.stdin, output: process.stdout },
): Promise<void> {
  const ending = new AbortController();
  const end = (): void => ending.abort();
  const onKey = (keys: Buffer): void => {
    if (keys.some((key) => quitKeys.has(key))) end();
  };
  const typed = input.isTTY;
  if (typed) input.setRawMode(true);
  input.on('data', onKey);
  for (const signal of signals) process.on(signal, end);
  output.write(ansi.enter);
  try {
    while (!ending.signal.aborted) {
      const text = await page();
      if (ending.signal.aborted) break;
      output.write(pageText(text, output.rows || 24));
      await pause(interval, undefined, { signal: ending.signal }).catch(() => {});
    }
  } finally {
    output.write(ansi.leave);
    for (const signal of signals) process.off(signal, end);
    input.off('data', onKey);
    if (typed) input.setRawMode(false);
    input.pause();
  }
}

/** q, Q, Ctrl-C, Ctrl-D: in raw mode they are bytes like others. */
const quitKeys: ReadonlySet<number> = new Set([0x71, 0x51, 0x03, 0x04]);

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** No more lines than there are, or the page would move up. */
function pageText(text: string, rows: number): string {
  const lines = text.split('\n');
  const shown =
    lines.length > rows ? [...lines.slice(0, rows - 1), `(${lines.length - rows + 1} lines more)`] : lines;
  return ansi.home + shown.map((line) => `${line}${ansi.restOfLine}`).join('\r\n') + ansi.restOfPage;
}
