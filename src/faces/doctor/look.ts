import { access, constants, readFile, stat } from 'node:fs/promises';
import { release } from 'node:os';
import { mountsLock } from '../../daemon/engine-probe.ts';
import type { PassParts } from '../../daemon/pass.ts';
import { place } from '../../decide/diff/placement.ts';
import { decide } from '../../decide/pass/decide.ts';
import { ConfigKeeper } from '../../reach/config/keeper.ts';
import { LastGoodFile } from '../../reach/config/last-good.ts';
import { DockerError } from '../../reach/docker/client.ts';
import { readHost, readListeners } from '../../reach/host/read-host.ts';
import { ownVersion } from '../../reach/host/version.ts';
import { readRights } from '../../reach/kernel/backend.ts';
import { KernelError, type Run } from '../../reach/kernel/command.ts';
import { readForeignMarks } from '../../reach/kernel/foreign-marks.ts';
import { healthSocket, type Context } from '../cli/context.ts';
import { openParts } from '../cli/parts.ts';
import { askHealth } from '../web/ask.ts';
import { tryFeatures } from './features.ts';
import type { HostView } from './model.ts';

const timeoutMs = 10_000;
const stateFolder = '/var/lib/dockwall';

/** Looks at everything that `dockwall doctor` tells of. Changes nothing, and does not fail where something of the host does. */
export async function lookAtHost({ env }: Pick<Context, 'env'>, run: Run): Promise<HostView> {
  const kept = new LastGoodFile(env);
  const keeper = new ConfigKeeper(env, { memory: { read: () => kept.read() } });
  const { problems, warnings } = await keeper.reload();
  const parts = await openParts({ env }, keeper.inForce());
  const netfilter = await lookAtNetfilter(parts);
  const { docker, decided } = await lookAtDocker(parts, netfilter);
  const backend = netfilter.kind === 'seen' ? place(netfilter.observed, 4).gate : 'nft';
  const [features, nft, conntrack, { interfaces }, listeners, files] = await Promise.all([
    tryFeatures(run, backend),
    askNft(run),
    run({ program: 'conntrack', args: ['-C'], timeoutMs }).catch(() => undefined),
    readHost(run),
    readListeners(),
    lookAtFiles(env),
  ]);
  const dockerHost = env['DOCKER_HOST'] ?? '';
  return {
    ...files,
    config: { problems: problems.length, warnings: warnings.length },
    docker,
    remote: dockerHost === '' || dockerHost.startsWith('unix://') ? undefined : dockerHost,
    netfilter,
    decided,
    features,
    ...nft,
    foreignMarks: await readForeignMarks(nft.nftTables ?? [], run),
    conntrack: conntrack?.exitCode === 0,
    listening: new Set(listeners.map(({ protocol, port }) => `${protocol} ${port}`)),
    interfaces: interfaces.map(({ name }) => name),
  };
}

/** The tables of nft, or what it died of. */
export async function askNft(run: Run): Promise<Pick<HostView, 'nftTables' | 'nftCrash'>> {
  try {
    const { exitCode, stdout } = await run({ program: 'nft', args: ['list', 'tables'], timeoutMs });
    return { nftTables: exitCode === 0 ? tableNames(stdout) : undefined };
  } catch (error) {
    return { nftTables: undefined, nftCrash: error instanceof KernelError ? error.signal : undefined };
  }
}

async function lookAtNetfilter({ kernel }: PassParts): Promise<HostView['netfilter']> {
  try {
    return { kind: 'seen', observed: await kernel.observe() };
  } catch (error) {
    if (error instanceof KernelError) return { kind: 'failed', code: error.code };
    throw error;
  }
}

async function lookAtDocker(
  parts: PassParts,
  netfilter: HostView['netfilter'],
): Promise<Pick<HostView, 'docker' | 'decided'>> {
  try {
    if (netfilter.kind === 'failed') {
      await parts.list();
      return { docker: 'answers', decided: undefined };
    }
    const { observed } = netfilter;
    const [snapshot, host] = await Promise.all([parts.list(), parts.host(observed)]);
    const decided = decide({ snapshot, host, observed, answers: parts.answers() }, parts.config());
    return { docker: 'answers', decided };
  } catch (error) {
    if (!(error instanceof DockerError)) throw error;
    return { docker: error.code === 'unreachable' ? 'unreachable' : 'refuses', decided: undefined };
  }
}

