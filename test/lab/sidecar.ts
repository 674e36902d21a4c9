import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type LogLine, parseLine } from './dockwall.ts';
import { engineRunDir } from './engine-cell.ts';
import { dockwallImage } from './image.ts';
import type { Lab } from './lab.ts';
import { until } from './poll.ts';
import type { RunResult } from './run.ts';

export interface SidecarOptions {
  /** Of the container; `dockwall` unless told. */
  readonly name?: string;
  readonly image?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Text of /etc/dockwall/dockwall.yml. */
  readonly config?: string;
  /** More flags for `docker run`. */
  readonly flags?: readonly string[];
}

/** dockwall as its users run it: a privileged container with the host's network and Docker's socket. */
export class Sidecar {
  readonly name: string;
  readonly #lab: Lab;

  constructor(lab: Lab, name: string) {
    this.#lab = lab;
    this.name = name;
  }

  /** All it has logged. */
  async logs(): Promise<readonly LogLine[]> {
    const { stdout, stderr } = await this.#lab.engine.exec(['docker', 'logs', this.name]);
    return [...stdout.split('\n'), ...stderr.split('\n')].filter(Boolean).map((line) => parseLine(line));
  }

  /** `docker exec dockwall dockwall VERB` */
  async run(...args: readonly string[]): Promise<RunResult> {
    return this.#lab.engine.exec(['docker', 'exec', this.name, 'dockwall', ...args], { allowFailure: true });
  }

  /** Waits until `dockwall health` is content. */
  async waitHealthy(ms = 20_000): Promise<void> {
    let said = '';
    try {
      await until({ what: `the sidecar ${this.name} to be healthy`, ms, every: 50 }, async () => {
        const { exitCode, stdout, stderr } = await this.run('health');
        said = `${stdout}${stderr}`;
        return exitCode === 0;
      });
    } catch (error) {
      const log = (await this.logs()).map((line) => line.raw).join('\n');
      throw new Error(`${(error as Error).message} (${said}); it logged:\n${log}`, { cause: error });
    }
  }

  async stop(): Promise<void> {
    await this.#lab.engine.docker('stop', this.name);
  }

  async start(): Promise<void> {
    await this.#lab.engine.docker('start', this.name);
  }

  async kill(): Promise<void> {
    await this.#lab.engine.docker('kill', this.name);
  }

  async remove(): Promise<void> {
    await this.#lab.engine.docker('rm', '--force', this.name);
  }
}

/** Starts the sidecar from the image that `loadDockwallImage` loaded, as compose.example.yml does. */
export async function startSidecar(lab: Lab, options: SidecarOptions = {}): Promise<Sidecar> {
  const name = options.name ?? 'dockwall';
  const folder = path.join(engineRunDir(lab.id), `etc-${name}`);
  mkdirSync(folder, { recursive: true });
  if (options.config !== undefined) writeFileSync(path.join(folder, 'dockwall.yml'), options.config);
  const env = Object.entries(options.env ?? {}).flatMap(([key, value]) => ['--env', `${key}=${value}`]);
  const mounts = ['/var/run/docker.sock:/var/run/docker.sock:ro', `/run/etc-${name}:/etc/dockwall:ro`];
  await lab.engine.docker(
    'run',
    '--detach',
    '--privileged',
    '--network=host',
    `--name=${name}`,
    ...mounts.flatMap((mount) => ['--volume', mount]),
    ...env,
    ...(options.flags ?? []),
    options.image ?? dockwallImage,
  );
  return new Sidecar(lab, name);
}
