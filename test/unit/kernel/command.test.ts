import { afterEach, expect, test, vi } from 'vitest';
import { runCommand } from '../../../src/reach/kernel/command.ts';

afterEach(() => vi.unstubAllEnvs());

test('gives the input, takes the output and the exit code', async () => {
  const script = 'cat; echo problem >&2; exit 3';
  const output = await runCommand({ program: 'sh', args: ['-c', script], input: 'a\nb\n', timeoutMs: 5000 });
  expect(output).toEqual({ stdout: 'a\nb\n', stderr: 'problem\n', exitCode: 3 });
});

test('arguments are no shell words, and messages are in English', async () => {
  const args = ['-c', 'printf "%s|" "$0" "$1" "$LC_ALL"', '$(touch x)', '; a b'];
  const { stdout } = await runCommand({ program: 'sh', args, timeoutMs: 5000 });
  expect(stdout).toBe('$(touch x)|; a b|C|');
});

test('a program that is not there', async () => {
  // A folder on the path that one may not look into would make this "permission denied".
  vi.stubEnv('PATH', '/usr/bin:/bin');
  await expect(
    runCommand({ program: 'dockwall-no-such-program', args: [], timeoutMs: 5000 }),
  ).rejects.toMatchObject({
    name: 'KernelError',
    code: 'missing-program',
    command: 'dockwall-no-such-program',
  });
});

test('a program that does not end in time', async () => {
  const started = performance.now();
  await expect(runCommand({ program: 'sleep', args: ['30'], timeoutMs: 100 })).rejects.toMatchObject({
    code: 'timed-out',
    message: 'running sleep: no answer within 0.1 s',
  });
  expect(performance.now() - started).toBeLessThan(5000);
});

test('a program that a signal ends', async () => {
  await expect(
    runCommand({ program: 'sh', args: ['-c', 'kill -KILL $$'], timeoutMs: 5000 }),
  ).rejects.toMatchObject({ code: 'rejected' });
});

test('an aborted command rejects with the reason', async () => {
  const abort = new AbortController();
  const running = runCommand({ program: 'sleep', args: ['30'], timeoutMs: 60_000, signal: abort.signal });
  setTimeout(() => abort.abort(new Error('stopping')), 50);
  await expect(running).rejects.toThrow('stopping');
});
