import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { routerAddress } from './addresses.ts';
import { askSocket, type SocketAnswer } from './ask-socket.ts';
import { type Mount, cellArgv, cellEnv, innerProcess } from './cell.ts';
import { engineRunDir } from './engine-cell.ts';
import type { Lab } from './lab.ts';
import { compiledDir, nodeBinary, projectDir } from './paths.ts';
import { until } from './poll.ts';
import { type ProcessRef, signal } from './processes.ts';
import { rootFs } from './root-fs.ts';
import { type RunResult, run } from './run.ts';
import { dockerHostOf, withRights } from './started-as.ts';
import { labDir } from './state.ts';

export interface DockwallOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Text of /etc/dockwall/dockwall.yml; the file is left as it is when undefined. */
  readonly config?: string;
  /** The verb and its flags; none for the daemon. */
  readonly args?: readonly string[];
  /** The folder with the built program, as a path of this machine; DOCKWALL_LAB_DIST, or `dist` of the project, unless told. */
  readonly dist?: string;
  /** A network namespace that is not the Docker host's: as without `network_mode: host`. */
  readonly netns?: string;
  /** More places that it sees. */
  readonly mounts?: readonly Mount[];
}

/** One line that dockwall logged; `raw` where it was not JSON. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly raw: string };

/** What dockwall answers to `GET /healthz`. */
export interface Health {
  readonly healthy: boolean;
  readonly problems: readonly string[];
  readonly drift: Readonly<Record<string, number>>;
}

function folder(lab: Lab, name: string): string {
  const dir = path.join(lab.disk, 'dockwall', name);
  mkdirSync(dir, { recursive: true });
  return dir;
}

/** The folder of this machine that dockwall sees as /etc/dockwall. */
export function configDir(lab: Lab): string {
  return folder(lab, 'etc');
}

/** The folder of this machine that is dockwall's volume: what it remembers across restarts. */
export function stateDir(lab: Lab): string {
  return folder(lab, 'state');
}

// Among the sockets, and not on the lab's disk: the path of a socket may not be long.
function runtimeDir(lab: Lab): string {
  const dir = path.join(labDir(lab.id), 'dockwall');
  mkdirSync(dir, { recursive: true });
  return dir;
}

/** Writes dockwall's config file; a running dockwall sees it change. */
export function writeConfig(lab: Lab, text: string): void {
  writeFileSync(path.join(configDir(lab), 'dockwall.yml'), text);
}

// another build than the project's: to see a scenario fail with a program that is broken on purpose
const builtProgram = (): string => process.env['DOCKWALL_LAB_DIST'] ?? path.join(projectDir, 'dist');

/** The lock of iptables-legacy, which the sidecar has to share with the engine, as compose.example.yml says. */
function xtablesLock(lab: Lab): string {
  const file = path.join(engineRunDir(lab.id), 'xtables.lock');
  closeSync(openSync(file, 'a', 0o600));
  return file;
}

async function dockwallArgv(lab: Lab, options: DockwallOptions): Promise<readonly [string, ...string[]]> {
  if (options.config !== undefined) writeConfig(lab, options.config);
  const spec = {
    netns: options.netns ?? lab.host.netns,
    root: await rootFs('sidecar'),
    scratch: mkdtempSync(path.join(folder(lab, 'cells'), 'cell-')),
    mounts: [
      { from: options.dist ?? builtProgram(), to: '/app/dist', readOnly: true },
      { from: path.join(projectDir, 'node_modules'), to: '/app/node_modules', readOnly: true },
      { from: path.join(projectDir, 'package.json'), to: '/app/package.json', readOnly: true },
      { from: nodeBinary(), to: '/usr/local/bin/node', readOnly: true },
      { from: engineRunDir(lab.id), to: '/run/host' },
      { from: configDir(lab), to: '/etc/dockwall' },
      { from: stateDir(lab), to: '/var/lib/dockwall' },
      { from: runtimeDir(lab), to: '/run/dockwall' },
      { from: xtablesLock(lab), to: '/run/xtables.lock' },
      { from: compiledDir(), to: '/app/compiled' },
      ...(options.mounts ?? []),
    ],
    files: { '/etc/resolv.conf': `nameserver ${routerAddress.v4}\n` },
  };
  return cellArgv(spec, withRights(['node', '/app/dist/main.js', ...(options.args ?? [])]));
}

async function environment(lab: Lab, options: DockwallOptions): Promise<Record<string, string>> {
  return cellEnv({
    DOCKER_HOST: await dockerHostOf(lab),
    DOCKWALL_LOG_FORMAT: 'json',
    NODE_COMPILE_CACHE: '/app/compiled',
    ...options.env,
  });
}

