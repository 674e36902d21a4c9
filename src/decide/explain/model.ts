import type { MarkUse } from '../diff/marks.ts';
import type { NftHook, Observed } from '../diff/model.ts';
import type { Inventory } from '../inventory/model.ts';
import type { Family } from '../net/network.ts';
import type { PortSelector, Protocol } from '../net/port.ts';
import type { LiveSource } from '../policy/config.ts';
import type { ForeignContents } from '../policy/foreign-sets.ts';
import type { Policy, Reason } from '../policy/model.ts';
import type { Ruleset } from '../wall/model.ts';

/** What should stand in the kernel and what does; `foreign`: what the external sets hold that {@link foreignNames} names. */
export interface KernelMoment {
  readonly ruleset: Ruleset;
  readonly observed: Observed;
  readonly foreign: ForeignContents;
  /** Where tables of nftables that are not iptables' may stop packets. */
  readonly nft?: readonly NftHook[];
  /** What these tables and routing rules do with marks. */
  readonly marks?: readonly MarkUse[];
}

/**
 * What an explanation is made from: one moment, as a pass sees it. `own`: the host's addresses. Without `kernel` nothing is said
 * about that, and external sets are taken for empty.
 */
export interface Moment {
  readonly policy: Policy;
  readonly inventory: Inventory;
  readonly own: ReadonlySet<string>;
  readonly kernel?: KernelMoment | undefined;
}

/** Whose packet is asked about. */
export interface Asker {
  /** One address in its canonical spelling. */
  readonly address: string;
  /** Where it comes in; undefined: the interface whose network it is in, if there is one. */
  readonly interface: string | undefined;
  /** The DNS name that it was found under. */
  readonly name: string | undefined;
}

/** What is to be reached. */
export type Target =
  /** A host port, at every address of this host. */
  | { readonly kind: 'port'; readonly port: number; readonly protocol: Protocol | undefined }
  | {
      readonly kind: 'address';
      readonly address: string;
      readonly port: number;
      readonly protocol: Protocol | undefined;
    }
  /** Ports of these containers (or services of Swarm), chosen as a label would choose them. */
  | { readonly kind: 'service'; readonly containers: readonly string[]; readonly selector: PortSelector };

export interface Question {
  readonly askers: readonly Asker[];
  readonly target: Target;
}

/**
 * The answer. Each text in it that somebody else wrote (labels, names) is cut and without control characters: it may be
 * printed, and needs no more than the escaping of where it goes. `version` rises when a field changes its meaning.
 */
export interface Explanation {
  readonly version: 2;
  /** One for each asker, family, protocol and door. */
  readonly paths: readonly Path[];
  /** What there is to say of all paths, and of services that were asked for and publish nothing that could be asked for. */
  readonly notes: readonly Hint[];
}

/** One way from an asker to a port, and what becomes of its first packet. */
export interface Path {
  readonly source: string;
  /** The DNS name that the source was found under. */
  readonly sourceName: string | undefined;
  readonly interface: string | undefined;
  readonly family: Family;
  readonly protocol: Protocol;
  /** Undefined: any address of this host. */
  readonly destination: string | undefined;
  /** As the packet from outside carries it. */
  readonly port: number;
  /** Whose port this is; undefined where no container publishes it. */
  readonly service: string | undefined;
  readonly containerPort: number | undefined;
  readonly verdict: 'allowed' | 'denied' | 'not managed';
  readonly because: Because;
  /** Where the packet goes, as far as it gets. */
  readonly way: readonly Step[];
  /** What dockwall's own rules and sets say, as they stand in the kernel. */
  readonly kernel: Agreement;
  /** What others have on its way that stops it, or may; asked where dockwall lets it through or leaves it alone. */
  readonly others: readonly Stop[];
  /** What a person should know or try, the most telling first. */
  readonly hints: readonly Hint[];
}

