import { readFile, stat } from 'node:fs/promises';
import { variable, type Environment } from './layer.ts';
import type { ConfigInput } from './load.ts';
import type { ConfigProblem } from './problem.ts';

const defaultPath = '/etc/dockwall/dockwall.yml';

export type ReadConfig =
  | { readonly ok: true; readonly input: ConfigInput }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

const largest = 1024 * 1024;

/**
 * The text that `loadConfig` takes: the file that `DOCKWALL_CONFIG_FILE` names, or the usual one where it
 * exists. No file is read when `DOCKWALL_CONFIG` stands in its place.
 */
export async function readConfig(env: Environment, usualPath = defaultPath): Promise<ReadConfig> {
  if (variable(env, 'DOCKWALL_CONFIG') !== undefined) return { ok: true, input: { env } };
  const path = configPath(env, usualPath);
  try {
    const read = await readText(path);
    if (read.ok) return { ok: true, input: { env, file: { path, text: read.text } } };
    return failed(path, read.problem);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'ENOENT' && variable(env, 'DOCKWALL_CONFIG_FILE') === undefined)
      return { ok: true, input: { env } };
    return failed(path, `the configuration file cannot be read: ${reasons[code] ?? String(error)}`);
  }
}

/** The file that would be read: the one that is named, or the usual one. An empty variable names none. */
export function configPath(env: Environment, usualPath = defaultPath): string {
  return variable(env, 'DOCKWALL_CONFIG_FILE') ?? usualPath;
}

type Text = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly problem: string };

async function readText(path: string): Promise<Text> {
  const status = await stat(path);
  if (status.isDirectory()) {
    // What `-v ./dockwall.yml:/etc/dockwall/dockwall.yml` makes where ./dockwall.yml is missing.
    const docker = 'Docker makes one when the file to be mounted does not exist on the host';
    return { ok: false, problem: `this is a directory, not a file: ${docker}` };
  }
  // Opening a pipe would wait for its writer.
  if (!status.isFile()) return { ok: false, problem: 'this is not a regular file: name one with YAML text' };
  if (status.size > largest) return { ok: false, problem: tooLarge };
  const bytes = await readFile(path);
  if (bytes.byteLength > largest) return { ok: false, problem: tooLarge };
  const text = decode(bytes);
  return text === undefined
    ? { ok: false, problem: 'this is not UTF-8 text: save the file as UTF-8' }
    : { ok: true, text };
}

const tooLarge = 'this is larger than 1 MiB, which no configuration is: is it the right file?';

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no file of that name; is it mounted into the container?',
  EACCES: 'permission denied',
  ENOTDIR: 'a part of the path is not a directory',
  ELOOP: 'its symbolic links go in a circle',
};

function failed(path: string, problem: string): ReadConfig {
  return { ok: false, problems: [{ where: path, path: '', value: '', problem }] };
}
