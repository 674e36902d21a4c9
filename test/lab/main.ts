// The lab by hand. `npm run lab` prints what it can do.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { runDockwall } from './dockwall.ts';
import type { EngineOptions, EngineVersion, IptablesBackend } from './engine-options.ts';
import { dockwallImageTar } from './image.ts';
import { Lab } from './lab.ts';
import { reap, removeLab } from './reaper.ts';
import { missingRequirements } from './requirements.ts';
import { prepareRoots } from './root-fs.ts';
import { listStates } from './state.ts';
import { usage } from './usage.ts';

class UsageError extends Error {}

function oneOf<T extends string>(what: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw new UsageError(`${what} is one of ${allowed.join(', ')}, not ${value}`);
  return found;
}

function engineFrom(values: Record<string, string | boolean | undefined>): Partial<EngineOptions> | false {
  if (values['no-engine']) return false;
  return {
    version: oneOf<EngineVersion>('--engine', String(values['engine'] ?? '28'), ['20', '26', '28']),
    backend: oneOf<IptablesBackend>('--backend', String(values['backend'] ?? 'nft'), ['nft', 'legacy']),
    userlandProxy: !values['no-userland-proxy'],
    liveRestore: values['live-restore'] === true,
    ...(values['ip6tables'] ? { ip6tables: true } : {}),
  };
}

async function up(args: readonly string[]): Promise<number> {
  const missing = missingRequirements();
  if (missing.length > 0) throw new Error(`the lab cannot run here:\n  ${missing.join('\n  ')}`);
  const flag = { type: 'boolean' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      name: { type: 'string' },
      engine: { type: 'string' },
      backend: { type: 'string' },
      'no-userland-proxy': flag,
      'live-restore': flag,
      ip6tables: flag,
      'no-engine': flag,
    },
  });
  const name = values.name === undefined ? {} : { name: values.name };
  const lab = await Lab.start({ ...name, keep: true, engine: engineFrom(values) });
  console.log(`lab ${lab.id} is up: Docker host ${lab.host.v4}, ${lab.host.v6}`);
  list();
  return 0;
}

function list(): number {
  for (const state of listStates()) {
    const engine = state.engine
      ? `docker ${state.engine.options.version}, ${state.engine.options.backend}`
      : 'no engine';
    console.log(`${state.id}  ${engine}${state.keep ? '' : `  (of process ${state.owner.pid})`}`);
    for (const { name, v4, v6, neighbour } of state.clients) {
      console.log(`  ${name}  ${v4}  ${v6}${neighbour ? '  neighbour' : ''}`);
    }
  }
  return 0;
}

function only(name: string | undefined): Lab {
  const states = listStates().filter((state) => state.keep || name !== undefined);
  if (name === undefined && states.length !== 1) {
    throw new UsageError(`${states.length} labs are up: say which with LAB=name (npm run lab -- list)`);
  }
  return Lab.open(name ?? states[0]?.id ?? '');
}

function passThrough(argv: readonly string[]): number {
  const [file, ...args] = argv;
  if (file === undefined) throw new UsageError('which command?');
  const result = spawnSync(file, args, { stdio: 'inherit' });
  if (result.error) throw result.error;
  return result.status ?? 1;
}

async function check(lab: Lab, [name, ip, port]: readonly string[]): Promise<number> {
  if (name === undefined || ip === undefined || port === undefined)
    throw new UsageError('check CLIENT IP PORT');
  const client = lab.client(name);
  const verdict = await client.connect(ip, Number(port));
  client.close();
  console.log(verdict);
  return verdict === 'open' ? 0 : 1;
}

async function dockwall(lab: Lab, args: readonly string[]): Promise<number> {
  const result = await runDockwall(lab, args);
  console.log(result.stdout);
  console.error(result.stderr);
  return result.exitCode ?? 1;
}

async function down(args: readonly string[], name: string | undefined): Promise<number> {
  if (args.includes('--all')) for (const state of listStates()) removeLab(state);
  else await only(name ?? args[0]).down();
  return 0;
}

type Verb = (args: readonly string[], named: string | undefined) => number | Promise<number>;

const verbs: Readonly<Record<string, Verb>> = {
  up,
  down,
  list,
  host: (args, named) => passThrough(only(named).hostArgv(args)),
  docker: (args, named) => passThrough(only(named).hostArgv(['docker', ...args])),
  exec: ([name = '', ...command], named) => passThrough(only(named).client(name).argv(command)),
  prepare: async (args) => {
    await prepareRoots();
    if (args.includes('--image')) await dockwallImageTar();
    return 0;
  },
  check: (args, named) => check(only(named), args),
  dockwall: (args, named) => dockwall(only(named), args),
  reap: () => {
    console.log(reap().join('\n'));
    return 0;
  },
  help: () => {
    console.log(usage);
    return 0;
  },
};

async function main(argv: readonly string[]): Promise<number> {
  const named = argv[0] === '--lab' ? argv[1] : process.env['LAB'];
  const [name = 'help', ...args] = argv[0] === '--lab' ? argv.slice(2) : argv;
  const verb = verbs[name];
  if (!verb) throw new UsageError(`no verb "${name}"\n\n${usage}`);
  return verb(args, named);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
