import { readFile, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LiveSource } from '../../decide/policy/config.ts';
import { acceptList } from './accept.ts';
import type { LastGood, Reading } from './model.ts';
import { largestList, tooLarge } from './url.ts';

type FileSource = Extract<LiveSource, { kind: 'file' }>;

/** What an editor that writes in place needs between emptying a file and filling it, ms; and how often it is waited for. */
const rest = 150;
const mostLooks = 10;

/**
 * A list by file, once it rests: what is read while somebody writes is half a list.
 * @param path where it is for us.
 */
export async function readList(
  { path, source }: { readonly path: string; readonly source: FileSource },
  last: LastGood | undefined,
  signal: AbortSignal,
): Promise<Reading> {
  let before = await sign(path);
  for (let look = 0; look < mostLooks; look += 1) {
    await sleep(rest, undefined, { signal });
    const now = await sign(path);
    if (now === before) break;
    before = now;
  }
  const read = await readText(path);
  return read.ok ? acceptList(read.text, source, { last }) : { kind: 'failed', reason: read.reason };
}

async function sign(path: string): Promise<string> {
  const status = await stat(path, { bigint: true }).catch(() => undefined);
  return status === undefined ? '' : `${status.dev} ${status.ino} ${status.size} ${status.mtimeNs}`;
}

type Text = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly reason: string };

async function readText(path: string): Promise<Text> {
  try {
    const status = await stat(path);
    // Opening a pipe would wait for its writer.
    if (!status.isFile())
      return { ok: false, reason: `it is ${status.isDirectory() ? 'a directory' : 'no regular file'}` };
    if (status.size > largestList) return { ok: false, reason: tooLarge };
    return { ok: true, text: await readFile(path, 'utf8') };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    return { ok: false, reason: reasons[code] ?? `reading it failed: ${String(error)}` };
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file; is it mounted into the container?',
  EACCES: 'permission denied',
  ENOTDIR: 'a part of its path is not a directory',
  ELOOP: 'its symbolic links go in a circle',
};
