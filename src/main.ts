#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import type { Context } from './faces/cli/context.ts';
import { exitCodes, type ExitCode } from './faces/cli/exit-code.ts';
import { outputTo } from './faces/cli/output.ts';

/**
 * argv -> verb -> exit code, and the only place that exits. Verbs are imported when called: `health` runs every few
 * seconds and must not load Docker's client.
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

let exitCode: ExitCode = exitCodes.ok;

/** What `--verbose` does. */
const each = 'show each rule and set, however many';

type AddVerb = (name: string, description: string) => Command;

function program(): Command {
  const dockwall = new Command('dockwall')
    .description("The firewall for Docker's published ports: what the labels open is open, and nothing else.")
    .option('-V, --version', 'print the version')
    .exitOverride()
    .showHelpAfterError();
  const verb: AddVerb = (name, description) => dockwall.command(name).description(description);
  addRuns(verb);
  addViews(verb);
  addHost(verb);
  return dockwall;
}

/** What does passes. */
function addRuns(verb: AddVerb): void {
  verb('run', 'stand guard until stopped (the walls stay)').action(
    async () => void (exitCode = await (await import('./faces/cli/run.ts')).run(context)),
  );
  verb('plan', 'show what a pass would change; touches nothing')
    .option('--json', 'print JSON')
    .option('--check', 'exit with 3 when something would change')
    .option('--verbose', each)
    .action(
      async (options) => void (exitCode = await (await import('./faces/cli/plan.ts')).plan(context, options)),
    );
  verb('apply', 'do one pass')
    .option('--verbose', each)
    .action(
      async (options) =>
        void (exitCode = await (await import('./faces/cli/plan.ts')).apply(context, options)),
    );
  verb('check', 'check the configuration and every label')
    .option('--json', 'print JSON')
    .action(
      async (options) =>
        void (exitCode = await (await import('./faces/cli/check.ts')).check(context, options)),
    );
}

/** What people ask. */
function addViews(verb: AddVerb): void {
  verb('status', 'show who may reach what')
    .option('--json', 'print JSON')
    .option('--watch', 'draw it anew every two seconds, until q is typed')
    .action(
      async (options) =>
        void (exitCode = await (await import('./faces/cli/status.ts')).status(context, options)),
    );
  verb('blocked', 'show who was turned away lately')
    .option('--json', 'print JSON')
    .option('--all', 'more than a screenful')
    .option('--grant <words...>', 'N GROUP TIME: let the N-th of the list in for a while, such as 1 web 2h')
    .action(
      async (options) =>
        void (exitCode = await (await import('./faces/cli/blocked.ts')).blocked(context, options)),
    );
  observeVerbs(verb);
  verb('explain', 'show whether a source gets in somewhere, and what decides it')
    .argument('<source>', 'an address, a DNS name, an address%interface, or interface:NAME')
    .argument('<target>', 'a service, service:port, a port, or address:port')
    .option('--json', 'print JSON')
    .action(
      async (source, target, options) =>
        void (exitCode = await (
          await import('./faces/cli/explain.ts')
        ).explain(context, { source, target, ...options })),
    );
  grantVerbs(verb);
}

/** What is done with the host, and asked by machines. */
function addHost(verb: AddVerb): void {
  verb('doctor', 'show the host as dockwall sees it, and what to do about what is wrong')
    .option('--json', 'print JSON')
    .action(
      async (options) =>
        void (exitCode = await (await import('./faces/cli/doctor.ts')).doctor(context, options)),
    );
  verb('down', 'remove every rule, chain and set of ours')
    .option('--verbose', each)
    .action(
      async (options) => void (exitCode = await (await import('./faces/cli/down.ts')).down(context, options)),
    );
  verb('boot-unit', 'print a systemd unit that keeps containers closed from boot to the first pass')
    .option(
      '--keep <ports>',
      'ports of the host that stay reachable: the whole list, or with + in front more of them',
    )
    .option('--sets', 'the unit that makes the empty sets that saved rules need, instead')
    .action(
      async (options) =>
        void (exitCode = await (await import('./faces/cli/boot-unit.ts')).bootUnit(context, options)),
    );
  verb('health', 'ask the running dockwall whether it is well').action(
    async () => void (exitCode = await (await import('./faces/cli/health.ts')).health(context)),
  );
  verb('version', 'print the version').action(
    async () => void (exitCode = await (await import('./faces/cli/version.ts')).version(context)),
  );
}

function observeVerbs(verb: AddVerb): void {
  verb('observe', 'look before you close: turn nobody away for a while, and remember who would be')
    .option('--for <time>', 'how long, such as 2h or 7d; at most 21d')
    .option('--stop', 'close the walls now')
    .action(
      async (options) =>
        void (exitCode = await (await import('./faces/cli/observe.ts')).observe(context, options)),
    );
  verb('suggest', 'turn who was turned away into services: entries and labels to paste')
    .option('--json', 'print JSON')
    .action(
      async (options) =>
        void (exitCode = await (await import('./faces/cli/suggest.ts')).suggest(context, options)),
    );
}

function grantVerbs(verb: (name: string, description: string) => Command): void {
  verb('grant', 'let a source into a group (or trusted) for a while')
    .argument('<group>')
    .argument('<source>', 'an address, CIDR, range, or a DNS name, which is asked for once')
    .requiredOption('--for <time>', 'how long, such as 30m or 2h')
    .option('--note <text>', 'who it is for; kept beside it and logged')
    .action(
      async (group: string, source: string, options: { for: string; note?: string }) =>
        void (exitCode = await (
          await import('./faces/cli/grant.ts')
        ).grant(context, group, { ...options, source })),
    );
  verb('revoke', 'take a grant back; running sessions end')
    .argument('<group>')
    .argument('<source>')
    .action(
      async (group: string, source: string) =>
        void (exitCode = await (await import('./faces/cli/revoke.ts')).revoke(context, group, source)),
    );
  verb('grants', 'show who is let in for a while, and how long still')
    .option('--json', 'print JSON')
    .action(
      async (options) =>
        void (exitCode = await (await import('./faces/cli/grants.ts')).grants(context, options)),
    );
}

/** Without one the daemon is run, as the image does; the option is what other programs call the verb. */
function verbOf(argv: readonly string[]): readonly string[] {
  if (argv.length === 1 && ['-V', '--version'].includes(argv[0] ?? '')) return ['version'];
  return argv.length === 0 ? ['run'] : argv;
}

async function main(argv: readonly string[]): Promise<ExitCode> {
  try {
    await program().parseAsync(verbOf(argv), { from: 'user' });
    return exitCode;
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
