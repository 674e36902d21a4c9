import { cgroupParent } from './reaper.ts';
import type { RootName } from './root-fs.ts';

/** The engines of the lab by major version: 20.10, 26.1 and 28.5. */
export type EngineVersion = '20' | '26' | '28';

/** Which of the kernel's two rule sets the host's `iptables` command writes to. */
export type IptablesBackend = 'nft' | 'legacy';

export interface EngineOptions {
  readonly version: EngineVersion;
  readonly backend: IptablesBackend;
  readonly userlandProxy: boolean;
  readonly liveRestore: boolean;
  /** Docker's own ip6tables rules; on by default since 27, experimental before. */
  readonly ip6tables: boolean;
  /** The socket is there before the engine and stays when it stops, as systemd does it; else it comes and goes. */
  readonly socketActivation: boolean;
  /** More dockerd flags. */
  readonly flags: readonly string[];
}

/** The Debian release that has each engine. */
export const suites: Record<EngineVersion, RootName> = { '20': 'bookworm', '26': 'trixie', '28': 'forky' };

/** What is not said: the newest engine, nft, and everything else as Docker ships it. */
export function engineOptions(asked: Partial<EngineOptions>): EngineOptions {
  const version = asked.version ?? '28';
  const ip6tables = version === '28';
  const common = { backend: 'nft', userlandProxy: true, liveRestore: false, socketActivation: true } as const;
  return { ...common, ip6tables, flags: [], ...asked, version };
}

/** What dockerd is started with; everything else is as Docker ships it. */
export function daemonFlags(labId: string, options: EngineOptions): readonly string[] {
  const flags = [
    '--storage-driver=overlay2',
    `--cgroup-parent=${cgroupParent(labId)}`,
    '--exec-opt=native.cgroupdriver=cgroupfs',
  ];
  if (options.socketActivation) flags.push('--host=fd://');
  if (!options.userlandProxy) flags.push('--userland-proxy=false');
  if (options.liveRestore) flags.push('--live-restore');
  if (options.version === '28') flags.push(`--ip6tables=${options.ip6tables}`);
  else if (options.ip6tables) flags.push('--experimental', '--ip6tables');
  return [...flags, ...options.flags];
}
