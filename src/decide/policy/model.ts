import type { Cidr, Family } from '../net/network.ts';
import type { PortRun } from '../net/port-run.ts';
import type { Protocol } from '../net/port.ts';
import type { GroupName, LiveSource, SourceKey } from './config.ts';

/** Why something is open or refused: the label (or config key) and its value, as the user wrote them. */
export interface Reason {
  readonly label: string;
  readonly value: string;
}

/**
 * A source that a label names: a group (live, by set) or one network (written in the label itself). A DNS name or an interface
 * that a label names is a group of its own, called as it is written (see net/source-word.ts).
 */
export type Peer =
  | { readonly kind: 'group'; readonly name: GroupName }
  | { readonly kind: 'network'; readonly network: Cidr };

export interface PeerRule {
  readonly peer: Peer;
  readonly reason: Reason;
}

/**
 * Who reaches one port, beyond the trusted (who reach every port) and less the denied. An address of
 * `everyone` undefined and `allow` empty is a closed port.
 */
export interface Reach {
  readonly everyone: Reason | undefined;
  readonly allow: readonly PeerRule[];
  readonly deny: readonly PeerRule[];
}

/** One published port of one service with the verdict on it, or many in a row that have the same. */
export interface ServicePort extends PortRun {
  readonly family: Family;
  readonly address: 'any' | Cidr;
  readonly protocol: Protocol;
  /** See {@link PublishedPort}. */
  readonly unbound?: 'runs' | 'restarts';
  /** What the labels say by themselves, for the container's own address (routed): nobody else claims that. Absent: `reach`. */
  readonly ownReach?: Reach;
  readonly reach: Reach;
  /** Bound to 127.0.0.0/8 or ::1: no packet from outside is meant for it, whatever a label says. */
  readonly loopback: boolean;
  /** A service of the host holds the port, and this container does not; the claim has lapsed, nothing is opened or closed for it. */
  readonly lapsed: boolean;
}

/** Where a service's packets arrive after DNAT: an address on a bridge that Docker's DOCKER chain serves. */
export interface ServiceEndpoint {
  readonly networkId: string;
  readonly address: Cidr;
  /** True where the address itself is what clients talk to (routed gateway mode). */
  readonly routed: boolean;
  /** The address is a door besides the host's port: Docker lets some interfaces in to it. */
  readonly direct?: boolean | undefined;
}

export interface Service {
  readonly containerId: string;
  readonly name: string;
  readonly composeService: string | undefined;
  /** The compose project or swarm stack. */
  readonly project?: string | undefined;
  readonly swarmService: string | undefined;
  readonly active: boolean;
  /** The entry under `services:` that speaks for it. */
  readonly entry?: string | undefined;
  readonly description: string;
  /** A host-network container whose ports nobody has declared: they are open as the host's own are. */
  readonly undeclared: boolean;
  /** Who says which ports it has: Docker, or (of a container on the host's network) its own label, or the configuration. */
  readonly portsFrom: 'docker' | 'label' | 'configuration';
  readonly ports: readonly ServicePort[];
  /** It has so many ports that they are not counted, and held apart from those of others (see limits.ts). */
  readonly wide?: true;
  readonly endpoints: readonly ServiceEndpoint[];
  /** Networks whose traffic the host's netfilter never sees (macvlan, ipvlan): say so, never pretend. */
  readonly unprotected: readonly string[];
}

/**
 * What is wrong with one label (or `services:` entry) of one container, or with what Docker says of it (`label` is
 * {@link dockersAnswer} then). That container opens nothing, unless `partly` is there.
 */
export interface Problem {
  /** What is wrong with an option of a network instead. */
  readonly of?: 'network';
  readonly container: string;
  readonly label: string;
  readonly value: string;
  readonly problem: string;
  readonly hint: string | undefined;
  /** All else that the label and others say holds. */
  readonly partly?: true;
}

/** Stands in the place of a label where Docker's JSON cannot be read. */
export const dockersAnswer = "Docker's answer";

/** What live sources mean at this moment; one that has never answered is not in it, and stands for nobody. */
export type Answers = ReadonlyMap<SourceKey, readonly Cidr[]>;

/** Where networks of a list come from: written there (undefined), or by a live source; none where that has not answered yet. */
export interface Origin {
  readonly source: LiveSource | undefined;
  /** The external set that holds them; see `withForeignSets`. */
  readonly ipset?: string;
  readonly networks: readonly Cidr[];
}

/** Who a list of sources means now. */
export interface PolicyMembers {
  /** All of them together, merged: what the set holds. */
  readonly networks: readonly Cidr[];
  /** Whoever arrives at these interfaces. */
  readonly interfaces: readonly string[];
  /** External sets, looked into by the kernel itself. */
  readonly ipsets: readonly string[];
  /** The same networks by where they come from, for explanations. */
  readonly origins: readonly Origin[];
  /** A DNS name in a label has this many addresses, which are too many: it lets nobody in, and `networks` are the first, to be refused. */
  readonly tooMany?: number;
}

export interface PolicyPeers extends PolicyMembers {
  readonly groups: readonly GroupName[];
}

/** Interfaces whose packets are judged. In auto mode all but loopback and those that are `inside`. */
export type External =
  | { readonly kind: 'auto' }
  | { readonly kind: 'list'; readonly names: readonly string[] };

/** Who may reach what. Both walls are rendered from this one value; nothing else decides. */
export interface Policy {
  readonly mark: number;
  readonly connmark: number;
  /** Whether the kernel keeps who was turned away. */
  readonly rememberBlocked: boolean;
  readonly external: External;
  /**
   * Bridges whose packets go past the gate: each exists, is Docker's, and has no port of anybody else's. Exact names, sorted; what
   * is not named is outside.
   */
  readonly inside: readonly string[];
  /** They begin with `br-`, as Docker's bridges do, and are somebody else's: what goes there is not ours to close. Sorted. */
  readonly foreignBridges: readonly string[];
  /** Whether packets between two ports of one bridge pass the rules as well. */
  readonly bridgedSeen: boolean;
  readonly networks: readonly { readonly id: string; readonly name: string; readonly bridge: string }[];
  readonly trusted: PolicyPeers;
  readonly deny: PolicyPeers;
  /** Every group that a rule may name: the configured ones, and of the built-in ones and source words those in use. */
  readonly groups: ReadonlyMap<GroupName, PolicyMembers>;
  /** Every live source that something above stands on: these are to be kept fresh. Sorted by key. */
  readonly sources: readonly LiveSource[];
  readonly services: readonly Service[];
  readonly problems: readonly Problem[];
}
