import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ArmedRun } from '../../../src/reach/kernel/armed.ts';
import type { Run } from '../../../src/reach/kernel/command.ts';

/** Prints its own process id, then what it is told. */
const ready = { program: 'sh', args: ['-c', 'echo $$; cat'] };
const command = { ...ready, input: 'members\n', timeoutMs: 5000 };

const fallback = vi.fn<Run>(async () => ({ stdout: 'fallback', stderr: '', exitCode: 0 }));
let armed: ArmedRun;
beforeEach(() => {
  fallback.mockClear();
  armed = new ArmedRun(fallback, ready);
});
afterEach(async () => {
  armed.disarm();
  await vi.waitFor(() => expect(waiting()).toEqual([]));
});

/** The children of this process that run our command. */
function waiting(): readonly string[] {
  const lines = execFileSync('ps', ['--ppid', String(process.pid), '-o', 'pid=,args='], { encoding: 'utf8' });
  return lines.split('\n').filter((line) => line.includes('echo $$; cat'));
}

test('one program waits for its input, and the next one after it', async () => {
  armed.arm();
  armed.arm();
  expect(waiting().length).toBe(1);
  const first = await armed.run(command);
  await new Promise(setImmediate);
  const second = await armed.run(command);
  for (const output of [first, second]) expect(output).toMatchObject({ stderr: '', exitCode: 0 });
  expect(first.stdout).toMatch(/^\d+\nmembers\n$/);
  expect(second.stdout).not.toBe(first.stdout);
  expect(fallback).not.toHaveBeenCalled();
});

test('another command, and one while none waits, go the usual way', async () => {
  expect((await armed.run(command)).stdout).toBe('fallback');
  armed.arm();
  expect((await armed.run({ ...command, args: ['save'] })).stdout).toBe('fallback');
});

test('what a killed program was given is said again', async () => {
  armed.arm();
  const pid = Number(/\d+/.exec(waiting()[0] ?? '')?.[0]);
  process.kill(pid, 'SIGKILL');
  expect((await armed.run(command)).stdout).toBe('fallback');
});

test('disarmed, nothing is left running', async () => {
  armed.arm();
  armed.disarm();
  await vi.waitFor(() => expect(waiting()).toEqual([]));
});
