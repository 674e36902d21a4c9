import type { MarkUse } from '../../decide/diff/marks.ts';
import type { Observed } from '../../decide/diff/model.ts';
import type { Decided } from '../../decide/pass/decide.ts';
import type { Health } from '../../decide/report/health.ts';
import type { KernelErrorCode } from '../../reach/kernel/command.ts';

/** What there is to say of one thing. `note`: works, and good to know; `problem`: somebody has to do something. */
export interface Line {
  /** One word for what it is about; the same in every version. */
  readonly topic: string;
  readonly kind: 'ok' | 'note' | 'problem';
  readonly text: string;
  /** What to do about it. */
  readonly advice?: string;
}

/** A kernel feature that dockwall's rules and sets are made of, and whether this kernel has it. */
export interface Feature {
  readonly name: string;
  /** Undefined: it could not be tried. */
  readonly works: boolean | undefined;
  /** Dockwall goes on without it, with less. */
  readonly optional: boolean;
}

/** A host as it was found: all that {@link examine} decides from, and what a test makes up. */
export interface HostView {
  /** Dockwall's own. */
  readonly version: string;
  /** `uname -r`. */
  readonly kernel: string;
  readonly config: { readonly problems: number; readonly warnings: number };
  /** Of those that the tools need; see `readRights`. */
  readonly missingCapabilities: readonly string[];
  /** What it may do and does not need: capabilities as good as root, how many besides the needed two, and what of its place can be written. */
  readonly spare?: {
    readonly strong: readonly string[];
    readonly more: number;
    /** The root file system can be written (no `read_only`). */
    readonly root: boolean;
    /** A program may get more rights than it was started with (no `no-new-privileges`). */
    readonly gains: boolean;
    /** Docker's own socket is there: whoever talks to it may start anything. */
    readonly socket: boolean;
  };
  /** Whether this process is root's: Docker gives another user no capability. */
  readonly root: boolean;
  readonly docker: 'answers' | 'unreachable' | 'refuses';
  /** What `DOCKER_HOST` says, where that is not a socket file of this machine: never to be printed. */
  readonly remote: string | undefined;
  readonly netfilter:
    | { readonly kind: 'seen'; readonly observed: Observed }
    | { readonly kind: 'failed'; readonly code: KernelErrorCode };
  /** What a pass would decide; undefined where the engine or the kernel does not answer. */
  readonly decided: Decided | undefined;
  readonly features: readonly Feature[];
  /** Names of all nftables tables (`inet firewalld`); undefined where there is no nft. */
  readonly nftTables: readonly string[] | undefined;
  /** What tables of nftables and routing rules do with marks. */
  readonly foreignMarks?: readonly MarkUse[];
  /** The signal that nft died of (`SIGSEGV`). */
  readonly nftCrash?: string | undefined;
  /** Whether `conntrack` can list connections. */
  readonly conntrack: boolean;
  readonly inContainer: boolean;
  /** Whether the lock file of iptables-legacy is the host's. */
  readonly sharedLock: boolean;
  readonly ipv6Disabled: boolean;
  /** Ports on which something of the host listens, `tcp 80`. */
  readonly listening: ReadonlySet<string>;
  readonly interfaces: readonly string[];
  /** The daemon's answer; undefined where none answers. */
  readonly daemon: Health | undefined;
  /** Whether the unit of `boot-unit` is in systemd's folder; undefined where that cannot be seen. */
  readonly bootUnit: boolean | undefined;
  /** Files of saved rules with dockwall's in them, and neither the sets saved nor a unit that makes them; undefined where the host's files cannot be seen. */
  readonly savedRules?: readonly string[] | undefined;
  /** The clock is behind the time at which this program was built. */
  readonly clockBehind: boolean;
  /** Whether the folder for what has to outlive a restart can be written. */
  readonly stateFolder: boolean;
}
