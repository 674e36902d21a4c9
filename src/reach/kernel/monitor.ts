import { type ChildProcess, spawn } from 'node:child_process';
import { longestHead, wallOf, type Wall } from './monitor-line.ts';

/** One `nft monitor` for as long as it lives. */
export interface Monitor {
  readonly stop: () => void;
}

/** Why a monitor ended; `missing`: there is no such program. */
export interface MonitorEnd {
  readonly missing: boolean;
  readonly why: string;
}

export interface MonitorParts {
  readonly onChange: (wall: Wall) => void;
  /** Called once, but not after {@link Monitor.stop}. */
  readonly onEnd: (end: MonitorEnd) => void;
}

const longestComplaint = 300;

/**
 * Starts `nft monitor`, which tells every change of every table in this network namespace, whoever makes it and by whichever
 * program, a few milliseconds after it (-nn: no names are looked up). Its lines are looked at as they come and none is kept: somebody
 * else's ten thousand rules are a megabyte that passes by.
 */
export function startMonitor(
  { onChange, onEnd }: MonitorParts,
  [program, ...args]: readonly [string, ...string[]] = ['nft', '-nn', 'monitor'],
): Monitor {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
  });
  let stopped = false;
  let missing = false;
  let said = '';
  const lines = new LineHeads((head) => {
    const wall = wallOf(head);
    if (wall !== undefined && !stopped) onChange(wall);
  });
  child.stdout.setEncoding('latin1').on('data', (text: string) => lines.push(text));
  child.stderr.setEncoding('latin1').on('data', (text: string) => {
    said = (said + text).slice(0, longestComplaint);
  });
  child.on('error', (error: NodeJS.ErrnoException) => {
    missing = error.code === 'ENOENT';
    said = error.message;
  });
  child.on('close', (code, signal) => {
    if (!stopped) onEnd({ missing, why: said.trim() || `it ended with ${String(signal ?? code)}` });
    stopped = true;
  });
  return {
    stop: () => {
      stopped = true;
      end(child);
    },
  };
}

function end(child: ChildProcess): void {
  if (child.exitCode === null && child.signalCode === null) child.kill();
}

/** Cuts a stream into the heads of its lines. */
class LineHeads {
  private readonly onHead: (head: string) => void;
  private head = '';

  constructor(onHead: (head: string) => void) {
    this.onHead = onHead;
  }

  push(text: string): void {
    let start = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      this.take(text, start, end);
      this.onHead(this.head);
      this.head = '';
      start = end + 1;
    }
    this.take(text, start, text.length);
  }

  private take(text: string, start: number, end: number): void {
    if (this.head.length < longestHead) {
      this.head += text.slice(start, Math.min(end, start + longestHead - this.head.length));
    }
  }
}
