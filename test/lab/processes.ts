import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';

/** One process for certain: a pid is handed out again, a pid with its start time is not. */
export interface ProcessRef {
  readonly pid: number;
  /** Clock ticks since boot, field 22 of /proc/PID/stat. */
  readonly startTime: string;
}

/** Different after each boot of this machine. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
}

function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // the second field is the command's name and may hold spaces and brackets: count from the last one
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** The process that has this pid now; undefined when there is none, or only a zombie. */
export function processRef(pid: number): ProcessRef | undefined {
  const started = startTime(pid);
  return started === undefined ? undefined : { pid, startTime: started };
}

export function isAlive(process: ProcessRef): boolean {
  return startTime(process.pid) === process.startTime;
}

/**
 * Whether the process is gone and its pid too. A zombie keeps its pid until its parent has asked for it, and dockerd does not start
 * where its pid file names a pid that exists ("process with PID ... is still running", Docker 20.10 to 28.5).
 */
export function isReaped({ pid }: ProcessRef): boolean {
  return !existsSync(`/proc/${pid}`);
}

/** Signals exactly this process; false when it is gone already. */
export function signal(ref: ProcessRef, name: NodeJS.Signals): boolean {
  if (!isAlive(ref)) return false;
  try {
    return process.kill(ref.pid, name);
  } catch {
    return false;
  }
}

/** The first child of a process, as this machine counts pids (nsenter --pid and unshare --pid fork once). */
export function firstChild(pid: number): ProcessRef | undefined {
  try {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ');
    return child ? processRef(Number(child)) : undefined;
  } catch {
    return undefined;
  }
}

/** The children of a process that its first thread has started, with their command lines. */
export function childrenOf(
  pid: number,
): readonly { readonly pid: number; readonly args: readonly string[] }[] {
  try {
    const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1')
      .trim()
      .split(' ')
      .filter(Boolean);
    return pids.map((child) => ({
      pid: Number(child),
      args: readFileSync(`/proc/${child}/cmdline`, 'latin1').split('\0'),
    }));
  } catch {
    return []; // gone meanwhile
  }
}

/** Every process whose network namespace is one of these (inode numbers), ourselves never. */
export function processesInNamespaces(inodes: ReadonlySet<number>): readonly ProcessRef[] {
  const found: ProcessRef[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    try {
      if (!inodes.has(statSync(`/proc/${name}/ns/net`).ino)) continue;
    } catch {
      continue; // gone meanwhile
    }
    const ref = processRef(Number(name));
    if (ref) found.push(ref);
  }
  return found;
}

/** Processor time of a process, its children that live and those that have ended, in clock ticks of 10 ms. */
export function ticksOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const own = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1')
    .trim()
    .split(' ')
    .filter(Boolean);
  // A child that ends meanwhile is counted with those that have ended, the next time.
  return children.reduce((sum, child) => sum + ticksOfLiving(Number(child)), own);
}

function ticksOfLiving(pid: number): number {
  try {
    return ticksOf(pid);
  } catch {
    return 0;
  }
}
