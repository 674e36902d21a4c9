import { stat } from 'node:fs/promises';
import { variable } from './layer.ts';
import { loadConfig } from './load.ts';
import type { Config } from './model.ts';
import { formatProblem } from './problem.ts';
import { configPath, readConfig } from './read.ts';

/** What an editor needs between emptying a file and filling it, ms. */
const rest = 100;

/** What one reload found. Sentences with their place; `changed` when another configuration is in force now. */
export interface Reload {
  readonly changed: boolean;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Holds the last good configuration. A bad file at the start leaves nothing opened and nobody trusted; a bad file
 * later leaves the last good one in force.
 */
export class ConfigKeeper {
  private readonly env: Readonly<Record<string, string | undefined>>;
  private readonly wallNow: () => number;
  private good: Config | undefined;
  private signature: string | undefined;
  private lastProblems: readonly string[] = [];

  /** @param wallNow milliseconds since 1970, as files have their times. */
  constructor(env: Readonly<Record<string, string | undefined>>, wallNow = Date.now) {
    this.env = env;
    this.wallNow = wallNow;
  }

  /** Reads file and environment again. Never throws. */
  async reload(): Promise<Reload> {
    this.signature = await this.sign();
    const read = await readConfig(this.env);
    const loaded = read.ok ? loadConfig(read.input) : read;
    if (!loaded.ok) {
      this.lastProblems = loaded.problems.map(formatProblem);
      return { changed: false, problems: this.lastProblems, warnings: [] };
    }
    const changed = JSON.stringify(comparable(this.good)) !== JSON.stringify(comparable(loaded.config));
    this.good = loaded.config;
    this.lastProblems = [];
    return { changed, problems: [], warnings: loaded.warnings.map(formatProblem) };
  }

  /**
   * Reloads if the file is another one than at the last reload: by inode, size and time of change. Not while somebody writes it: an
   * editor that writes in place empties it first, and an empty file is a good configuration that trusts nobody.
   */
  async reloadIfChanged(): Promise<Reload | undefined> {
    if ((await this.sign()) === this.signature) return undefined;
    return (await this.rests()) ? this.reload() : undefined;
  }

  /** The file that is read where it exists; undefined where the environment stands in its place. */
  get file(): string | undefined {
    return variable(this.env, 'DOCKWALL_CONFIG') === undefined ? configPath(this.env) : undefined;
  }

  inForce(): { readonly config: Config; readonly lockedDown: boolean } {
    if (this.good !== undefined) return { config: this.good, lockedDown: false };
    const defaults = loadConfig({ env: {} });
    if (!defaults.ok) throw new Error('the built-in defaults are not a valid configuration');
    return { config: defaults.config, lockedDown: true };
  }

  /** What is wrong with the configuration now; empty when the one in force is the one on disk. */
  problems(): readonly string[] {
    return this.lastProblems;
  }

  private async rests(): Promise<boolean> {
    const age = await stat(configPath(this.env)).then(
      ({ mtimeMs }) => this.wallNow() - mtimeMs,
      () => rest,
    );
    // A time in the future is somebody's wrong clock, and never comes to rest.
    return age >= rest || age < 0;
  }

  private async sign(): Promise<string> {
    try {
      const { ino, size, mtimeMs, ctimeMs } = await stat(configPath(this.env));
      return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
    } catch {
      return 'none';
    }
  }
}

function comparable(config: Config | undefined): unknown {
  return config && { ...config, groups: [...config.groups], services: [...config.services] };
}
