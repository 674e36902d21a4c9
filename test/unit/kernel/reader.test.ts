import { describe, expect, it } from 'vitest';
import type { Command, Output } from '../../../src/reach/kernel/command.ts';
import { ProgramReader, readingRun } from '../../../src/reach/kernel/reader.ts';

const said: Output = { stdout: 'run', stderr: 'why', exitCode: 3 };

/** What came of one command, and who ran it; `answer` is what the reader reads. */
async function of(
  command: Partial<Command>,
  answer: readonly string[] | Error,
): Promise<readonly [Output, readonly string[]]> {
  const who: string[] = [];
  const run = readingRun(
    async (argv, onText) => {
      who.push(`read ${argv.join(' ')}`);
      if (answer instanceof Error) throw answer;
      for (const line of answer) onText(`${line}\n`);
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

describe('ProgramReader', () => {
  it('gives every line of one program after the other, and how each has ended', async () => {
    const reader = new ProgramReader();
    const lines: string[] = [];
    const numbers = reader.read(['seq', '100000'], (line) => void lines.push(line));
    const failed = reader.read(['false'], () => {});
    const none = reader.read(['true'], (line) => void lines.push(line));
    await expect(failed).rejects.toThrow('exit status 1');
    expect([await numbers, await none]).toEqual([expect.any(Number), expect.any(Number)]);
    expect(lines).toEqual(Array.from({ length: 100_000 }, (_, index) => String(index + 1)));
    let pieces = '';
    await reader.readText(['seq', '3'], (text) => (pieces += text));
    expect(pieces).toBe('1\n2\n3\n');
    reader.stop();
  });

  it('gives no program what the next ones are', async () => {
    const reader = new ProgramReader();
    const lines: string[] = [];
    const greedy = reader.read(['cat'], (line) => void lines.push(line));
    const next = reader.read(['seq', '1'], (line) => void lines.push(line));
    await Promise.all([greedy, next]);
    expect(lines).toEqual(['1']);
    reader.stop();
  });

  it('ends with one program that does not, and begins anew with the next', async () => {
    const reader = new ProgramReader();
    const lines: string[] = [];
    // the shell itself ends
    const ended = reader.read(['exit', '3'], () => {});
    const after = ['1', '2'].map(async (last) => reader.read(['seq', last], (line) => void lines.push(line)));
    await expect(ended).rejects.toThrow('exit status none: it was ended');
    await Promise.all(after);
    expect(lines).toEqual(['1', '1', '2']);
    const never = reader.read(['sleep', '60'], () => {});
    const behind = reader.read(['true'], () => {});
    reader.stop();
    await expect(never).rejects.toThrow('it was ended');
    await expect(behind).rejects.toThrow('it was stopped');
    await expect(reader.read(['true'], () => {})).rejects.toThrow('it was stopped');
  });
});
