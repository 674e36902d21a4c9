import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** Programs, each with the Debian package that has it. */
export type Tools = readonly (readonly [tool: string, debianPackage: string])[];

/** What the lab needs on this machine. */
const tools: Tools = [
  ['debootstrap', 'debootstrap'],
  ['ip', 'iproute2'],
  ['nsenter', 'util-linux'],
  ['unshare', 'util-linux'],
  ['flock', 'util-linux'],
  ['mount', 'mount'],
  ['sysctl', 'procps'],
  ['tar', 'tar'],
];

/** Whether this machine has a program. */
export function onPath(tool: string): boolean {
  const dirs = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`.split(':');
  return dirs.some((dir) => existsSync(`${dir}/${tool}`));
}

function canMakeNamespaces(): boolean {
  const script =
    'ip link add lab-a type veth peer name lab-b && mount -t tmpfs tmpfs /mnt && mount -t sysfs sysfs /mnt';
  return (
    spawnSync('unshare', ['--net', '--mount', '--pid', '--fork', 'sh', '-c', script], { stdio: 'ignore' })
      .status === 0
  );
}

function hasOverlay(): boolean {
  return (
    readFileSync('/proc/filesystems', 'latin1').includes('overlay') ||
    spawnSync('modprobe', ['overlay']).status === 0
  );
}

/** What debootstrap checks signatures and unpacks with; it does without none of them, and depends on none. */
const besideDebootstrap = ['debian-archive-keyring', 'gpgv', 'ca-certificates', 'xz-utils', 'zstd'];

/** The Debian packages that the lab needs and this machine lacks. */
export function missingPackages(): readonly string[] {
  const missing = tools.filter(([tool]) => !onPath(tool)).map(([, debianPackage]) => debianPackage);
  return [...new Set(missing), ...(missing.includes('debootstrap') ? besideDebootstrap : [])];
}

/** The same for these programs. */
export function installing(missing: Tools): string | undefined {
  const packages = new Set(missing.map(([, debianPackage]) => debianPackage));
  if (packages.size === 0) return undefined;
  return `apt-get update && apt-get install --no-install-recommends ${[...packages].join(' ')}`;
}

/** A sentence for each of these programs. */
export function notInstalled(missing: Tools): readonly string[] {
  return missing.map(([tool, debianPackage]) => `${tool} is not installed (Debian package ${debianPackage})`);
}

/** What keeps the lab from running on this machine, a sentence each; nothing where it can run. */
export function missingRequirements(): readonly string[] {
  if (process.platform !== 'linux') return ['the lab needs Linux: it is made of network namespaces'];
  if (process.getuid?.() !== 0)
    return ['the lab needs root: it makes network namespaces and runs Docker engines'];
  const missing = [...notInstalled(tools.filter(([tool]) => !onPath(tool)))];
  if (missing.length > 0) return missing;
  if (!canMakeNamespaces())
    missing.push('no network or mount namespaces can be made here (a container without privileges?)');
  if (!hasOverlay()) missing.push('the kernel has no overlayfs, which the engines need');
  return missing;
}

/**
 * For the head of a lab test file: true when the tests have to be skipped. Says loudly what is missing; where CI=true
 * a lab that cannot run is a failure, so that no green run hides that nothing was tested.
 */
export function skipWithoutLab(): boolean {
  const missing = missingRequirements();
  if (missing.length === 0) return false;
  const text = `the lab cannot run here:\n  ${missing.join('\n  ')}`;
  if (process.env['CI'] === 'true') throw new Error(text);
  console.warn(`SKIPPED: ${text}`);
  return true;
}
