import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { hostAddress, routerAddress } from './addresses.ts';
import { type CellSpec, type Mount, cellArgv, spawnDetached } from './cell.ts';
import { type EngineOptions, suites } from './engine-options.ts';
import { namespaceName } from './network.ts';
import { until } from './poll.ts';
import { type ProcessRef, isAlive } from './processes.ts';
import { rootFs } from './root-fs.ts';
import { labDir } from './state.ts';
import { testImageTar } from './test-image.ts';

/** The folder of this machine that the engine sees as /run: its sockets are reachable from both sides. */
export function engineRunDir(labId: string): string {
  return path.join(labDir(labId), 'run');
}

// Only forky has Compose v2; its plugin runs on the older ones too.
async function composePlugin(options: EngineOptions): Promise<readonly Mount[]> {
  const plugin = '/usr/libexec/docker/cli-plugins/docker-compose';
  if (options.version === '28') return [];
  return [{ from: path.join(await rootFs('forky'), plugin), to: plugin, readOnly: true }];
}

function runcWrapper(options: EngineOptions): readonly Mount[] {
  const bounding = /CapBnd:\s*([0-9a-f]+)/.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0';
  const sysResource = 1n << 24n;
  if (options.version !== '20' || (BigInt(`0x${bounding}`) & sysResource) !== 0n) return [];
  // found before the real one on the PATH that the engine is started with
  return [
    {
      from: path.join(import.meta.dirname, 'inside/runc.sh'),
      to: '/usr/local/sbin/runc',
      readOnly: true,
    },
  ];
}

/** Where an engine is made. */
export interface EngineCellSpec {
  readonly labId: string;
  /** The lab's folder on a real disk. */
  readonly disk: string;
  readonly options: EngineOptions;
  /** Its images and containers; below `disk` unless told. */
  readonly data?: string;
  /** In place of the lab's Docker host: see `CellSpec`. */
  readonly site?: Pick<CellSpec, 'netns' | 'mounts' | 'files'>;
}

function labSite(labId: string): Pick<CellSpec, 'netns' | 'mounts' | 'files'> {
  return {
    netns: namespaceName(labId, 'host'),
    files: {
      '/etc/resolv.conf': `nameserver ${routerAddress.v4}\n`,
      '/etc/hosts': `127.0.0.1 localhost\n::1 localhost\n${hostAddress.v4} dockerhost\n`,
    },
  };
}

/** Makes the cell an engine lives in: mount and pid namespaces of its own, in the host's network namespace. */
export async function startEngineCell({
  labId,
  disk,
  options,
  ...asked
}: EngineCellSpec): Promise<ProcessRef> {
  const [root, plugin] = await Promise.all([rootFs(suites[options.version]), composePlugin(options)]);
  const runFolder = engineRunDir(labId);
  const data = asked.data ?? path.join(disk, 'docker');
  for (const dir of [runFolder, data]) mkdirSync(dir, { recursive: true });
  const site = asked.site ?? labSite(labId);
  const spec = {
    ...site,
    root,
    scratch: path.join(disk, 'engine'),
    mounts: [
      { from: runFolder, to: '/run' },
      { from: data, to: '/var/lib/docker' },
      { from: await testImageTar(root), to: '/lab/image.tar', readOnly: true },
      { from: path.join(import.meta.dirname, 'inside/socket.pl'), to: '/lab/socket', readOnly: true },
      ...runcWrapper(options),
      ...plugin,
      ...(site.mounts ?? []),
    ],
  };
  const logFile = path.join(disk, 'cell.log');
  const log = openSync(logFile, 'a');
  const cell = await spawnDetached(cellArgv(spec, firstCommand(options)), log);
  closeSync(log);
  await until({ what: `the engine's root (${logFile})`, ms: 10_000, every: 5 }, () => {
    if (!isAlive(cell)) throw new Error(`starting the engine's cell: ${readFileSync(logFile, 'utf8')}`);
    return existsSync(path.join(runFolder, 'lab-ready'));
  });
  return cell;
}

function firstCommand({ backend, socketActivation }: EngineOptions): readonly string[] {
  const bash = ['bash', '-c', firstProcess, 'lab', backend];
  return socketActivation ? ['/lab/socket', 'listen', '/run/docker.sock', ...bash] : bash;
}

// Process 1 of the cell: chooses which rule set `iptables` writes to, and stays. It is bash because bash collects
// the processes that lose their parent, as containerd's shims do.
const firstProcess = `
set -e
for name in iptables ip6tables; do update-alternatives --quiet --set $name /usr/sbin/$name-$1; done
: >/run/lab-ready
while :; do sleep 3600; done
`;