/** A dockwall that runs on a lab's Docker host: like the sidecar, as process 1 in a root of its own. */
export class Dockwall {
  readonly lines: LogLine[] = [];
  readonly #process: ProcessRef;
  readonly #runtimeDir: string;
  #exit: { readonly code: number | null } | undefined;

  constructor(child: ChildProcess, process: ProcessRef, runtime: string) {
    this.#runtimeDir = runtime;
    this.#process = process;
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => this.lines.push(parseLine(line)));
    }
    child.on('exit', (code) => (this.#exit = { code }));
  }

  /** As this machine counts. */
  get pid(): number {
    return this.#process.pid;
  }

  get running(): boolean {
    return this.#exit === undefined;
  }

  /** The log as it was printed. */
  get text(): string {
    return this.lines.map((line) => line.raw).join('\n');
  }

  /** Asks it to end (SIGTERM); gives its exit code. */
  async stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  /** Ends it and all that it started this moment, as `docker kill` does. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** SIGHUP: read the config again. */
  reload(): void {
    this.signal('SIGHUP');
  }

  signal(name: NodeJS.Signals): void {
    signal(this.#process, name);
  }

  /** Resident memory, MiB. */
  get memory(): number {
    const status = readFileSync(`/proc/${this.#process.pid}/status`, 'latin1');
    return Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1]) / 1024;
  }

  /** Waits for a line of the log; `from` skips lines that were there before. */
  async waitForLog(matches: (line: LogLine) => boolean, ms = 10_000, from = 0): Promise<LogLine> {
    try {
      return await until({ what: 'a line in the log of dockwall', ms, every: 10 }, () => {
        const found = this.lines.slice(from).find(matches);
        if (!found && !this.running) throw new Error(`dockwall ended with ${String(this.#exit?.code)}`);
        return found;
      });
    } catch (error) {
      throw new Error(`${(error as Error).message}; it logged:\n${this.text}`, { cause: error });
    }
  }

  /** The socket on which it answers, on this machine. */
  get socket(): string {
    return path.join(this.#runtimeDir, 'dockwall.sock');
  }

  /** What it says of itself; undefined while it does not answer. */
  async health(): Promise<Health | undefined> {
    const answer = await askSocket(this.socket, '/healthz');
    return answer && (JSON.parse(answer.body) as Health);
  }

  /** What it answers at a path of its socket. */
  async ask(path: string): Promise<string> {
    const answer = await askSocket(this.socket, path);
    if (answer?.status !== 200)
      throw new Error(`dockwall has no answer to ${path}: ${answer?.body ?? 'nothing'}`);
    return answer.body;
  }

  /** What the page's server answers on dockwall's socket. */
  async get(url: string): Promise<SocketAnswer | undefined> {
    return askSocket(path.join(this.#runtimeDir, 'dockwall.sock'), url, 10_000);
  }

  /** Waits until it says that it is well: its walls are up, Docker answers, its config is good. */
  async waitHealthy(ms = 15_000): Promise<void> {
    let last: Health | undefined;
    try {
      await until({ what: 'dockwall to be healthy', ms, every: 10 }, async () => {
        if (!this.running) throw new Error(`dockwall ended with ${String(this.#exit?.code)}`);
        last = await this.health();
        return last?.healthy === true;
      });
    } catch (error) {
      const problems = last?.problems.join('; ') ?? 'it does not answer';
      throw new Error(`${(error as Error).message} (${problems}); it logged:\n${this.text}`, {
        cause: error,
      });
    }
  }

  async #end(name: NodeJS.Signals): Promise<number | null> {
    this.signal(name);
    return (await until({ what: `dockwall to end after ${name}`, ms: 20_000, every: 5 }, () => this.#exit))
      .code;
  }
}

/** A line of dockwall's log, which is JSON where dockwall wrote it. */
function parseLine(raw: string): LogLine {
  try {
    return { ...(JSON.parse(raw) as Record<string, unknown>), raw };
  } catch {
    return { raw };
  }
}

/** Starts dockwall on the lab's Docker host; it is ended with the lab at the latest. */
export async function startDockwall(lab: Lab, options: DockwallOptions = {}): Promise<Dockwall> {
  const [file, ...args] = await dockwallArgv(lab, options);
  const env = await environment(lab, options);
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  return new Dockwall(child, await innerProcess(child), runtimeDir(lab));
}

/** Runs one verb to its end, as `docker exec SIDECAR dockwall VERB` would. */
export async function runDockwall(
  lab: Lab,
  args: readonly string[],
  options: DockwallOptions = {},
): Promise<RunResult> {
  const argv = await dockwallArgv(lab, { ...options, args });
  return run(argv, { env: await environment(lab, options), cleanEnv: true, allowFailure: true });
}
