import type { Cidr } from '../net/network.ts';
import type { PortNumbers } from '../net/port-selector.ts';
import { safeUrl } from '../net/safe-url.ts';

/** A named source group: `[a-z0-9][a-z0-9_-]*`, at most 40 characters, never a built-in name or an address. */
export type GroupName = string & { readonly brand: 'GroupName' };

/** How the networks are written in a list that is loaded: one a line with comments, or JSON with the path to them. */
export type ListFormat =
  | { readonly kind: 'lines' }
  /** Keys from the root to lists or texts, `*` for each entry of a list: `["prefixes", "*", "ip_prefix"]`. */
  | { readonly kind: 'json'; readonly path: readonly string[] };

/** A source whose networks are found out while dockwall runs, and change. */
export type LiveSource =
  /** A DNS name, lower case, without the last dot. */
  | { readonly kind: 'name'; readonly name: string }
  | {
      readonly kind: 'url';
      readonly url: string;
      readonly format: ListFormat;
      /** Milliseconds between two loads. */
      readonly refresh: number;
      /** Whether an answer may be much smaller than the last one, or have no network at all. */
      readonly mayShrink: boolean;
    }
  /** A file of the sidecar's; relative paths count from the configuration's folder. */
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly format: ListFormat;
      /** As for a URL. */
      readonly mayShrink: boolean;
    };

/** What a live source is called where answers are looked up: equal sources, equal keys. */
export type SourceKey = string & { readonly brand: 'SourceKey' };

/** The key of a source. For people, see {@link sourceName}: a URL may have a secret in it. */
export function sourceKey(source: LiveSource): SourceKey {
  if (source.kind === 'name') return source.name as SourceKey;
  const format = source.format.kind === 'lines' ? '' : ` ${source.format.path.join('.')}`;
  return `${source.kind === 'url' ? source.url : `file:${source.path}`}${format}` as SourceKey;
}

/** What a source is called wherever people or other programs read it (output, page, log, metrics): never a secret of its URL. */
export function sourceName(source: LiveSource): string {
  return sourceKey(source.kind === 'url' ? { ...source, url: safeUrl(source.url) } : source);
}

/** A external set that does not exist has nobody in it, or somebody has to look. */
export const missingWords = ['empty', 'problem'] as const;
export type Missing = (typeof missingWords)[number];

/** Who is meant by a list of sources, every kind apart. */
export interface Members {
  /** Written out, merged. */
  readonly networks: readonly Cidr[];
  /** All that arrives at these interfaces. */
  readonly interfaces: readonly string[];
  /** Sets that something else keeps. */
  readonly ipsets: readonly string[];
  /** What it is that one of those does not exist, by its name, where that is said. */
  readonly missing?: Readonly<Record<string, Missing>>;
  readonly sources: readonly LiveSource[];
}

/** What may stand in `trusted` and `deny`: sources, and groups by name. */
export interface PeerList extends Members {
  readonly groups: readonly GroupName[];
}

/** The labels that say who may come in, and which ports there are; `allow` stands for `allow.PORT` as well. */
export const labelWords = ['public', 'allow', 'deny', 'ports'] as const;
export type LabelWord = (typeof labelWords)[number];

/** What the labels of containers may say; `undefined` is everything. */
export interface LabelRights {
  readonly keys: readonly LabelWord[];
  /** Whom they may name. */
  readonly sources: PeerList | undefined;
  /** The host ports that they may open or declare. */
  readonly ports: readonly PortNumbers[] | undefined;
  /** Whether a container in another's network may speak for that one's ports. */
  readonly guests: 'on' | 'off';
}

/** What may be asked of a container; the order says which of two entries is more specific. */
export const matchKeys = ['name', 'image', 'project', 'network', 'label'] as const;
export type MatchKey = (typeof matchKeys)[number];

/**
 * Which containers an entry of `services:` speaks for: each key that is there must hold, by one of its patterns. `*` stands for
 * any characters, also none. A label is `KEY` (with any value) or `KEY=PATTERN`.
 */
export type Match = { readonly [K in MatchKey]?: readonly string[] | undefined };

/** One entry of `services:`; without `match` it is for the containers of its very name. */
export interface ServiceEntry {
  /** Label names (with the prefix) to label values; key by key they replace the container's own. */
  readonly labels: Readonly<Record<string, string>>;
  readonly match?: Match | undefined;
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
  readonly groups: ReadonlyMap<GroupName, Members>;
  /** By name, which is also that of the container or service that is meant where there is no `match`. Sorted. */
  readonly services: ReadonlyMap<string, ServiceEntry>;
  /** What containers' own labels may say. */
  readonly labels: LabelRights;
  /** Whether new services of the host wait until Docker has said that they are not a container's. */
  readonly guard: 'on' | 'off';
  /** Whether addresses that were turned away are kept for a day, in the kernel, for `dockwall blocked`. */
  readonly blocked: 'on' | 'off';
  /** Where the page is served besides the unix socket; undefined: nowhere. */
  readonly listen: Listen | undefined;
  /** Milliseconds: the longest time that a grant may be for; 0: there are none. */
  readonly maxGrant: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  /** `auto`: text on a terminal, JSON otherwise. */
  readonly logFormat: 'text' | 'json';
}

/** Groups that exist without being configured; only `private` and `connected` may stand in {@link PeerList}. */
export const builtInGroups = ['any', 'private', 'connected'] as const;

/** Where the page is served besides the unix socket. */
export interface Listen {
  /** An address of the host, or `0.0.0.0` or `::` for all of them. */
  readonly address: string;
  readonly port: number;
  /** Names by which browsers may ask, lower case. Any other name may be somebody else's that has been made to point here. */
  readonly names: readonly string[];
}
