import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type ComposePort, type ComposeService, declaredPorts, portsOf } from '../docs/compose.ts';
import { type Recipe, recipesDir } from '../docs/recipes.ts';
import { engineRunDir } from './engine-cell.ts';
import { testImage } from './engine.ts';
import type { Lab } from './lab.ts';
import type { RunResult } from './run.ts';

const sidecar = 'dockwall';

const flags = (ports: readonly ComposePort[], protocol: ComposePort['protocol']): readonly string[] =>
  ports
    .filter((port) => port.protocol === protocol)
    .flatMap(({ container }) => [`--${protocol}`, String(container)]);

/** `--tcp 80 --udp 53`: what the lab's service has to be told to serve these. */
export const serveFlags = (ports: readonly ComposePort[]): readonly string[] => [
  ...flags(ports, 'tcp'),
  ...flags(ports, 'udp'),
];

/**
 * What Compose is given besides the recipe's file: the lab's service runs in place of each image's program, with no files and no more rights
 * than it needs. Image names, labels, ports, networks and names stay as the recipe says.
 */
function standIns(services: Readonly<Record<string, ComposeService>>): string {
  const lines = Object.entries(services).flatMap(([name, service]) => {
    const serve = serveFlags([...portsOf(service), ...declaredPorts(service)]);
    return [
      `  ${name}:`,
      '    entrypoint: !override [/bin/serve]',
      `    command: !override ${JSON.stringify(['--name', name, ...serve])}`,
      '    volumes: !reset []',
      '    cap_add: !reset []',
      '    sysctls: !reset {}',
      '    privileged: false',
    ];
  });
  return ['services:', ...lines, ''].join('\n');
}

/** One recipe on the Docker host of a lab: all of it but the sidecar, which the lab runs as it always does. */
export class RecipeStack {
  readonly #lab: Lab;
  readonly #recipe: Recipe;

  constructor(lab: Lab, recipe: Recipe) {
    this.#lab = lab;
    this.#recipe = recipe;
  }

  get services(): Readonly<Record<string, ComposeService>> {
    return Object.fromEntries(Object.entries(this.#recipe.services).filter(([name]) => name !== sidecar));
  }

  /** `docker compose up -d`, of the recipe's own file. */
  async up(): Promise<void> {
    const here = path.join(engineRunDir(this.#lab.id), 'recipes');
    mkdirSync(here, { recursive: true });
    cpSync(path.join(recipesDir, this.#recipe.file), path.join(here, this.#recipe.file));
    writeFileSync(path.join(here, 'stand-ins.yml'), standIns(this.services));
    for (const { image } of Object.values(this.services))
      if (image !== undefined) await this.#lab.engine.docker('tag', testImage, image);
    await this.compose('up', '--detach', '--pull', 'never', '--no-build', ...Object.keys(this.services));
  }

  /** `docker compose ...`; throws where it fails. */
  async compose(...args: readonly string[]): Promise<RunResult> {
    return this.#compose(args, false);
  }

  /** What the lab's client hears in a service's container: `open`, `refused`, `timeout`. */
  async askFrom(service: string, ...ask: readonly string[]): Promise<string> {
    return (await this.#compose(['exec', '-T', service, '/bin/ask', ...ask], true)).stdout.trim();
  }

  async #compose(args: readonly string[], allowFailure: boolean): Promise<RunResult> {
    const files = [this.#recipe.file, 'stand-ins.yml'].flatMap((file) => ['--file', `/run/recipes/${file}`]);
    return this.#lab.engine.exec(['docker', 'compose', ...files, ...args], { allowFailure, timeout: 60_000 });
  }
}