/** What decides. `reason` is the label (or configuration key) and its value as written. */
export type Because =
  | { readonly kind: 'trusted'; readonly member: Member }
  | { readonly kind: 'public'; readonly reason: Reason }
  | { readonly kind: 'allowed'; readonly reason: Reason; readonly member: Member }
  /** By the key `deny` of the configuration. */
  | { readonly kind: 'denied'; readonly member: Member }
  | { readonly kind: 'denied by a label'; readonly reason: Reason; readonly member: Member }
  /** Published, and nothing lets this source in. */
  | { readonly kind: 'closed' }
  /** To 127.0.0.0/8 or ::1. */
  | { readonly kind: 'loopback' }
  /** An address of a container, and not a port that is open there. */
  | { readonly kind: 'unpublished' }
  /** No container publishes it: the host's own business. */
  | { readonly kind: 'not published' }
  /** The destination is neither this host nor a container on it. */
  | { readonly kind: 'elsewhere' }
  /** The packet does not come from outside, and is never filtered. */
  | { readonly kind: 'inside'; readonly asker: Inside }
  /** `interfaces` in the configuration leaves out the one that it comes in by. */
  | { readonly kind: 'other interface'; readonly interface: string }
  /** On a network whose packets the host's netfilter never sees. */
  | { readonly kind: 'not protected'; readonly network: string };

/** Where packets that are never filtered come from. */
export type Inside =
  | { readonly kind: 'loopback' }
  | { readonly kind: 'host' }
  | { readonly kind: 'container'; readonly name: string }
  | { readonly kind: 'bridge'; readonly network: string };

/** The member of a list that the source is, and how it came there. */
export interface Member {
  readonly group: string | undefined;
  /** The address or network, or `interface:NAME`. */
  readonly text: string;
  readonly origin: MemberOrigin;
}

export type MemberOrigin =
  /** Written out in the configuration. */
  | { readonly kind: 'configuration' }
  /** Written out in the label itself. */
  | { readonly kind: 'label' }
  /** `private` or `connected`. */
  | { readonly kind: 'built-in' }
  | { readonly kind: 'source'; readonly source: LiveSource }
  /** In a set that something else keeps. */
  | { readonly kind: 'ipset'; readonly name: string }
  | { readonly kind: 'interface' }
  /** Put into the kernel's set for a while: a grant, or a ban. `note` is what was written at it. */
  | { readonly kind: 'for a while'; readonly secondsLeft: number; readonly note: string | undefined };

export type Step =
  | { readonly kind: 'gate' }
  /** Behind the gate: passes what has the gate's mark. */
  | { readonly kind: 'lock' }
  /** Docker's DNAT; `to` undefined where the container's address is not known now. */
  | { readonly kind: 'DNAT'; readonly to: string | undefined }
  | { readonly kind: 'docker-proxy' }
  /** Docker's DNAT or docker-proxy: what the kernel holds was not looked at. */
  | { readonly kind: 'Docker' }
  | { readonly kind: 'routed'; readonly to: string }
  | { readonly kind: 'host network' }
  | { readonly kind: 'mesh' }
  | { readonly kind: 'front' }
  /** To the host's own service, if there is one. */
  | { readonly kind: 'host' };

/** Whether the kernel would do as the policy says, at this moment. */
export type Agreement =
  | { readonly kind: 'not asked' }
  /** The packet never meets a rule of ours. */
  | { readonly kind: 'no rule' }
  /** The same rule decides there. */
  | { readonly kind: 'agrees'; readonly rule: RuleName | undefined; readonly sets: readonly string[] }
  /** A pass would change something that this packet meets; `does`: what the kernel does with it now. */
  | {
      readonly kind: 'differs';
      readonly rule: RuleName | undefined;
      readonly sets: readonly string[];
      readonly does: Path['verdict'];
      readonly missing: readonly string[];
    };

/** A rule of others (Docker's among them) on the packet's way. */
export interface Stop {
  /** False: it asks for what cannot be told from here, such as marks, sets or a rate. */
  readonly certain: boolean;
  /** `takes`: it goes to a program or a port of theirs instead. */
  readonly does: 'drops' | 'takes';
  /** Chain, table, family and backend; or the table of nftables. */
  readonly where: string;
  /** As `iptables-save` prints it, cut. */
  readonly rule: string;
}

export interface RuleName {
  readonly chain: string;
  readonly id: string;
  readonly note: string;
}

export interface Hint {
  readonly kind:
    | 'not fair'
    | 'problem'
    | 'other port'
    | 'no such port'
    | 'other family'
    | 'no labels'
    | 'stopped'
    | 'no answer'
    | 'no member'
    | 'denied first'
    | 'not protected'
    | 'loopback'
    | 'host service'
    | 'several claims'
    | 'nobody listens'
    | 'not chosen'
    | 'not held'
    | 'elsewhere'
    | 'rules of Docker'
    | 'observing'
    | 'odd network'
    | 'undeclared'
    | 'no interface'
    | 'marks of others';
  readonly text: string;
}
