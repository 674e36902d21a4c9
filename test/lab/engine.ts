import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { askSocket } from './ask-socket.ts';
import { cellEnv, inCellArgv, spawnDetached } from './cell.ts';
import { engineRunDir } from './engine-cell.ts';
import { type EngineOptions, daemonFlags } from './engine-options.ts';
import { until } from './poll.ts';
import { type ProcessRef, isAlive, isReaped, signal } from './processes.ts';
import { type RunOptions, type RunResult, run } from './run.ts';

/** The name under which the lab's own image is in every engine. */
export const testImage = 'lab/service';

/** What an engine is told about the lab it runs in. */
export interface EngineSite {
  readonly labId: string;
  readonly disk: string;
  readonly options: EngineOptions;
  /** Called with each process that has to be remembered in the lab's state. */
  readonly remember: (cell: ProcessRef, daemon: ProcessRef | undefined) => void;
}

/** One Docker engine on a lab's Docker host. */
export class Engine {
  readonly #site: EngineSite;
  readonly #cell: ProcessRef;
  #daemon: ProcessRef | undefined;

  constructor(site: EngineSite, cell: ProcessRef, daemon?: ProcessRef) {
    this.#site = site;
    this.#cell = cell;
    this.#daemon = daemon;
  }

  get options(): EngineOptions {
    return this.#site.options;
  }

  /** The engine's socket, as a path of this machine. */
  get socket(): string {
    return path.join(engineRunDir(this.#site.labId), 'docker.sock');
  }

  /** What dockerd printed, all starts one after the other. */
  get logFile(): string {
    return path.join(this.#site.disk, 'dockerd.log');
  }

  get running(): boolean {
    return this.#daemon !== undefined && isAlive(this.#daemon);
  }

  /** Starts dockerd and waits until it answers. */
  async start(): Promise<void> {
    await this.startOnly();
    await this.waitReady();
  }

  /** Starts dockerd and returns at once: for watching what happens while it comes up. */
  async startOnly(): Promise<void> {
    if (this.running) throw new Error('starting the engine: it is running');
    const command = ['dockerd', ...daemonFlags(this.#site.labId, this.options)];
    const activate = this.options.socketActivation ? ['/lab/socket', 'activate'] : [];
    const argv = inCellArgv(this.#cell, [...activate, ...command]);
    const log = openSync(this.logFile, 'a');
    this.#daemon = await spawnDetached(argv, log);
    closeSync(log);
    this.#site.remember(this.#cell, this.#daemon);
  }

  async waitReady(): Promise<void> {
    await until({ what: `dockerd to answer (${this.logFile})`, ms: 60_000 }, async () => {
      if (!this.running)
        throw new Error(`starting dockerd: it ended (${this.logFile})\n${this.#lastWords()}`);
      return existsSync(this.socket) && (await askSocket(this.socket, '/_ping'))?.status === 200;
    });
  }

  /** The end of what dockerd printed: where a run fails on another machine, the log itself is gone with its lab. */
  #lastWords(): string {
    return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-8).join('\n');
  }

  /** Ends dockerd as a service manager would (SIGTERM) and waits until it is gone. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** Ends dockerd as a crash would; containers are left to themselves until the next start. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async #end(name: NodeJS.Signals): Promise<void> {
    const daemon = this.#daemon;
    if (!daemon) return;
    signal(daemon, name);
    await until({ what: `dockerd to end after ${name}`, ms: 60_000 }, () => isReaped(daemon));
    this.#daemon = undefined;
    this.#site.remember(this.#cell, undefined);
  }

  /** Runs a command on the Docker host: its network, the engine's files and tools. */
  async exec(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    // nsenter passes no signal on: without this, a command that does not end in time lives on and holds our pipe open
    const killable = ['setpriv', '--pdeathsig', 'KILL', ...argv];
    return run(inCellArgv(this.#cell, killable), { ...options, env: cellEnv(options.env), cleanEnv: true });
  }

  /** The docker command; gives what it printed. */
  async docker(...args: readonly string[]): Promise<string> {
    return (await this.exec(['docker', ...args])).stdout;
  }

  /** Loads the lab's own image, once. */
  async importTestImage(): Promise<void> {
    await this.docker('import', '-c', 'ENTRYPOINT ["/bin/serve"]', '/lab/image.tar', testImage);
  }
}
