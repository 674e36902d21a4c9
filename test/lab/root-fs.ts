import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { withLock } from './lock.ts';
import { bootstrapScript, debianMirror } from './mirror.ts';
import { cacheDir } from './paths.ts';
import { output, run } from './run.ts';

/** A root file system made once and never written to again: a suite and the packages in it. */
interface RootSpec {
  readonly suite: string;
  readonly packages: readonly string[];
  /** Packages that load firewall rules or start something as they are installed: by apt, in namespaces of their own. */
  readonly later?: readonly string[];
  /** Files that are there before those. */
  readonly files?: Readonly<Record<string, string>>;
}

const tools = ['iptables', 'ipset', 'nftables', 'iproute2', 'conntrack', 'ca-certificates'];
const libvirt = ['libvirt-clients', 'libvirt-daemon-config-network'];
const neighbours = [
  'ufw',
  'firewalld',
  'fail2ban',
  'crowdsec',
  'crowdsec-firewall-bouncer',
  ...libvirt,
  'lxc',
];
const engine = ['docker.io', 'procps', 'busybox-static', ...tools];

/** The roots of the lab: three engines, a name server, what dockwall runs in as a plain process, what saves rules, other firewalls, and the base of built images. */
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
    packages: ['iptables', 'ipset', 'nftables'],
    later: ['iptables-persistent', 'ipset-persistent'],
  },
  // other programs with rules of their own; ufw cannot be installed beside iptables-persistent
  neighbours: {
    suite: 'trixie',
    packages: [...tools, 'procps'],
    later: neighbours,
    // without this CrowdSec registers itself with its makers (its README.Debian)
    files: {
      'etc/crowdsec/online_api_credentials.yaml': '# none\n',
      // start nothing
      'usr/sbin/policy-rc.d': '#!/bin/sh\nexit 101\n',
    },
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

const installing = { timeout: 15 * 60_000, env: { DEBIAN_FRONTEND: 'noninteractive' } };

const withProc = 'mount -t proc proc "$0/proc"; exec chroot "$0" "$@"';

/** What is downloaded with the machine's network is installed without one, and what it starts ends with it. */
async function installLater(dir: string, packages: readonly string[]): Promise<void> {
  const proxies = ['Acquire::http::Proxy', 'Acquire::https::Proxy'];
  const proxy = await output(['apt-config', 'dump', '--format', '%f "%v";%n', ...proxies]);
  const file = path.join(dir, 'etc/apt/apt.conf.d/90proxy');
  await writeFile(file, proxy);
  const install = ['apt-get', '--assume-yes', '--no-install-recommends', 'install', ...packages];
  await run(['chroot', dir, ...install, '--download-only'], installing);
  const cell = ['unshare', '--net', '--mount', '--pid', '--fork', 'sh', '-ec', withProc, dir];
  await run([...cell, ...install, '--no-download'], installing);
  await rm(file);
}

async function bootstrap(dir: string, spec: RootSpec): Promise<void> {
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  const include = spec.packages.length > 0 ? [`--include=${spec.packages.join(',')}`] : [];
  const argv = ['debootstrap', '--variant=minbase', ...include, spec.suite, dir];
  await run([...argv, await debianMirror(), bootstrapScript(spec.suite)], installing);
  for (const [name, text] of Object.entries(spec.files ?? {})) {
    await mkdir(path.dirname(path.join(dir, name)), { recursive: true });
    await writeFile(path.join(dir, name), text, { mode: 0o755 });
  }
  if (spec.later) await installLater(dir, spec.later);
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
