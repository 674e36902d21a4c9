import { copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { engineRunDir } from '../lab/engine-cell.ts';
import { loadImages } from '../lab/image.ts';
import type { Lab } from '../lab/lab.ts';
import { projectDir } from '../lab/paths.ts';
import { until } from '../lab/poll.ts';
import type { Prober } from '../lab/prober.ts';
import type { RunResult } from '../lab/run.ts';
import { way } from '../lab/started-as.ts';
import { people, services } from './people.ts';

/** The file that is brought up, and its recipe for a sidecar that is started another way. */
const composeFile = 'compose.example.yml';
const recipe = (): string => (way() === 'hardened' ? 'docs/recipes/hardened.compose.yml' : composeFile);

// Below /run of the Docker host, which this machine sees too. The folder's name is the name of the project.
const folder = 'checkout/dockwall';

/** compose.example.yml, unchanged, brought up by Docker Compose on the Docker host of a lab. */
export class Stack {
  readonly lab: Lab;

  constructor(lab: Lab) {
    this.lab = lab;
  }

  /** Loads the images: the Docker host has no way to a registry, so they come as `docker load` brings them. */
  async load(tars: readonly string[]): Promise<void> {
    for (const tar of tars) await loadImages(this.lab, tar);
  }

  /** `docker compose up -d`. Without `--build`, which would ask the package registries: see `dockwallImageTar`. */
  async up(): Promise<void> {
    const here = path.join(engineRunDir(this.lab.id), folder);
    mkdirSync(here, { recursive: true });
    copyFileSync(path.join(projectDir, recipe()), path.join(here, composeFile));
    await this.compose('up', '--detach', '--pull', 'never', '--no-build');
  }

  /** A new container of the sidecar in place of the old one, as after `docker compose build`. */
  async replace(): Promise<void> {
    const flags = ['--detach', '--pull', 'never', '--no-build', '--no-deps', '--force-recreate'];
    await this.compose('up', ...flags, 'dockwall');
  }

  /** `docker compose ...`; throws where it fails. */
  async compose(...args: readonly string[]): Promise<RunResult> {
    return this.#compose(args, false);
  }

  /** `docker compose exec dockwall dockwall VERB`; its exit code is an answer. */
  async dockwall(...args: readonly string[]): Promise<RunResult> {
    return this.#compose(['exec', '-T', 'dockwall', 'dockwall', ...args], true);
  }

  async #compose(args: readonly string[], allowFailure: boolean): Promise<RunResult> {
    const argv = ['docker', 'compose', '--file', `/run/${folder}/${composeFile}`, ...args];
    return this.lab.engine.exec(argv, { allowFailure, timeout: 120_000 });
  }

  /** The name of a service's container. */
  async container(service: string): Promise<string> {
    return (await this.compose('ps', '--all', '--quiet', service)).stdout.trim();
  }

  /** What Docker makes of the image's HEALTHCHECK: starting, healthy, unhealthy. */
  async dockerHealth(): Promise<string> {
    const container = await this.container('dockwall');
    return this.lab.engine.docker('inspect', '--format', '{{.State.Health.Status}}', container);
  }

  /** Waits until `dockwall health` in the container is content. */
  async waitHealthy(ms = 60_000): Promise<void> {
    let said = '';
    try {
      await until({ what: 'dockwall to be healthy', ms, every: 200 }, async () => {
        const { exitCode, stdout, stderr } = await this.dockwall('health');
        said = `${stdout}${stderr}`.trim();
        return exitCode === 0;
      });
    } catch (error) {
      const log = (await this.logs()).join('\n');
      throw new Error(`${(error as Error).message} (${said}); it logged:\n${log}`, { cause: error });
    }
  }

  /** Waits until those who may reach everything do, over both families, and the sites answer through the proxy. */
  async waitServed(ms = 60_000): Promise<void> {
    const { host } = this.lab;
    const trusted = this.lab.client('trusted');
    const targets = services.flatMap(({ port }) => [host.v4, host.v6].map((ip) => ({ ip, port })));
    await until({ what: 'the trusted to reach every port', ms, every: 100 }, async () => {
      const verdicts = await Promise.all(targets.map(async ({ ip, port }) => trusted.connect(ip, port)));
      return verdicts.every((verdict) => verdict === 'open');
    });
    await until({ what: 'the sites to answer through the proxy', ms, every: 100 }, async () => {
      const answers = await Promise.all([this.throughProxy('wiki'), this.throughProxy('blog')]);
      return answers.every((status) => status === 200);
    });
  }

  /** The status of a site that is asked for by its name, by somebody nobody knows. */
  async throughProxy(site: string): Promise<number | undefined> {
    const stranger = this.lab.client('stranger');
    return (await stranger.http(`http://${this.lab.host.v4}/`, { host: `${site}.example.org` })).status;
  }

  /** Starts trying every port that is closed to somebody, from where it is closed to them. */
  async probeForbidden(): Promise<readonly Prober[]> {
    const { host } = this.lab;
    const forbidden = people.filter(({ open }) => open.length < services.length);
    return Promise.all(
      forbidden.map(async ({ client, open }) => {
        const closed = services.filter(({ port }) => !open.includes(port));
        const targets = closed.flatMap(({ port }) =>
          [host.v4, host.v6].map((ip) => ({ proto: 'tcp', ip, port }) as const),
        );
        return this.lab.client(client.name).probe(targets);
      }),
    );
  }

  /** All that the sidecar has logged. */
  async logs(): Promise<readonly string[]> {
    const container = await this.container('dockwall');
    const { stdout, stderr } = await this.lab.engine.exec(['docker', 'logs', container]);
    return [...stdout.split('\n'), ...stderr.split('\n')].filter(Boolean);
  }
}
