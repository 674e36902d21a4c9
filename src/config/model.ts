import type { Cidr } from '../net/network.ts';

/** A named source group: `[a-z0-9][a-z0-9_-]*`, at most 40 characters, never a built-in name or an address. */
export type GroupName = string & { readonly brand: 'GroupName' };

/** What may stand in `trusted` and `deny`: networks, and groups by name. */
export interface PeerList {
  readonly networks: readonly Cidr[];
  readonly groups: readonly GroupName[];
}

/** The whole configuration, every default filled in. Made by `loadConfig`; DESIGN of the keys: docs/configuration.md. */
export interface Config {
  /** What an unlabelled container's ports are: closed to all but trusted, or open to everybody. */
  readonly default: 'closed' | 'open';
  /** `auto`: every interface but loopback and Docker's bridges. Otherwise exactly these. */
  readonly interfaces: 'auto' | readonly string[];
  /** When passes run besides events: five or six fields, checked by node-cron. */
  readonly schedule: string;
  /** Milliseconds between two cheap looks for changes that the kernel does not tell; 0: none. */
  readonly driftCheck: number;
  /** The one bit of the packet mark that "passed the gate" is written in. */
  readonly mark: number;
  /** The one bit of the connection mark that "refused since it began" is written in. */
  readonly connmark: number;
  readonly trusted: PeerList;
  readonly deny: PeerList;
  readonly groups: ReadonlyMap<GroupName, readonly Cidr[]>;
  /** Labels (with the `dockwall.` prefix) for containers by container or compose service name; key by key they replace the container's own. */
  readonly services: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** Whether new services of the host wait until Docker has said that they are not a container's. */
  readonly guard: 'on' | 'off';
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
}

/** Groups that exist without being configured; only `private` and `connected` may stand in {@link PeerList}. */
export const builtInGroups = ['any', 'private', 'connected'] as const;
