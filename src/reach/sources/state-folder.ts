import { createHash } from 'node:crypto';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Cidr } from '../../decide/net/network.ts';
import type { SourceKey } from '../../decide/policy/config.ts';
import { writeWhole } from '../host/whole-file.ts';
import type { LastGood } from './model.ts';

const ending = '.list';
/** Not touched for so long by a source that is not in use, and it goes, ms. */
const keptUnused = 30 * 24 * 3_600_000;

const header = z.object({
  version: z.literal(1),
  key: z.string().transform((key) => key as SourceKey),
  at: z.number(),
  validators: z.object({ etag: z.string().optional(), lastModified: z.string().optional() }).optional(),
  /** SHA-256 of all lines that follow. */
  sum: z.string(),
});

/** What {@link toCidr} makes; anything else in a file is not ours. */
const network = /^[\da-f.:]+(?:\/\d{1,3})?$/u;

/**
 * Last good answers, so that a restart, of the sidecar or of the host, knows who is meant before a name server answers. One small file
 * a source: a line of JSON, then a network a line. The sets in the kernel cannot be this memory: they do not say which name an address
 * is from, and a boot empties them.
 */
export class StateFolder {
  private readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** All that can be read, and a sentence for each file that cannot. */
  async readAll(): Promise<{
    readonly answers: ReadonlyMap<SourceKey, LastGood>;
    readonly problems: readonly string[];
  }> {
    const answers = new Map<SourceKey, LastGood>();
    const problems: string[] = [];
    const names = await readdir(this.path).catch(() => []);
    for (const name of names.filter((one) => one.endsWith(ending))) {
      const read = await this.readFile(name);
      if (read === undefined) problems.push(`${join(this.path, name)} cannot be read and is left aside`);
      else answers.set(read.key, read.last);
    }
    return { answers, problems };
  }

  /** Undefined where there is none, or none that can be read. */
  async read(key: SourceKey): Promise<LastGood | undefined> {
    const read = await this.readFile(fileName(key));
    return read?.key === key ? read.last : undefined;
  }

  /** Whole or not at all, also where the power fails. Rejects where the folder cannot be written. */
  async write(key: SourceKey, { networks, at, validators }: LastGood): Promise<void> {
    const body = networks.map((one) => `${one}\n`).join('');
    const head = { version: 1, key, at, validators, sum: sumOf(body) } satisfies z.input<typeof header>;
    await writeWhole(join(this.path, fileName(key)), `${JSON.stringify(head)}\n${body}`);
  }

  /** Removes what was kept for sources that are long out of use. @param now milliseconds since 1970. */
  async prune(inUse: Iterable<SourceKey>, now: number): Promise<void> {
    const used = new Set(Array.from(inUse, fileName));
    for (const name of await readdir(this.path).catch(() => [])) {
      // what ends with .new was being written when its process was killed
      if (!/\.(?:list|new)$/u.test(name) || used.has(name)) continue;
      const path = join(this.path, name);
      const status = await stat(path).catch(() => undefined);
      if (status !== undefined && now - status.mtimeMs > keptUnused) await rm(path, { force: true });
    }
  }

  private async readFile(
    name: string,
  ): Promise<{ readonly key: SourceKey; readonly last: LastGood } | undefined> {
    try {
      const text = await readFile(join(this.path, name), 'utf8');
      const end = text.indexOf('\n');
      const { key, at, validators, sum } = header.parse(JSON.parse(text.slice(0, end)));
      const body = text.slice(end + 1);
      const networks = body.split('\n').slice(0, -1);
      if (sumOf(body) !== sum || !networks.every((one) => network.test(one))) return undefined;
      return { key, last: { networks: networks as Cidr[], at, validators } };
    } catch {
      return undefined;
    }
  }
}

function fileName(key: SourceKey): string {
  return `${createHash('sha256').update(key).digest('hex').slice(0, 20)}${ending}`;
}

function sumOf(body: string): string {
  return createHash('sha256').update(body).digest('hex');
}
