import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { withLock } from './lock.ts';
import { bootstrapScript, debianMirror } from './mirror.ts';
import { cacheDir } from './paths.ts';
import { run } from './run.ts';

/** A root file system made once and never written to again: a suite and the packages in it. */
interface RootSpec {
  readonly suite: string;
  readonly packages: readonly string[];
  /** Some of the packages load firewall rules as they are installed: that happens in a network namespace of its own. */
  readonly loadsRules?: true;
}

const tools = ['iptables', 'ipset', 'nftables', 'iproute2', 'conntrack', 'ca-certificates'];
const engine = ['docker.io', 'procps', 'busybox-static', ...tools];

/** The roots of the lab: three engines, a name server, what dockwall runs in as a plain process, what saves rules, and the base of built images. */
const roots = {
  bookworm: { suite: 'bookworm', packages: engine },
  // the engine and its command line became two packages in trixie
  trixie: { suite: 'trixie', packages: [...engine, 'docker-cli'] },
  forky: { suite: 'forky', packages: [...engine, 'docker-cli', 'docker-compose'] },
  // an authoritative name server, whose answers and TTLs are a file
  names: { suite: 'trixie', packages: ['nsd'] },
  sidecar: { suite: 'trixie', packages: tools },
  // what saves a host's rules and loads them at boot, by iptables' words and by nft's
  persistent: {
    suite: 'trixie',
    packages: ['iptables', 'ipset', 'nftables', 'iptables-persistent', 'ipset-persistent'],
    loadsRules: true,
  },
  // what a `-slim` image is: the base of built images, so that a package the Dockerfile forgot is really missing
  slim: { suite: 'trixie', packages: [] },
} as const satisfies Record<string, RootSpec>;

export type RootName = keyof typeof roots;

// Raised when the way a root is made changes: older ones are then built anew.
const recipe = '1';

function directory(name: string, spec: RootSpec): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([recipe, spec]))
    .digest('hex')
    .slice(0, 10);
  return path.join(cacheDir(), 'roots', `${name}-${hash}`);
}

async function bootstrap(dir: string, spec: RootSpec): Promise<void> {
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  const include = spec.packages.length > 0 ? [`--include=${spec.packages.join(',')}`] : [];
  const first = spec.loadsRules ? ['--foreign'] : [];
  const argv = ['debootstrap', '--variant=minbase', ...first, ...include, spec.suite, dir];
  const options = { timeout: 15 * 60_000, env: { DEBIAN_FRONTEND: 'noninteractive' } };
  await run([...argv, await debianMirror(), bootstrapScript(spec.suite)], options);
  if (spec.loadsRules) {
    const second = ['chroot', dir, '/debootstrap/debootstrap', '--second-stage'];
    await run(['unshare', '--net', '--mount', ...second], options);
  }
  await rm(path.join(dir, 'var/cache/apt/archives'), { recursive: true, force: true });
}

/** Builds all roots that are missing, two at a time. */
export async function prepareRoots(): Promise<void> {
  const names = Object.keys(roots) as RootName[];
  const worker = async (): Promise<void> => {
    for (let name = names.pop(); name !== undefined; name = names.pop()) await rootFs(name);
  };
  await Promise.all([worker(), worker()]);
}

/** The folder of a finished root, built on first use (about 40 s each), under a lock and renamed into place when whole. */
export async function rootFs(name: RootName): Promise<string> {
  const spec = roots[name];
  const dir = directory(name, spec);
  if (existsSync(dir)) return dir;
  return withLock(`${dir}.lock`, async () => {
    if (existsSync(dir)) return dir;
    const partial = `${dir}.partial`;
    await bootstrap(partial, spec);
    await rename(partial, dir);
    return dir;
  });
}
