import { type Command, CommanderError } from 'commander';
import { program } from '../../src/faces/cli/program.ts';

/** The words of a line as a shell splits them, as far as our documents go: quotes, and no variables. */
function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, plain]) => double ?? single ?? plain ?? '',
  );
}

/** The single commands of a line: without its comment, and without what it writes to a file. */
export function commandsOf(line: string): readonly string[] {
  return line
    .replace(/^\$ /, '')
    .replace(/(^|\s)#.*$/, '')
    .split(/ && | \| /)
    .map((command) => command.replace(/ > \S+/, '').trim())
    .filter(Boolean);
}

const compose = String.raw`docker compose(?: -f \S+)*`;
const inContainer = new RegExp(`^${compose} (?:exec(?: -T)? dockwall dockwall|run --rm dockwall)((?: .*)?)$`);

/** The arguments that dockwall gets from this command; undefined where it is none of dockwall's. */
export function dockwallArguments(command: string): readonly string[] | undefined {
  const rest = inContainer.exec(command)?.[1] ?? /^dockwall((?: .*)?)$/.exec(command)?.[1];
  return rest === undefined ? undefined : wordsOf(rest.replaceAll(/[[\]]/g, ''));
}

/** The files that `docker compose` is told of with `-f`. */
export function composeFiles(command: string): readonly string[] {
  if (!command.startsWith('docker compose')) return [];
  return [...command.matchAll(/ -f (\S+)/g)].map(([, file = '']) => file);
}

/**
 * What dockwall's own parser says against these arguments; undefined where it would run them. Nothing is run. A verb alone may be one that is only
 * spoken of, without its arguments.
 */
export async function complaintAbout(args: readonly string[]): Promise<string | undefined> {
  let said = '';
  const context = { env: {}, print: () => undefined, complain: () => undefined };
  const dockwall = program(context, () => undefined);
  const mute = (command: Command): Command =>
    command.configureOutput({ writeErr: (text) => (said += text), writeOut: () => undefined });
  mute(dockwall);
  const verbs = dockwall.commands.map((verb) => verb.name());
  if (args.length === 1) return verbs.includes(args[0] ?? '') ? undefined : 'no such verb';
  for (const verb of dockwall.commands) mute(verb).action(() => undefined);
  try {
    await dockwall.parseAsync(args, { from: 'user' });
    return undefined;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? undefined : (said.split('\n')[0] ?? error.message);
  }
}
