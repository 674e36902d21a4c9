import type { Cidr, Family } from '../../decide/net/network.ts';
import type { LiveSource, SourceKey } from '../../decide/policy/config.ts';
import type { Answers } from '../../decide/policy/model.ts';

/** What a server said of the version of a list that was accepted; sent back, it answers in a line where nothing has changed. */
export interface Validators {
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
}

/** The last answer that was accepted. It stands until the next one does, however old it becomes. */
export interface LastGood {
  /** Merged and sorted. */
  readonly networks: readonly Cidr[];
  /** When the source last said so, milliseconds since 1970: it outlives the process. */
  readonly at: number;
  readonly validators?: Validators | undefined;
}

/** What one look at a source found. */
export type Reading =
  | {
      readonly kind: 'answer';
      readonly networks: readonly Cidr[];
      readonly validators?: Validators | undefined;
      /** How long it holds, ms; undefined: as long as is configured. */
      readonly holds?: number | undefined;
      /** Why a part of it is the last known. */
      readonly trouble?: string | undefined;
    }
  /** As last time. */
  | { readonly kind: 'unchanged' }
  /** No answer, or one that cannot be what is meant; a sentence without its full stop. */
  | { readonly kind: 'failed'; readonly reason: string };

/** Looks at a source once. Never rejects but for `signal`. */
export type ReadSource = (
  source: LiveSource,
  last: LastGood | undefined,
  signal: AbortSignal,
) => Promise<Reading>;

/** How one source in use is at this moment, for status, metrics and `check`. */
export interface SourceReport {
  readonly key: SourceKey;
  readonly source: LiveSource;
  /** As it is shown and logged. */
  readonly name: string;
  /** Networks in force, after merging. */
  readonly networks: number;
  readonly byFamily: Readonly<Record<Family, number>>;
  /** Milliseconds since the source last said what is in force; undefined: it never has, and stands for nobody. */
  readonly age: number | undefined;
  /** Why it fails now; undefined when it does not. */
  readonly lastError: string | undefined;
  /** Failed looks since the last good one. */
  readonly failures: number;
  /** Milliseconds until it is looked at again; undefined while it is, and for a file, which is watched. */
  readonly nextRefresh: number | undefined;
}

/** The counts of a {@link SourceReport}. */
export function countByFamily(networks: readonly Cidr[]): Readonly<Record<Family, number>> {
  // IPv4 comes first in a merged list, and only IPv6 has colons.
  const first = networks.findIndex((network) => network.includes(':'));
  const v4 = first < 0 ? networks.length : first;
  return { 4: v4, 6: networks.length - v4 };
}

/** What live sources mean now (DNS names, lists): kept fresh by somebody else, who pulls the trigger when an answer changes. */
export interface SourceAnswers {
  answers(): Answers;
  /** The sources in use, after each pass; others need not be kept fresh. */
  want(sources: readonly LiveSource[]): void;
}
