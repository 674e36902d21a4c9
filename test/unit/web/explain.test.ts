import { describe, expect, it } from 'vitest';
import type { Command, Output } from '../../../src/kernel/command.ts';
import { explainByVerb } from '../../../src/web/explain.ts';

const explanation = { version: 1, paths: [], notes: [{ kind: 'stopped', text: 'wiki is stopped' }] };
const question = { source: '-203.0.113.7', target: '--help' };

describe('the form asks the verb', () => {
  const asks = async (said: Output | Error): Promise<unknown> =>
    explainByVerb(async () => {
      if (said instanceof Error) throw said;
      return said;
    }, '/app/main.js')(question);

  it('in a process of its own that gives way to others; no question is an option', async () => {
    const seen: Command[] = [];
    const explain = explainByVerb(async (command) => {
      seen.push(command);
      return { exitCode: 0, stdout: JSON.stringify(explanation), stderr: '' };
    }, '/app/main.js');
    expect(await explain(question)).toEqual({
      kind: 'answer',
      lines: ['  hint: wiki is stopped'],
      json: explanation,
    });
    const args = [
      '-n',
      '15',
      process.execPath,
      '/app/main.js',
      'explain',
      '--json',
      '--',
      '-203.0.113.7',
      '--help',
    ];
    expect(seen).toEqual([{ program: 'nice', args, timeoutMs: 15_000 }]);
  });

  it('and says what the verb complains of', async () => {
    const ended = (exitCode: number): Output => ({
      exitCode,
      stdout: '',
      stderr: 'dockwall: no such thing\n',
    });
    expect(await asks(ended(2))).toEqual({ kind: 'unclear', problem: 'no such thing' });
    expect(await asks(ended(5))).toEqual({ kind: 'failed', problem: 'no such thing' });
    expect(await asks(new Error('running nice: no answer within 15 s'))).toEqual({
      kind: 'failed',
      problem: 'running nice: no answer within 15 s',
    });
    expect(await asks({ exitCode: 0, stdout: 'no JSON', stderr: '' })).toMatchObject({ kind: 'failed' });
  });

  it('one question at a time', async () => {
    let answer = (): void => {};
    const explain = explainByVerb(async () => {
      await new Promise<void>((resolve) => (answer = resolve));
      return { exitCode: 0, stdout: JSON.stringify(explanation), stderr: '' };
    }, '/app/main.js');
    const first = explain(question);
    expect(await explain(question)).toMatchObject({
      kind: 'failed',
      problem: expect.stringContaining('ask again'),
    });
    answer();
    expect(await first).toMatchObject({ kind: 'answer' });
    const third = explain(question);
    answer();
    expect(await third).toMatchObject({ kind: 'answer' });
  });
});
