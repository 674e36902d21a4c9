import { Command } from 'commander';
import type { Context } from './context.ts';
import type { ExitCode } from './exit-code.ts';

/** What `--verbose` does. */
const each = 'show each rule and set, however many';

/** What each verb is given: where it prints, and whom it tells how it ended. */
interface Around {
  readonly context: Context;
  readonly ended: (code: ExitCode) => void;
  readonly verb: (name: string, description: string) => Command;
}

/** All verbs with their flags. Each is imported when called: `health` runs every few seconds and must not load Docker's client. */
export function program(context: Context, ended: Around['ended']): Command {
  const dockwall = new Command('dockwall')
    .description("The firewall for Docker's published ports: what the labels open is open, and nothing else.")
    .option('-V, --version', 'print the version')
    .exitOverride()
    .showHelpAfterError();
  const verb: Around['verb'] = (name, description) => dockwall.command(name).description(description);
  const around = { context, ended, verb };
  addRuns(around);
  addViews(around);
  addHost(around);
  return dockwall;
}

/** What does passes. */
function addRuns({ context, ended, verb }: Around): void {
  verb('run', 'stand guard until stopped (the walls stay)').action(async () =>
    ended(await (await import('./run.ts')).run(context)),
  );
  verb('plan', 'show what a pass would change; touches nothing')
    .option('--json', 'print JSON')
    .option('--check', 'exit with 3 when something would change')
    .option('--verbose', each)
    .action(async (options) => ended(await (await import('./plan.ts')).plan(context, options)));
  verb('apply', 'do one pass')
    .option('--verbose', each)
    .action(async (options) => ended(await (await import('./plan.ts')).apply(context, options)));
  verb('check', 'check the configuration and every label')
    .option('--json', 'print JSON')
    .action(async (options) => ended(await (await import('./check.ts')).check(context, options)));
}

/** What people ask. */
function addViews(around: Around): void {
  const { context, ended, verb } = around;
  verb('status', 'show who may reach what')
    .option('--json', 'print JSON')
    .option('--watch', 'draw it anew every two seconds, until q is typed')
    .action(async (options) => ended(await (await import('./status.ts')).status(context, options)));
  verb('blocked', 'show who was turned away lately')
    .option('--json', 'print JSON')
    .option('--all', 'more than a screenful')
    .option('--grant <words...>', 'N GROUP TIME: let the N-th of the list in for a while, such as 1 web 2h')
    .action(async (options) => ended(await (await import('./blocked.ts')).blocked(context, options)));
  observeVerbs(around);
  verb('explain', 'show whether a source gets in somewhere, and what decides it')
    .argument('<source>', 'an address, a DNS name, an address%interface, or interface:NAME')
    .argument('<target>', 'a service, service:port, a port, or address:port')
    .option('--json', 'print JSON')
    .action(async (source, target, options) =>
      ended(await (await import('./explain.ts')).explain(context, { source, target, ...options })),
    );
  grantVerbs(around);
}

/** What is done with the host, and asked by machines. */
function addHost({ context, ended, verb }: Around): void {
  verb('doctor', 'show the host as dockwall sees it, and what to do about what is wrong')
    .option('--json', 'print JSON')
    .action(async (options) => ended(await (await import('./doctor.ts')).doctor(context, options)));
  verb('down', 'remove every rule, chain and set of ours')
    .option('--verbose', each)
    .action(async (options) => ended(await (await import('./down.ts')).down(context, options)));
  verb('boot-unit', 'print a systemd unit that keeps containers closed from boot to the first pass')
    .option(
      '--keep <ports>',
      'ports of the host that stay reachable: the whole list, or with + in front more of them',
    )
    .option('--sets', 'the unit that makes the empty sets that saved rules need, instead')
    .action(async (options) => ended(await (await import('./boot-unit.ts')).bootUnit(context, options)));
  verb('health', 'ask the running dockwall whether it is well').action(async () =>
    ended(await (await import('./health.ts')).health(context)),
  );
  verb('version', 'print the version').action(async () =>
    ended(await (await import('./version.ts')).version(context)),
  );
}

function observeVerbs({ context, ended, verb }: Around): void {
  verb('observe', 'look before you close: turn nobody away for a while, and remember who would be')
    .option('--for <time>', 'how long, such as 2h or 7d; at most 21d')
    .option('--stop', 'close the walls now')
    .action(async (options) => ended(await (await import('./observe.ts')).observe(context, options)));
  verb('suggest', 'turn who was turned away into services: entries and labels to paste')
    .option('--json', 'print JSON')
    .action(async (options) => ended(await (await import('./suggest.ts')).suggest(context, options)));
}

function grantVerbs({ context, ended, verb }: Around): void {
  verb('grant', 'let a source into a group (or trusted) for a while')
    .argument('<group>')
    .argument('<source>', 'an address, CIDR, range, or a DNS name, which is asked for once')
    .requiredOption('--for <time>', 'how long, such as 30m or 2h')
    .option('--note <text>', 'who it is for; kept beside it and logged')
    .action(async (group: string, source: string, options: { for: string; note?: string }) =>
      ended(await (await import('./grant.ts')).grant(context, group, { ...options, source })),
    );
  verb('revoke', 'take a grant back; running sessions end')
    .argument('<group>')
    .argument('<source>')
    .action(async (group: string, source: string) =>
      ended(await (await import('./revoke.ts')).revoke(context, group, source)),
    );
  verb('grants', 'show who is let in for a while, and how long still')
    .option('--json', 'print JSON')
    .action(async (options) => ended(await (await import('./grants.ts')).grants(context, options)));
}
