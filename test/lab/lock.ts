import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import path from 'node:path';

/**
 * One piece of work at a time across processes. The kernel's own file lock, held by a `flock` child that
 * lives as long as our end of its standard input: if we are killed, it reads the end and lets go.
 */
export async function withLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(path.dirname(file), { recursive: true });
  const child = spawn('flock', [file, 'sh', '-c', 'echo locked; exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const [word] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as [unknown];
    if (!Buffer.isBuffer(word)) throw new Error(`locking ${file}: flock ended with ${String(word)}`);
    return await work();
  } finally {
    child.stdin.end();
  }
}
