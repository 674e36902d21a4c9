import type { Family } from '../net/network.ts';
import type { IpSet, Lock, Rule, SetName, SharedChain, TableName } from '../wall/model.ts';

/** The two independent rule sets of one Linux kernel; each has its own save and restore programs. */
export type Backend = 'legacy' | 'nft';

/** One rule as `iptables-save` printed it. */
export interface ObservedRule {
  /** The id in our comment, or undefined for a foreign rule. */
  readonly id: string | undefined;
  /** The rule without `-A CHAIN`, as printed: what `-D CHAIN ...` takes. */
  readonly spec: string;
  /** The chain that `-j` or `-g` names, if any. */
  readonly target: string | undefined;
}

/** One table of one family in one backend: every chain, in the order printed. */
export interface ObservedTable {
  readonly family: Family;
  readonly backend: Backend;
  readonly table: string;
  readonly chains: ReadonlyMap<string, readonly ObservedRule[]>;
  /** Chains of the kernel's whose policy is DROP: what no rule there decides does not go on. */
  readonly dropping?: ReadonlySet<string>;
}

/** A place where an nftables table that is none of iptables' looks at packets. */
export interface NftHook {
  /** `inet firewalld` */
  readonly table: string;
  readonly chain: string;
  readonly hook: 'prerouting' | 'input' | 'forward';
  /** The families whose packets it sees. */
  readonly families: readonly Family[];
}

export interface ObservedSet {
  readonly name: string;
  readonly type: string;
  readonly family: Family;
  readonly expiring: boolean;
  /** Member text to seconds left; 0 is a permanent member. */
  readonly members: ReadonlyMap<string, number>;
  /** Member text to packets counted, in a set with counters. */
  readonly packets?: ReadonlyMap<string, number>;
  /** What is written at members that will go by themselves, by member; undefined where the set was made without room for it. */
  readonly notes?: ReadonlyMap<string, string>;
}

/** A set that something else keeps, by its header. */
export interface ForeignSet {
  readonly name: string;
  /** With the options that change what membership means: `hash:ip netmask 24`. */
  readonly type: string;
  readonly family: Family;
  /** The sets that a `list:set` lists. */
  readonly lists: readonly string[];
  /** Another text when its members are others (but for collisions, and times that run out); of no other meaning. */
  readonly content: string;
}

/** What the kernel holds: all tables of all backends in use, the sets that are ours by name, and which others there are. */
export interface Observed {
  /** Backends that can be written here (programs present, kernel answers). At least one. */
  readonly backends: readonly Backend[];
  /** Families that this kernel filters; IPv6 may be compiled out or switched off. */
  readonly families: readonly Family[];
  readonly tables: readonly ObservedTable[];
  readonly sets: readonly ObservedSet[];
  /** `unsupported`: this kernel has no sets of sets (`list:set`), so that none of them can be looked into. */
  readonly foreign: readonly ForeignSet[] | 'unsupported';
  /** Undefined where nobody has looked; it is left alone then. */
  readonly lock?: ObservedLock;
}

/**
 * How well the lock is held. `persist`: it is ours alone, and stands when our process has ended (Linux 6.9, nft 1.1). `owner`: it is ours alone,
 * and goes with our process (Linux 5.12). `plain`: any other root's `nft flush ruleset` takes it away.
 */
export type LockStrength = 'persist' | 'owner' | 'plain';

/** The lock as it stands. */
export type ObservedLock =
  | { readonly kind: 'none' }
  /** This kernel, or this nft, has not what it takes. */
  | { readonly kind: 'unsupported'; readonly why: string }
  | {
      readonly kind: 'stands';
      /** Undefined: the table of this name is not as we write it. */
      readonly lock: Lock | undefined;
      readonly strength: LockStrength;
      /** This process should be its owner, and is not: it has just begun, or the program that held it has ended. */
      readonly lost?: true;
      /** Another process is its owner, and the kernel refuses to let us write. */
      readonly held?: true;
    };

export type LockChange =
  /** All of it in one step. `anew`: what stands under its name is removed in the same step. */
  | { readonly kind: 'write'; readonly lock: Lock; readonly anew?: true }
  /** The table stays, and drops nothing. */
  | { readonly kind: 'open' }
  | { readonly kind: 'remove' };

/** What is done with the lock before anything else is written, and after. */
export interface LockPlan {
  readonly before?: LockChange;
  readonly after?: LockChange;
}

export type SetChange =
  /** Somebody else made a set of another shape under our name; refused by the kernel while a rule uses it. */
  | { readonly kind: 'discard-set'; readonly name: SetName }
  | { readonly kind: 'create-set'; readonly set: Omit<IpSet, 'members'> }
  | {
      readonly kind: 'add-member';
      readonly set: SetName;
      readonly member: string;
      /** The kernel takes it out again after this time; permanent without. */
      readonly seconds?: number;
      /** For people; see `cleanNote`. Only where the set has room for it. */
      readonly note?: string;
    }
  | { readonly kind: 'delete-member'; readonly set: SetName; readonly member: string }
  | ReplaceMembers;

/**
 * All members at once: a set beside it is filled and takes its place, so that nobody ever sees it half filled. The set itself has to
 * stand. Entries that go by themselves stay, with the time that they have left at that moment.
 */
export interface ReplaceMembers {
  readonly kind: 'replace-members';
  readonly set: Omit<IpSet, 'members'>;
  /** The permanent ones from now on. */
  readonly members: readonly string[];
  /** How many are new, and how many go: for words. */
  readonly added: number;
  readonly removed: number;
}

/** Positions count from 1 and hold at the moment the operation runs, after all earlier ones of its table. */
export type RuleChange =
  | { readonly kind: 'create-chain'; readonly chain: string }
  | { readonly kind: 'insert-rule'; readonly chain: string; readonly position: number; readonly rule: Rule }
  | { readonly kind: 'delete-rule'; readonly chain: string; readonly position: number; readonly spec: string }
  /** By text, never by number: the chain is shared and may move under us. */
  | { readonly kind: 'unhook'; readonly chain: string; readonly spec: string }
  | { readonly kind: 'hook'; readonly chain: SharedChain; readonly rule: Rule }
  /** Emptied, then removed. */
  | { readonly kind: 'delete-chain'; readonly chain: string };

/** One atomic transaction on one table. */
export interface TableChange {
  readonly family: Family;
  readonly backend: Backend;
  readonly table: TableName;
  readonly changes: readonly RuleChange[];
}

/**
 * What a pass will do, in safe order: what the lock no longer closes, sets, then tables (gate before front), then openings, what the lock
 * closes anew, then sets that nothing needs.
 * Stopped anywhere, it lets in nobody whom both the old and the new policy keep out.
 */
export interface Plan {
  readonly sets: readonly SetChange[];
  readonly tables: readonly TableChange[];
  /**
   * Changes of sets that let more in, and have to wait for the rules where rules change: a port may be opened to
   * all but a group whose rule has still to be written. Absent where there are none.
   */
  readonly openings?: readonly SetChange[];
  /** Absent where nothing is to be done with it. */
  readonly lock?: LockPlan;
  readonly destroy: readonly string[];
}
