import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Config } from '../../decide/policy/config.ts';
import { writeWhole } from '../host/whole-file.ts';
import { type Environment, variable } from './layer.ts';
import { type ConfigInput, loadConfig } from './load.ts';

const usualFolder = '/var/lib/dockwall';

/** Where dockwall keeps what a restart goes by. */
export function stateFolder(env: Environment): string {
  return variable(env, 'DOCKWALL_STATE_DIR') ?? usualFolder;
}

const kept = z.object({
  version: z.literal(1),
  at: z.number(),
  /** SHA-256 of `input`. */
  sum: z.string(),
  /** The texts as JSON: what they mean is found out again, by the rules of the version that reads them. */
  input: z.string(),
});
const texts = z.object({
  file: z.object({ path: z.string(), text: z.string() }).optional(),
  env: z.record(z.string(), z.string()),
});

/** A configuration that was good, and when it was last in force, milliseconds since 1970. */
export interface LastGoodConfig {
  readonly config: Config;
  readonly at: number;
}

/** The last good configuration on disk, for a start that finds a bad one. */
export class LastGoodFile {
  private readonly path: string;

  constructor(env: Environment) {
    this.path = join(stateFolder(env), 'config.good');
  }

  /** Undefined where there is none that is whole and good. */
  async read(): Promise<LastGoodConfig | undefined> {
    try {
      const { at, sum, input } = kept.parse(JSON.parse(await readFile(this.path, 'utf8')));
      if (sumOf(input) !== sum) return undefined;
      const loaded = loadConfig(texts.parse(JSON.parse(input)) as ConfigInput);
      return loaded.ok ? { config: loaded.config, at } : undefined;
    } catch {
      return undefined;
    }
  }

  /**
   * Keeps this one in place of the one before. Where it cannot be written the one before is taken away, since it may open more.
   * Rejects where it could not be written.
   */
  async write({ file, env }: ConfigInput, at: number): Promise<void> {
    const ours = Object.entries(env).filter(
      ([name, value]) => name.startsWith('DOCKWALL_') && value !== undefined,
    );
    const input = JSON.stringify({ file, env: Object.fromEntries(ours) });
    const text = JSON.stringify({ version: 1, at, sum: sumOf(input), input } satisfies z.input<typeof kept>);
    try {
      await writeWhole(this.path, text);
    } catch (error) {
      await rm(this.path, { force: true }).catch(() => {});
      throw error;
    }
  }
}

function sumOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
