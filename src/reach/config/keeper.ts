import { stat } from 'node:fs/promises';
import type { Config } from '../../decide/policy/config.ts';
import type { LastGoodConfig, LastGoodFile } from './last-good.ts';
import { variable } from './layer.ts';
import { type ConfigInput, loadConfig } from './load.ts';
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

interface KeeperParts {
  readonly wallNow?: () => number;
  /** What outlives this process; none for a verb, which looks once. */
  readonly memory?: { readonly read: LastGoodFile['read']; readonly write?: LastGoodFile['write'] };
}

/** What is in force: the configuration as it is written, the last good one, what is left of a bad one, or the defaults with all ports closed. */
type Standing =
  | ({ readonly kind: 'good' | 'last' } & LastGoodConfig)
  | { readonly kind: 'rest'; readonly config: Config }
  | { readonly kind: 'none' };

/**
 * Holds the last good configuration, for as long as the one that is written is bad. A start goes by what `memory` has of an earlier
 * process; without that a bad entry of a list is left out, and of anything else that is bad nothing is in force: no port is opened and
 * nobody trusted.
 */
export class ConfigKeeper {
  private readonly env: Readonly<Record<string, string | undefined>>;
  private readonly wallNow: () => number;
  private readonly memory: KeeperParts['memory'];
  private standing: Standing = { kind: 'none' };
  private signature: string | undefined;
  private lastProblems: readonly string[] = [];

  /** @param wallNow milliseconds since 1970, as files have their times. */
  constructor(
    env: Readonly<Record<string, string | undefined>>,
    { wallNow = Date.now, memory }: KeeperParts = {},
  ) {
    this.env = env;
    this.wallNow = wallNow;
    this.memory = memory;
  }

  /** Reads file and environment again. Never throws. */
  async reload(): Promise<Reload> {
    this.signature = await this.sign();
    const before = this.standing;
    const read = await readConfig(this.env);
    const loaded = read.ok ? loadConfig(read.input) : { ...read, rest: undefined };
    this.lastProblems = loaded.ok ? [] : loaded.problems.map(formatProblem);
    this.standing = loaded.ok
      ? { kind: 'good', config: loaded.config, at: this.wallNow() }
      : await this.fallback(before, loaded.rest);
    const changed = comparable(before) !== comparable(this.standing);
    if (!loaded.ok || !read.ok) return { changed, problems: this.lastProblems, warnings: [] };
    const warnings = loaded.warnings.map(formatProblem);
    const forgetful = changed || before.kind !== 'good' ? await this.keep(read.input) : [];
    return { changed, problems: [], warnings: [...warnings, ...forgetful] };
  }

  private async fallback(before: Standing, rest: Config | undefined): Promise<Standing> {
    if (before.kind === 'last') return before;
    if (before.kind === 'good') return { ...before, kind: 'last' };
    const last = await this.memory?.read();
    if (last !== undefined) return { kind: 'last', ...last };
    return rest === undefined ? { kind: 'none' } : { kind: 'rest', config: rest };
  }

  private async keep(input: ConfigInput): Promise<readonly string[]> {
    try {
      await this.memory?.write?.(input, this.wallNow());
      return [];
    } catch (error) {
      return [
        `the last good one cannot be kept for a restart (${String(error)}): with a mistake in it, a restart goes by an older one or closes every port`,
      ];
    }
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
    if (this.standing.kind !== 'none') return { config: this.standing.config, lockedDown: false };
    const defaults = loadConfig({ env: {} });
    if (!defaults.ok) throw new Error('the built-in defaults are not a valid configuration');
    return { config: defaults.config, lockedDown: true };
  }

  /** What follows from the problems that there are. */
  consequence(): string {
    switch (this.standing.kind) {
      case 'good':
        return 'it is in force';
      case 'last':
        return `the last good one stays in force (of ${new Date(this.standing.at).toISOString().slice(0, 19)}Z)`;
      case 'rest':
        return 'this entry is left out, and the others are in force';
      case 'none':
        return 'every published port is closed to everybody until it is good';
    }
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

/** Equal where the same is in force. */
function comparable(standing: Standing): string {
  if (standing.kind === 'none') return '';
  const { config } = standing;
  return JSON.stringify({ ...config, groups: [...config.groups], services: [...config.services] });
}
