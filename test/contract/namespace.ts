import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';

const prefix = 'dwk';
const tools = ['ip', 'nsenter', 'ipset', 'iptables-nft-restore', 'iptables-legacy-restore'];

function succeeds([program = '', ...args]: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

/** What a program of a test's setting prints; throws with its own words where it fails. */
export function must(...argv: readonly string[]): string {
  const [program = '', ...args] = argv;
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${argv.join(' ').slice(0, 200)}: ${stderr}`);
  return stdout;
}

/** What keeps the real part from running here, in a sentence; undefined where it can run. */
function whyNot(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    return 'it takes root on Linux: it makes network namespaces';
  }
  const missing = tools.filter((tool) => !succeeds(['sh', '-c', `command -v ${tool}`]));
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`;
  if (!succeeds(['unshare', '--net', 'true'])) return 'no network namespace can be made here';
  return undefined;
}

/** True where the real kernel can be tested. Where not, says so loudly; where CI=true, throws instead. */
export function canTestRealKernel(): boolean {
  const why = whyNot();
  if (why === undefined) return true;
  const text = `the contract cannot be held against the real kernel: ${why}`;
  if (process.env['CI'] === 'true') throw new Error(text);
  console.warn(`SKIPPED: ${text}`);
  return false;
}

/** Makes a fresh network namespace, named after this process. The machine's own is never touched. */
export function addNamespace(): string {
  const name = `${prefix}-${process.pid}-${randomBytes(3).toString('hex')}`;
  if (!succeeds(['ip', 'netns', 'add', name]) || !succeeds(['ip', '-n', name, 'link', 'set', 'lo', 'up'])) {
    throw new Error(`making the network namespace ${name} failed`);
  }
  return name;
}

/** Removes one; its rules and sets go with it. */
export function removeNamespace(name: string): void {
  succeeds(['ip', 'netns', 'del', name]);
}

/** Removes the namespaces that an earlier run, now dead, left behind. */
export function reapNamespaces(): void {
  if (!existsSync('/run/netns')) return;
  for (const name of readdirSync('/run/netns')) {
    const owner = new RegExp(`^${prefix}-(\\d+)-`).exec(name)?.[1];
    if (owner !== undefined && !existsSync(`/proc/${owner}`)) removeNamespace(name);
  }
}
