import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { type ClientSpec, defaultClients, hostAddress, routerAddress } from './addresses.ts';
import { inCellArgv } from './cell.ts';
import { Client } from './client.ts';
import { startEngineCell } from './engine-cell.ts';
import { type EngineOptions, engineOptions } from './engine-options.ts';
import { Engine, type EngineSite } from './engine.ts';
import { Host } from './host.ts';
import { createCabledClient, createClient, createInternet, namespaceName } from './network.ts';
import { cacheDir } from './paths.ts';
import type { ProcessRef } from './processes.ts';
import { reap, removeLab } from './reaper.ts';
import { type LabState, newState, readState, writeState } from './state.ts';

/** What a lab may be asked for; everything has a default. */
export interface LabOptions {
  /** In the names of its namespaces; letters and digits, at most 12. Random unless told. */
  readonly name?: string;
  /** `false` for a Docker host without an engine. */
  readonly engine?: Partial<EngineOptions> | false;
  readonly clients?: readonly ClientSpec[];
  /** Outlives the process that made it. */
  readonly keep?: boolean;
}

// No clients, but asked in the same way: the router, and programs on the Docker host itself.
const places: readonly ClientSpec[] = [
  { name: 'inet', ...routerAddress },
  { name: 'host', ...hostAddress },
];

/** One Docker host, an internet and clients in it: all of them network namespaces. */
export class Lab {
  #state: LabState;
  readonly #clients = new Map<string, Client>();
  #engine: Engine | undefined;
  #reclaim: (() => void) | undefined;

  private constructor(state: LabState) {
    this.#state = state;
    for (const spec of [...places, ...state.clients]) this.#adopt(spec);
    if (state.engine) {
      this.#engine = new Engine(this.#site(state.engine.options), state.engine.cell, state.engine.daemon);
    }
  }

  /** Makes a lab; labs whose owner died are cleared away first. */
  static async start(options: LabOptions = {}): Promise<Lab> {
    reap();
    const id = options.name ?? `lab${randomBytes(3).toString('hex')}`;
    if (!/^[a-z0-9-]{1,12}$/.test(id))
      throw new Error(`naming a lab: "${id}" is not 1 to 12 of a-z, 0-9 and -`);
    if (readState(id)) throw new Error(`naming a lab: "${id}" exists`);
    const disk = path.join(cacheDir(), 'labs', id);
    mkdirSync(disk, { recursive: true });
    const namespaces = [namespaceName(id, 'inet'), namespaceName(id, 'host')];
    const lab = new Lab(newState({ id, disk, namespaces, keep: options.keep ?? false }));
    lab.#save({});
    lab.#own();
    try {
      await lab.#build(options);
      return lab;
    } catch (error) {
      await lab.down();
      throw error;
    }
  }

  /** A lab that another process made. */
  static open(id: string): Lab {
    const state = readState(id);
    if (!state) throw new Error(`opening the lab "${id}": there is none`);
    return new Lab(state);
  }

  get id(): string {
    return this.#state.id;
  }

  /** A folder on a real disk that goes with the lab. */
  get disk(): string {
    return this.#state.disk;
  }

  /** The Docker host: its addresses, its network namespace. */
  get host(): Host {
    return new Host(namespaceName(this.id, 'host'), (command) => this.hostArgv(command));
  }

  /** The router: name servers and web servers for the Docker host can be run here. */
  get internet(): Client {
    return this.client('inet');
  }

  /** The argv that runs a command on the Docker host, with the engine's tools where there is one. */
  hostArgv(command: readonly string[]): readonly string[] {
    const cell = this.#state.engine?.cell;
    if (cell) return inCellArgv(cell, command);
    return ['nsenter', `--net=/run/netns/${namespaceName(this.id, 'host')}`, ...command];
  }

  get engine(): Engine {
    if (!this.#engine) throw new Error('this lab was made without an engine');
    return this.#engine;
  }

  client(name: string): Client {
    const client = this.#clients.get(name);
    if (!client) throw new Error(`no client "${name}" in this lab: ${[...this.#clients.keys()].join(', ')}`);
    return client;
  }

  /** One more client, at any address of a documentation range. */
  async addClient(spec: ClientSpec): Promise<Client> {
    const index = this.#state.clients.length;
    this.#save({
      namespaces: [...this.#state.namespaces, namespaceName(this.id, spec.name)],
      clients: [...this.#state.clients, spec],
    });
    await createClient(this.id, spec, index);
    return this.#adopt(spec);
  }

  /** A client with a cable of its own to the Docker host, where it is the interface `device`. */
  async addCabledClient(spec: ClientSpec, device: Parameters<typeof createCabledClient>[2]): Promise<Client> {
    this.#save({
      namespaces: [...this.#state.namespaces, namespaceName(this.id, spec.name)],
      clients: [...this.#state.clients, spec],
    });
    await createCabledClient(this.id, spec, device);
    return this.#adopt(spec);
  }

  /** Remembers a cell that has to end with the lab. */
  rememberCell(cell: ProcessRef): void {
    this.#save({ cells: [...this.#state.cells, cell] });
  }

  /** Ends and removes everything. */
  async down(): Promise<void> {
    this.#reclaim?.();
    for (const client of this.#clients.values()) client.close();
    removeLab(readState(this.id) ?? this.#state);
  }

  async #build(options: LabOptions): Promise<void> {
    const wanted = options.engine === false ? undefined : engineOptions(options.engine ?? {});
    await createInternet(this.id);
    const clients = (async () => {
      for (const spec of options.clients ?? defaultClients) await this.addClient(spec);
    })();
    const engine = wanted ? this.#startEngine(wanted) : undefined;
    await Promise.all([clients, engine]);
  }

  async #startEngine(options: EngineOptions): Promise<void> {
    const site = this.#site(options);
    const cell = await startEngineCell(site);
    this.rememberCell(cell);
    this.#engine = new Engine(site, cell);
    await this.#engine.start();
    await this.#engine.importTestImage();
  }

  #site(options: EngineOptions): EngineSite {
    const remember: EngineSite['remember'] = (cell, daemon) => {
      this.#save({ engine: { options, cell, ...(daemon ? { daemon } : {}) } });
    };
    return { labId: this.id, disk: this.disk, options, remember };
  }

  #adopt(spec: ClientSpec): Client {
    const client = new Client(this.id, spec);
    this.#clients.set(spec.name, client);
    return client;
  }

  #save(change: Partial<LabState>): void {
    this.#state = { ...this.#state, ...change };
    writeState(this.#state);
  }

  /** An owner that ends takes its lab with it; one that is killed cannot, and the next lab does it. */
  #own(): void {
    if (this.#state.keep) return;
    const onExit = (): void => removeLab(this.#state);
    const onSignal = (name: NodeJS.Signals): void => {
      onExit();
      process.removeListener(name, onSignal);
      process.kill(process.pid, name);
    };
    process.on('exit', onExit);
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
    this.#reclaim = () => {
      process.removeListener('exit', onExit);
      for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.removeListener(name, onSignal);
    };
  }
}
