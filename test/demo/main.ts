// npm run demo: the stack of compose.example.yml on a real Docker engine, and who gets what, asked from outside.
import { parseArgs } from 'node:util';
import { type EngineVersion, suites } from '../lab/engine-options.ts';
import { Lab } from '../lab/lab.ts';
import { missingPackages, missingRequirements, onPath } from '../lab/requirements.ts';
import { rootFs } from '../lab/root-fs.ts';
import { run } from '../lab/run.ts';
import { stackImageTars } from './images.ts';
import { type Row, measure, wrongCells } from './matrix.ts';
import { people } from './people.ts';
import { stopProbers } from './probe.ts';
import { Stack } from './stack.ts';
import { tableText } from './table.ts';
import { paint, say, step } from './terminal.ts';

const usage = `npm run demo [-- --engine 20|28] [--keep]

  Brings compose.example.yml up on a Docker engine in network namespaces of this machine, asks from outside who
  gets what, restarts the engine under fire, and asks again. Needs root; Docker is not needed, nor touched.

  --engine   Docker 28 (unless told) or 20.10
  --keep     leave it all up afterwards, to play with
`;

interface Options {
  readonly engine: EngineVersion;
  readonly keep: boolean;
}

function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      engine: { type: 'string', default: '28' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  if (values.engine !== '20' && values.engine !== '28')
    throw new Error(`--engine is 20 or 28, not ${values.engine}`);
  return { engine: values.engine, keep: values.keep };
}

/** As root on a Debian machine: what the lab needs is installed, by name. */
async function installMissing(): Promise<void> {
  const packages = missingPackages();
  if (packages.length === 0 || process.getuid?.() !== 0 || !onPath('apt-get')) return;
  await step(`apt-get install ${packages.join(' ')}`, async () => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const timeout = 600_000;
    await run(['apt-get', '-qq', 'update'], { env, timeout });
    await run(['apt-get', '-qq', 'install', '--yes', '--no-install-recommends', ...packages], {
      env,
      timeout,
    });
  });
}

/** Says what this machine lacks; true when it lacks something. */
function complainOfMissing(): boolean {
  const missing = missingRequirements();
  if (missing.length === 0) return false;
  say(paint('red', 'The demo cannot run here:'));
  for (const sentence of missing) say(`  ${sentence}`);
  return true;
}

async function prepare({ engine, keep }: Options): Promise<Stack> {
  await step('Debian for the Docker host (first time: a minute)', async () => {
    await rootFs(suites['28']);
    await rootFs(suites[engine]);
  });
  const tars = await step(
    'the image of dockwall, from the Dockerfile (first time: a minute)',
    stackImageTars,
  );
  const lab = await step(`Docker ${engine}, an internet, and three people in it`, async () =>
    Lab.start({
      ...(keep ? { name: 'demo' } : {}),
      keep,
      engine: { version: engine },
      clients: people.map(({ client }) => client),
    }),
  );
  const stack = new Stack(lab);
  await step('docker load (no --build there: the host reaches no registry)', async () => stack.load(tars));
  await step('docker compose -f compose.example.yml up -d', async () => stack.up());
  await step('waiting until dockwall is healthy and the sites answer', async () => {
    await stack.waitHealthy();
    await stack.waitServed();
  });
  return stack;
}

/** Asks everybody everything and prints it; gives what is not as it should be. */
async function show(stack: Stack, when: string): Promise<readonly string[]> {
  const rows: readonly Row[] = await step('asking from outside', async () => measure(stack.lab));
  say(`\n${paint('bold', `Who gets what, ${when}`)}\n\n${tableText(rows)}\n`);
  return wrongCells(rows);
}

async function showStatus(stack: Stack): Promise<void> {
  const { stdout, stderr } = await stack.dockwall('status');
  say(paint('bold', 'docker compose exec dockwall dockwall status\n'));
  say(`${stdout}\n${stderr}`.trimEnd().replaceAll(/^/gm, '  '));
  say();
}

/** Restarts the engine while the forbidden never stop trying; gives what is not as it should be. */
async function restartUnderFire(stack: Stack): Promise<readonly string[]> {
  const probers = await stack.probeForbidden();
  await step('restarting the Docker engine, while the forbidden keep trying', async () => {
    await stack.lab.engine.restart();
  });
  await step('waiting until dockwall is healthy and the sites answer', async () => {
    await stack.waitHealthy();
    await stack.waitServed();
  });
  const { attempts, opened } = await stopProbers(probers);
  const count = paint(opened === 0 ? ['bold', 'green'] : ['bold', 'red'], `${opened} handshakes`);
  say(`\n  ${attempts.toLocaleString('en')} attempts at closed ports during the restart: ${count}\n`);
  return opened === 0 ? [] : [`${opened} handshakes with closed ports during the restart`];
}

function sayHowToPlay({ lab }: Stack, container: string): void {
  const on = `LAB=${lab.id} npm run lab --`;
  say(`It stays up. To play with it:

  ${on} docker ps
  ${on} docker exec ${container} dockwall status
  ${on} check stranger ${lab.host.v4} 8080
  ${on} host iptables -vnL DOCKWALL-SERVICES

To take it down:

  ${on} down
`);
}

async function play(options: Options): Promise<number> {
  const stack = await prepare(options);
  const wrong = [...(await show(stack, 'as compose.example.yml came up'))];
  await showStatus(stack);
  wrong.push(...(await restartUnderFire(stack)));
  wrong.push(...(await show(stack, 'after the restart')));
  if (options.keep) sayHowToPlay(stack, await stack.container('dockwall'));
  else await step('taking everything down', async () => stack.lab.down());
  for (const sentence of wrong) say(paint('red', `wrong: ${sentence}`));
  if (wrong.length === 0) say(paint(['bold', 'green'], 'Everything is as compose.example.yml says.'));
  return wrong.length === 0 ? 0 : 1;
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) say(usage);
  else {
    await installMissing();
    process.exitCode = complainOfMissing() ? 1 : await play(options);
  }
} catch (error) {
  say(`\n${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
// what a failure left up goes with this process: the lab is taken down at its exit
process.exit();
