import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { compiledDir, nodeBinary } from '../paths.ts';
import type { Answer, Ask, Operation, Response } from './protocol.ts';

interface Pending {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Our end of an agent: starts it in a network namespace and asks it things. It ends when we do. */
export class AgentLink {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  #serial = 0;
  #ended: string | undefined;

  constructor(netns: string) {
    const program = path.join(import.meta.dirname, 'main.ts');
    const argv = [
      `--net=/run/netns/${netns}`,
      nodeBinary(),
      '--disable-warning=ExperimentalWarning',
      program,
    ];
    const env = { ...process.env, NODE_COMPILE_CACHE: compiledDir() };
    this.#child = spawn('nsenter', argv, { stdio: ['pipe', 'pipe', 'inherit'], env });
    const { stdout } = this.#child;
    if (stdout) createInterface({ input: stdout }).on('line', (line) => this.#hear(line));
    this.#child.stdin?.on('error', () => undefined);
    this.#child.on('exit', (code, signal) =>
      this.#gone(`the agent in ${netns} ended: ${signal ?? String(code)}`),
    );
    this.#child.on('error', (error) => this.#gone(error.message));
  }

  async ask<O extends Operation>(operation: O, ask: Ask<O>): Promise<Answer<O>> {
    const id = ++this.#serial;
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(new Error(this.#ended));
        return;
      }
      this.#pending.set(id, { resolve: resolve as (answer: unknown) => void, reject });
      this.#child.stdin?.write(`${JSON.stringify({ id, operation, ask })}\n`);
    });
  }

  close(): void {
    this.#child.stdin?.end();
  }

  #hear(line: string): void {
    const response = JSON.parse(line) as Response;
    const pending = this.#pending.get(response.id);
    this.#pending.delete(response.id);
    if (response.error === undefined) pending?.resolve(response.answer);
    else pending?.reject(new Error(`asking an agent: ${response.error}`));
  }

  #gone(why: string): void {
    this.#ended = why;
    for (const pending of this.#pending.values()) pending.reject(new Error(why));
    this.#pending.clear();
  }
}
