import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Colours where there is somebody to see them: not with NO_COLOR, not in a pipe. */
export function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

export function say(text = ''): void {
  process.stdout.write(`${text}\n`);
}

const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** Says what is being done while it is done, and how long it took. */
export async function step<T>(what: string, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const width = 66;
  const line = (mark: string, time: string): string => `${mark} ${what.padEnd(width)} ${time.padStart(7)}`;
  const live = process.stdout.isTTY;
  const draw = (): void => void process.stdout.write(`\r${line(paint('cyan', '·'), seconds(started))}`);
  if (!live) process.stdout.write(`  ${what.padEnd(width)} `);
  else draw();
  const timer = live ? setInterval(draw, 100) : undefined;
  const end = (mark: string): void => {
    clearInterval(timer);
    process.stdout.write(live ? `\r${line(mark, seconds(started))}\n` : `${seconds(started).padStart(7)}\n`);
  };
  try {
    const result = await work();
    end(paint('green', '✓'));
    return result;
  } catch (error) {
    end(paint('red', '✗'));
    throw error;
  }
}
