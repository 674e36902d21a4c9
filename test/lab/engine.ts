import { openSync, closeSync, mkdirSync, existsSync } from 'node:fs';
import path from 'node:path';
import { hostAddress, routerAddress } from './addresses.ts';
import { cellArgv, inCellArgv, spawnDetached, cellEnv } from './cell.ts';
import { namespaceName } from './network.ts';
import { ping } from './ping.ts';
import { until } from './poll.ts';
import { type ProcessRef, isAlive, signal } from './processes.ts';
import { cgroupParent } from './reaper.ts';
import { type RootName, rootFs } from './root-fs.ts';
import { type RunOptions, type RunResult, run } from './run.ts';
import { labDir } from './state.ts';
import { testImageTar } from './test-image.ts';

/** The engines of the lab by major version: 20.10, 26.1 and 28.5. */
export type EngineVersion = '20' | '26' | '28';

/** Which of the kernel's two rule sets the host's `iptables` command writes to. */
export type IptablesBackend = 'nft' | 'legacy';

export interface EngineOptions {
  readonly version: EngineVersion;
  readonly backend: IptablesBackend;
  readonly userlandProxy: boolean;
  readonly liveRestore: boolean;
  /** Docker's own ip6tables rules; on by default since 27, experimental before. */
  readonly ip6tables: boolean;
  /** More dockerd flags. */
  readonly flags: readonly string[];
}

const suites: Record<EngineVersion, RootName> = { '20': 'bookworm', '26': 'trixie', '28': 'forky' };

/** The name under which the lab's own image is in every engine. */
export const testImage = 'lab/service';

/** What is not said: the newest engine, nft, and everything else as Docker ships it. */
export function engineOptions(asked: Partial<EngineOptions>): EngineOptions {
  const version = asked.version ?? '28';
  const ip6tables = version === '28';
  const rest = { backend: 'nft', userlandProxy: true, liveRestore: false, ip6tables, flags: [] } as const;
  return { ...rest, ...asked, version };
}

function daemonFlags(labId: string, options: EngineOptions): readonly string[] {
  const flags = [
    '--storage-driver=overlay2',
    `--cgroup-parent=${cgroupParent(labId)}`,
    '--exec-opt=native.cgroupdriver=cgroupfs',
  ];
  if (!options.userlandProxy) flags.push('--userland-proxy=false');
  if (options.liveRestore) flags.push('--live-restore');
  if (options.version === '28') flags.push(`--ip6tables=${options.ip6tables}`);
  else if (options.ip6tables) flags.push('--experimental', '--ip6tables');
  return [...flags, ...options.flags];
}

/** What an engine is told about the lab it runs in. */
export interface EngineSite {
  readonly labId: string;
  readonly disk: string;
  readonly options: EngineOptions;
  /** Called with each process that has to be remembered in the lab's state. */
  readonly remember: (cell: ProcessRef, daemon: ProcessRef | undefined) => void;
}

/** Makes the cell an engine lives in: its own mount and pid namespaces, in the host's network namespace. */
export async function startEngineCell(site: Omit<EngineSite, 'remember'>): Promise<ProcessRef> {
  const { labId, disk, options } = site;
  const root = await rootFs(suites[options.version]);
  const compose = path.join(
    await composeRoot(options.version),
    'usr/libexec/docker/cli-plugins/docker-compose',
  );
  const runFolder = engineRunDir(labId);
  for (const dir of [runFolder, path.join(disk, 'docker')]) mkdirSync(dir, { recursive: true });
  const spec = {
    netns: namespaceName(labId, 'host'),
    root,
    scratch: path.join(disk, 'engine'),
    mounts: [
      { from: runFolder, to: '/run' },
      { from: path.join(disk, 'docker'), to: '/var/lib/docker' },
      { from: await testImageTar(root), to: '/lab/image.tar', readOnly: true },
      ...(existsSync(compose) ? [{ from: compose, to: composePlugin, readOnly: true }] : []),
    ],
    files: {
      '/etc/resolv.conf': `nameserver ${routerAddress.v4}\n`,
      '/etc/hosts': `127.0.0.1 localhost\n::1 localhost\n${hostAddress.v4} dockerhost\n`,
    },
  };
  const alternatives = ['iptables', 'ip6tables'].map(
    (name) => `update-alternatives --quiet --set ${name} /usr/sbin/${name}-${options.backend}`,
  );
  // bash as process 1: it collects the processes that lose their parent, as containerd's shims do
  const script = [...alternatives, ': >/run/lab-ready', 'while :; do sleep 3600; done'].join('; ');
  const log = openSync(path.join(disk, 'engine.log'), 'a');
  const cell = await spawnDetached(cellArgv(spec, ['bash', '-c', script]), log);
  closeSync(log);
  await until({ what: `the engine's root (${disk}/engine.log)`, ms: 10_000, every: 5 }, () => {
    if (!isAlive(cell)) throw new Error(`starting the engine's cell: see ${disk}/engine.log`);
    return existsSync(path.join(runFolder, 'lab-ready'));
  });
  return cell;
}

const composePlugin = '/usr/libexec/docker/cli-plugins/docker-compose';

async function composeRoot(version: EngineVersion): Promise<string> {
  // only forky has Compose v2; its plugin runs on the older ones too
  return rootFs(version === '28' ? suites[version] : 'forky');
}

/** The folder of this machine that the engine sees as /run: sockets are reachable from both sides. */
export function engineRunDir(labId: string): string {
  return path.join(labDir(labId), 'run');
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
    const argv = inCellArgv(this.#cell, ['dockerd', ...daemonFlags(this.#site.labId, this.options)]);
    const log = openSync(this.logFile, 'a');
    this.#daemon = await spawnDetached(argv, log);
    closeSync(log);
    this.#site.remember(this.#cell, this.#daemon);
  }

  async waitReady(): Promise<void> {
    await until({ what: `dockerd to answer (${this.logFile})`, ms: 60_000 }, async () => {
      if (!this.running) throw new Error(`starting dockerd: it ended, see ${this.logFile}`);
      return existsSync(this.socket) && (await ping(this.socket));
    });
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
    await until({ what: `dockerd to end after ${name}`, ms: 60_000 }, () => !isAlive(daemon));
    this.#daemon = undefined;
    this.#site.remember(this.#cell, undefined);
  }

  /** Runs a command on the Docker host: its network, the engine's files and tools. */
  async exec(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return run(inCellArgv(this.#cell, argv), { ...options, env: cellEnv(options.env), cleanEnv: true });
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
