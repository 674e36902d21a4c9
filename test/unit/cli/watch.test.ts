import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { until } from '../../lab/poll.ts';

// On a real terminal, which `script` (util-linux) makes: what is typed, what is drawn, and how the terminal is left.

const file = new URL('../../../src/faces/cli/watch.ts', import.meta.url).href;
const program = `import(${JSON.stringify(file)}).then(async ({ watch }) => {
  let count = 0;
  try {
    await watch(async () => {
      count += 1;
      if (process.argv[1] === 'fail' && count > 1) throw new Error('Docker went away');
      return ['page ' + count, ...Array.from({ length: 99 }, (_, index) => 'line ' + index)].join('\\n');
    });
    console.log('ended well');
  } catch (error) { console.log('ended: ' + error.message); }
  console.log('raw: ' + process.stdin.isRaw);
})`;

interface Watched {
  readonly text: () => string;
  readonly type: (keys: string) => void;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly ended: Promise<void>;
}

function start(how = ''): Watched {
  // rows and columns: a terminal without a window has none
  const command = `stty rows 10 cols 40; exec "$NODE" -e "$PROGRAM" ${how}`;
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    env: { ...process.env, NODE: process.execPath, PROGRAM: program, SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let seen = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (seen += text));
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  return {
    text: () => seen,
    type: (keys) => child.stdin.write(keys),
    kill: (signal) => child.kill(signal),
    ended,
  };
}

const enter = '\u001B[?1049h\u001B[?25l';
const leave = '\u001B[?25h\u001B[?1049l';

describe('watch', () => {
  it.each([
    ['q', 'q'],
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
  ])('draws again and again, no more lines than there are, until %s', async (_, keys) => {
    const watched = start();
    await until({ what: 'two pages', ms: 20_000 }, () => watched.text().includes('page 2'));
    watched.type(`x${keys}`);
    await watched.ended;
    const text = watched.text();
    expect(text).toContain(enter);
    const [, rest = ''] = text.split(leave);
    expect(rest).toContain('ended well');
    expect(rest).toContain('raw: false');
    const [, page = ''] = text.split('\u001B[H');
    expect(page.split('\r\n')).toHaveLength(10);
    expect(page).toContain('(91 lines more)');
  });

  it('leaves the terminal as it was when a page cannot be made', async () => {
    const watched = start('fail');
    await watched.ended;
    const [, rest = ''] = watched.text().split(leave);
    expect(rest).toContain('ended: Docker went away');
    expect(rest).toContain('raw: false');
  });
});
