import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Context } from './context.ts';
import { exitCodes, type ExitCode } from './exit-code.ts';

/** `dockwall version`. */
export async function version(context: Context): Promise<ExitCode> {
  context.print(`dockwall ${await ownVersion()}`);
  return exitCodes.ok;
}

/** From package.json, beside dist and src alike. */
export async function ownVersion(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}