/** What files tell, and the daemon's socket. */
async function lookAtFiles(
  env: Context['env'],
): Promise<
  Pick<
    HostView,
    | 'version'
    | 'kernel'
    | 'missingCapabilities'
    | 'spare'
    | 'root'
    | 'inContainer'
    | 'sharedLock'
    | 'ipv6Disabled'
    | 'daemon'
    | 'bootUnit'
    | 'savedRules'
    | 'clockBehind'
    | 'stateFolder'
  >
> {
  const read = async (path: string): Promise<string> => readFile(path, 'latin1').catch(() => '');
  const mounts = await read('/proc/self/mountinfo');
  const built = await stat(new URL('../../../package.json', import.meta.url)).catch(() => undefined);
  const inContainer = await isContainer(mounts);
  const { missing, ...spare } = await readRights(read);
  return {
    version: await ownVersion(),
    kernel: release(),
    missingCapabilities: missing,
    spare: { ...spare, ...(await lookAtPlace(read, mounts)) },
    root: process.getuid?.() === 0,
    inContainer,
    sharedLock: mountsLock(mounts),
    ipv6Disabled: (await read('/proc/sys/net/ipv6/conf/all/disable_ipv6')).trim() === '1',
    daemon: await askHealth(healthSocket(env), 4000).catch(() => undefined),
    bootUnit: inContainer ? undefined : await exists('/etc/systemd/system/dockwall-boot.service'),
    savedRules: inContainer ? undefined : await savedRules(read),
    clockBehind: built !== undefined && Date.now() < built.mtimeMs,
    stateFolder: await access(env['DOCKWALL_STATE_DIR'] ?? stateFolder, constants.W_OK).then(
      () => true,
      () => false,
    ),
  };
}

/** What of the container's place goes beyond what is needed. A proxy's socket is one as well: of those that have another path Docker is not asked. */
async function lookAtPlace(
  read: (path: string) => Promise<string>,
  mounts: string,
): Promise<Pick<NonNullable<HostView['spare']>, 'root' | 'gains' | 'socket'>> {
  return {
    root: !/^(?:\S+ ){4}\/ (?:\S+,)?ro[, ]/m.test(mounts),
    gains: !/^NoNewPrivs:\s*1$/m.test(await read('/proc/self/status')),
    socket: / \/(?:var\/)?run\/docker\.sock /.test(mounts),
  };
}

/** Where Debian, Fedora, Arch and nftables.service load rules from at boot. */
const ruleFiles = [
  '/etc/iptables/rules.v4',
  '/etc/iptables/rules.v6',
  '/etc/sysconfig/iptables',
  '/etc/sysconfig/ip6tables',
  '/etc/iptables/iptables.rules',
  '/etc/iptables/ip6tables.rules',
  '/etc/nftables.conf',
];

/** Where sets are saved beside them (ipset-persistent; Fedora's ipset-service). */
const setFiles = ['/etc/iptables/ipsets', '/etc/sysconfig/ipset'];

async function savedRules(read: (path: string) => Promise<string>): Promise<readonly string[]> {
  const naming = async (paths: readonly string[]): Promise<readonly string[]> => {
    const texts = await Promise.all(paths.map(read));
    return paths.filter((_, index) => /\bdockwall[46]-/.test(texts[index] ?? ''));
  };
  const [named, saved] = await Promise.all([naming(ruleFiles), naming(setFiles)]);
  const sets = saved.length > 0 || (await exists('/etc/systemd/system/dockwall-sets.service'));
  // nft cannot load matches of iptables', whatever exists
  return named.filter((path) => !sets || path.endsWith('.conf'));
}

/** Docker mounts three files of its own into each container. */
async function isContainer(mounts: string): Promise<boolean> {
  return / \/etc\/(?:hostname|resolv\.conf|hosts) /.test(mounts) || (await exists('/.dockerenv'));
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** `table inet firewalld`, a line each. */
function tableNames(text: string): readonly string[] {
  return [...text.matchAll(/^table (\S+ \S+)/gm)].map(([, name = '']) => name);
}
