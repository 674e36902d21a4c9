import { spawn } from 'node:child_process';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// A real child process and a real pipe, of 64 KiB (pipe(7)). The verb is `health`, which prints what a daemon says, and needs no kernel.

const program = new URL('../../../src/main.ts', import.meta.url).pathname;
const problems = Array.from({ length: 20_000 }, (_, index) => `problem number ${index}`);
const whole = `unhealthy: ${problems.join('; ')}\n`;

const folder = mkdtempSync(path.join(tmpdir(), 'dockwall-output-'));
let daemon: Server;

beforeAll(async () => {
  daemon = createServer((_, answer) => answer.end(JSON.stringify({ healthy: false, problems, drift: {} })));
  const { promise, resolve } = Promise.withResolvers<void>();
  daemon.listen(path.join(folder, 'dockwall.sock'), resolve);
  await promise;
});

afterAll(() => {
  daemon.close();
  rmSync(folder, { recursive: true });
});

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** What a verb's end of a pipe is read by. */
type Reader = (stream: NodeJS.ReadableStream) => Promise<string>;

const all: Reader = async (stream) => {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
};

/** After the first piece, nothing until the program has long filled the pipe. */
const slow: Reader = async (stream) => {
  let text = '';
  for await (const chunk of stream) {
    if (text === '') await pause(1000);
    text += String(chunk);
  }
  return text;
};

/** As `head`: the first piece, and the pipe is closed. */
const first: Reader = async (stream) => {
  for await (const chunk of stream) return String(chunk);
  return '';
};

async function verb(
  args: readonly string[],
  read: { readonly output?: Reader; readonly errors?: Reader; readonly stdout?: number },
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [program, ...args], {
    env: { PATH: process.env['PATH'], DOCKWALL_RUNTIME_DIR: folder, ...env },
    stdio: ['ignore', read.stdout ?? 'pipe', 'pipe'],
  });
  const code = new Promise<number | null>((resolve) => child.on('close', resolve));
  const [output, errors] = await Promise.all([
    child.stdout === null ? '' : (read.output ?? all)(child.stdout),
    child.stderr === null ? '' : (read.errors ?? all)(child.stderr),
  ]);
  return { code: await code, output, errors };
}

describe('the output of a verb', () => {
  it('arrives whole where it is more than a pipe holds and the reader is slow', async () => {
    const { code, output, errors } = await verb(['health'], { output: slow });
    expect({ code, errors, length: output.length }).toEqual({ code: 1, errors: '', length: whole.length });
    expect(output === whole).toBe(true);
  });

  it('arrives whole on standard error', async () => {
    const wrong = Array.from({ length: 2000 }, (_, index) => `x_${index}!`);
    const { code, errors } = await verb(['check'], { errors: slow }, { DOCKWALL_TRUSTED: wrong.join(',') });
    expect(code).toBe(2);
    expect(errors.length).toBeGreaterThan(200_000);
    expect(errors.trimEnd().slice(-300)).toContain('`x_1999!`');
  });

  it('is nothing to complain about where the reader goes away', async () => {
    const { code, output, errors } = await verb(['health'], { output: first });
    expect({ code, errors }).toEqual({ code: 1, errors: '' });
    expect(whole.startsWith(output)).toBe(true);
  });

  it('fails where it cannot be written', async () => {
    const { code, errors } = await verb(['version'], { stdout: openSync('/dev/full', 'w') });
    expect(code).toBe(1);
    expect(errors).toBe(
      'dockwall: the output could not be written (ENOSPC: no space left on device, write)\n',
    );
  });
});
