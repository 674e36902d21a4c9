#!/usr/bin/env node
import { CommanderError } from 'commander';
import type { Context } from './faces/cli/context.ts';
import { exitCodes, type ExitCode } from './faces/cli/exit-code.ts';
import { outputTo } from './faces/cli/output.ts';
import { program } from './faces/cli/program.ts';

/**
 * argv -> verb -> exit code, and the only place that exits.
 */
const output = outputTo(process.stdout);
const errors = outputTo(process.stderr);
const context: Context = {
  env: process.env,
  print: output.print,
  complain: errors.print,
  // some terminals say that they are of no size
  get screen() {
    const { isTTY, rows, columns } = process.stdout;
    return isTTY ? { rows: rows || 24, columns: columns || 80 } : undefined;
  },
};

/** Without one the daemon is run, as the image does; the option is what other programs call the verb. */
function verbOf(argv: readonly string[]): readonly string[] {
  if (argv.length === 1 && ['-V', '--version'].includes(argv[0] ?? '')) return ['version'];
  return argv.length === 0 ? ['run'] : argv;
}

async function main(argv: readonly string[]): Promise<ExitCode> {
  try {
    let ended: ExitCode = exitCodes.ok;
    await program(context, (code) => (ended = code)).parseAsync(verbOf(argv), { from: 'user' });
    return ended;
  } catch (error) {
    // Commander has printed its own message; asking for help is no mistake.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.bad;
    const { explainError } = await import('./faces/cli/explain-error.ts');
    const explained = explainError(error);
    context.complain(`dockwall: ${explained.message}`);
    return explained.exitCode;
  }
}

/** A verb that has answered ends at once, whatever it still holds open (Docker's client, the reader of the kernel), but not before its answer is out. */
async function exit(code: ExitCode): Promise<never> {
  const failure = await output.delivered();
  if (failure !== undefined)
    context.complain(`dockwall: the output could not be written (${failure.message})`);
  const failed = (await errors.delivered()) ?? failure;
  process.exit(failed !== undefined && code === exitCodes.ok ? exitCodes.failed : code);
}

await exit(await main(process.argv.slice(2)));
