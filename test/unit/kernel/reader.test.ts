import { describe, expect, it } from 'vitest';
import type { Command, Output } from '../../../src/kernel/command.ts';
import { readingRun } from '../../../src/kernel/reader.ts';

const said: Output = { stdout: 'run', stderr: 'why', exitCode: 3 };

/** What came of one command, and who ran it; `answer` is what the reader reads. */
async function of(
  command: Partial<Command>,
  answer: readonly string[] | Error,
): Promise<readonly [Output, readonly string[]]> {
  const who: string[] = [];
  const run = readingRun(
    async (argv, onLine) => {
      who.push(`read ${argv.join(' ')}`);
      if (answer instanceof Error) throw answer;
      for (const line of answer) onLine(line);
      return 0;
    },
    async ({ program }) => {
      who.push(`run ${program}`);
      return said;
    },
  );
  return [await run({ program: 'ipset', args: ['save'], timeoutMs: 1000, ...command }), who];
}

describe('readingRun', () => {
  it('reads what only reads', async () => {
    expect(await of({}, ['a', 'b'])).toEqual([
      { stdout: 'a\nb\n', stderr: '', exitCode: 0 },
      ['read ipset save'],
    ]);
  });

  it('runs what is given an input, or is no plain word', async () => {
    expect(await of({ input: 'x' }, [])).toEqual([said, ['run ipset']]);
    expect(await of({ args: ['$(reboot)'] }, [])).toEqual([said, ['run ipset']]);
  });

  it('runs again what did not end well, to hear why', async () => {
    expect(await of({}, new Error('exit status 3'))).toEqual([said, ['read ipset save', 'run ipset']]);
  });
});
