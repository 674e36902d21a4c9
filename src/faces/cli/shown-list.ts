import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import path from 'node:path';
import { z } from 'zod';
import type { Blocked } from '../../decide/wall/blocked.ts';

/** Longer ago than this, ms, and nobody remembers what he saw. */
const longest = 15 * 60_000;

const shownList = z.object({
  at: z.number(),
  sources: z.array(z.string().refine((text) => isIP(text) !== 0)),
});

function fileIn(folder: string): string {
  return path.join(folder, 'blocked-shown.json');
}

/** Keeps the addresses of a list, in its order, beside the daemon's socket; an empty list leaves nothing behind. */
export async function writeShown(folder: string, shown: readonly Pick<Blocked, 'source'>[]): Promise<void> {
  const file = fileIn(folder);
  if (shown.length === 0) return rm(file, { force: true });
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const text = JSON.stringify({ at: Date.now(), sources: shown.map(({ source }) => source) });
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** The addresses of the list that was shown last; undefined where none was, here and lately. */
export async function readShown(folder: string, now: number): Promise<readonly string[] | undefined> {
  try {
    const { at, sources } = shownList.parse(JSON.parse(await readFile(fileIn(folder), 'utf8')));
    return now - at > longest ? undefined : sources;
  } catch {
    return undefined;
  }
}
