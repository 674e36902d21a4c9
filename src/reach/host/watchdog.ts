import { Worker } from 'node:worker_threads';
import type { Log } from '../log/model.ts';

interface WatchdogOptions {
  readonly log: Pick<Log, 'warn'>;
  /** Between two beats, and between two looks, ms. */
  readonly each?: number;
  /** So many looks without a beat end the process. */
  readonly looks?: number;
}

/**
 * Ends this process when its event loop stands still: what restarts it (`restart:` of compose) can help then, and nothing else can.
 * A thread counts its own looks and not the time of day, so a machine that sleeps, or a process that is stopped, is not taken for one that hangs.
 * 20 seconds: a third of what the guard lives for, and far more than any pass takes.
 * @returns ends the watch.
 */
export function startWatchdog({ log, each = 1000, looks = 20 }: WatchdogOptions): () => Promise<number> {
  const beats = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const text = `dockwall: the event loop has stood still for ${(each * looks) / 1000} s; ending this process, so that it is started again\n`;
  const thread = new Worker(threadText, {
    eval: true,
    execArgv: [],
    workerData: { beats, each, looks, text },
    // It needs 6 MB of heap; left to itself it would take what the process may.
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 },
  });
  thread.on('error', (error) => log.warn({ error: String(error) }, 'nobody watches the event loop any more'));
  thread.unref();
  const beat = setInterval(() => void Atomics.add(beats, 0, 1), each);
  beat.unref();
  return () => {
    clearInterval(beat);
    return thread.terminate();
  };
}

/*
 * JavaScript, and no module of its own: nothing to find, load and compile. Its last words do not wait: Node has made standard error non-blocking
 * where it is a pipe, and a reader of our log that reads no more may be why the loop stands still.
 * The kernel spares process 1 of a container SIGKILL from inside (pid_namespaces(7)), but no process a breakpoint that it runs into: that
 * ends it with SIGTRAP.
 */
const threadText = `
const { workerData: { beats, each, looks, text } } = require('node:worker_threads');
let last = -1;
let still = 0;
setInterval(() => {
  const now = Atomics.load(beats, 0);
  still = now === last ? still + 1 : 0;
  last = now;
  if (still < looks) return;
  try { require('node:fs').writeSync(2, text); } catch {}
  process.kill(process.pid, 'SIGKILL');
  require('node:v8').setFlagsFromString('--allow-natives-syntax');
  new Function('%SystemBreak()')();
}, each);
`;
