import type { Cidr, Family } from '../net/network.ts';
import type { Protocol } from '../net/port.ts';

/** A chain that dockwall owns; starts with `DOCKWALL-`, at most 28 bytes (xtables' limit). */
export type ChainName = string & { readonly brand: 'ChainName' };
/** An ipset that dockwall owns; starts with `dockwall4-` or `dockwall6-`, at most 31 bytes (ipset's limit). */
export type SetName = string & { readonly brand: 'SetName' };
/** A stable id of one rule: a hash of where it stands and what it says. Equal ids, equal rules. */
export type RuleId = string & { readonly brand: 'RuleId' };

export type TableName = 'mangle' | 'filter';
/** Chains of others that we insert one jump into, always at position 1. */
export type SharedChain = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING' | 'DOCKER';

export type Match =
  | { readonly kind: 'in-interface'; readonly name: string }
  | { readonly kind: 'out-interface'; readonly name: string }
  /** To any interface whose name begins as Docker's bridges do (`br-`): the one pattern there is, and it only closes. */
  | { readonly kind: 'out-docker-like' }
  /** From one port of a bridge to another, and the first is called as containers' are (`veth`). */
  | { readonly kind: 'bridged-container' }
  | { readonly kind: 'reply-direction' }
  | { readonly kind: 'state'; readonly states: 'NEW' | 'RELATED' | 'ESTABLISHED' | 'RELATED,ESTABLISHED' }
  | { readonly kind: 'protocol'; readonly protocol: Protocol }
  /** ICMP, as this family has it. */
  | { readonly kind: 'icmp'; readonly family: Family }
  /** TCP that does not begin a connection. */
  | { readonly kind: 'not-syn' }
  | { readonly kind: 'source'; readonly network: Cidr }
  | { readonly kind: 'destination'; readonly network: Cidr; readonly negated?: true }
  | {
      readonly kind: 'destination-type';
      readonly type: 'UNICAST' | 'LOCAL' | 'LOCAL,ANYCAST' | 'MULTICAST,BROADCAST';
      readonly negated?: true;
    }
  | {
      readonly kind: 'set';
      readonly set: SetName;
      readonly fields: 'src' | 'dst' | 'dst,dst' | 'src,src' | 'src,dst' | 'dst,dst,src' | 'src,src,dst';
      readonly negated: boolean;
    }
  /** The destination port of this protocol is in a `bitmap:port`. */
  | { readonly kind: 'port-set'; readonly protocol: Protocol; readonly set: SetName }
  | { readonly kind: 'mark'; readonly bit: number; readonly negated: boolean }
  | { readonly kind: 'connection-mark'; readonly bit: number }
  /** `to`: the last of a range. */
  | { readonly kind: 'port'; readonly protocol: Protocol; readonly port: number; readonly to?: number }
  | { readonly kind: 'original-port'; readonly port: number; readonly to?: number };

export type Target =
  | { readonly kind: 'accept' }
  | { readonly kind: 'drop' }
  | { readonly kind: 'return' }
  | { readonly kind: 'jump'; readonly chain: ChainName }
  | { readonly kind: 'goto'; readonly chain: ChainName }
  | { readonly kind: 'set-mark'; readonly bit: number }
  | { readonly kind: 'clear-mark'; readonly bit: number }
  | { readonly kind: 'set-connection-mark'; readonly bit: number }
  | { readonly kind: 'clear-connection-mark'; readonly bit: number }
  /** (destination address, destination port, source address) leaves the set. */
  | { readonly kind: 'forget-bound'; readonly set: SetName }
  /** Source and port asked for go into the set; `renew`: one that is there stays for this time from now on, as if new. */
  | {
      readonly kind: 'remember-asker';
      readonly set: SetName;
      readonly seconds: number;
      readonly renew: boolean;
    }
  /** An own address, or the one that was asked, goes into the set with the port that asks, for this time from now on. */
  | {
      readonly kind: 'remember-question';
      readonly set: SetName;
      readonly seconds: number;
      readonly fields: 'src,src' | 'dst,src';
    }
  /** Nothing: the rule is there for the counters of the set that it looks into. */
  | { readonly kind: 'count' };

export interface Rule {
  readonly id: RuleId;
  readonly matches: readonly Match[];
  readonly target: Target;
  /** Words for people after the id in the rule's comment, as `commentWords` makes them. */
  readonly note: string;
}

export interface Chain {
  readonly name: ChainName;
  readonly rules: readonly Rule[];
}

/** One jump from a shared chain into ours; belongs at position 1 of that chain. */
export interface Hook {
  readonly chain: SharedChain;
  readonly rule: Rule;
}

export interface Table {
  readonly family: Family;
  readonly table: TableName;
  readonly chains: readonly Chain[];
  readonly hooks: readonly Hook[];
}

/**
 * One ipset. `members` are in `ipset save` spelling, ports in a row as ranges (see net/port-members.ts), sorted; `keep` leaves whatever stands (before Docker
 * has been asked). `expiring`: made with `timeout 0`, so entries with a time of their own may be added by
 * hand and are left alone. `effect`: whether membership opens something or closes it, which decides the
 * order of writes: closing entries are added before, and taken away after, the opening ones.
 *
 * Members of a `list:set` are the names of sets that something else keeps, whether they exist or not: the diff knows which do.
 */
export interface IpSet {
  readonly name: SetName;
  readonly family: Family;
  readonly type:
    | 'hash:net'
    | 'hash:net,port'
    | 'hash:ip,port,net'
    | 'hash:ip,port'
    | 'bitmap:port'
    | 'list:set';
  readonly expiring: boolean;
  /** Each entry counts the packets that were found in it. */
  readonly counters?: true;
  /** Never holds more entries than this: a new one takes the place of another (`forceadd`). */
  readonly atMost?: number;
  readonly effect: 'opens' | 'closes';
  /** Entries may have a note (ipset's `comment`). Not a part of what the set means: one without is none of another shape. */
  readonly notes?: true;
  readonly members: readonly string[] | 'keep';
}

/**
 * What stands right behind the gate, in a table of nftables that belongs to our process: a packet from outside, of the original
 * direction, to a published port or a bridge of Docker, that has not the gate's mark, is dropped. It knows no sources and no policy, so
 * while the gate stands it drops nothing that the gate has passed; where something takes the gate away, it is all that is left.
 */
export interface Lock {
  /** The gate's mark bit. */
  readonly mark: number;
  /** The bit of the connection mark that says refused. */
  readonly connmark: number;
  /** `inside`: every interface but these is outside. `outside`: these are. Exact names, sorted. */
  readonly side: 'inside' | 'outside';
  readonly interfaces: readonly string[];
  /** Bridges of Docker. Exact names, sorted. */
  readonly bridges: readonly string[];
  /** As `address,protocol:ports`, with `0.0.0.0/0` or `::/0` for every address: `0.0.0.0/0,tcp:80`. No two overlap. Sorted. */
  readonly ports: readonly string[];
}

/** Everything that should be in the kernel. `front: 'keep'` leaves what stands in DOCKER as it is, `lock: 'keep'` the lock. */
export interface Ruleset {
  readonly sets: readonly IpSet[];
  readonly gate: readonly Table[];
  readonly front: readonly Table[] | 'keep';
  readonly lock: Lock | 'keep' | 'remove';
  /** What the host's boot unit may have put up stays while Docker has not said all that it runs. */
  readonly boot: 'keep' | 'remove';
}
