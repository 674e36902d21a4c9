import { hostAddress } from './addresses.ts';
import { cellEnv } from './cell.ts';
import { type RunOptions, type RunResult, run } from './run.ts';

/** The Docker host seen as a machine on the network; commands run with the engine's root and tools where there is an engine. */
export class Host {
  readonly netns: string;
  readonly v4 = hostAddress.v4;
  readonly v6 = hostAddress.v6;
  /** Reachable from neighbours only; a client needs the scope: `fe80::10%eth0`. */
  readonly linkLocal = hostAddress.linkLocal;

  readonly #argv: (command: readonly string[]) => readonly string[];

  constructor(netns: string, argv: (command: readonly string[]) => readonly string[]) {
    this.netns = netns;
    this.#argv = argv;
  }

  /** Runs a command on the Docker host: `iptables`, `ipset`, `ss`, ... */
  async exec(command: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return run(this.#argv(command), { ...options, env: cellEnv(options.env), cleanEnv: true });
  }
}
