/** What the page shows: text for people, decided; how it looks is the views' to say. Made by `readPage`. */
export interface PageModel {
  /** The host's name. */
  readonly host: string;
  readonly state: PageState;
  /** What somebody should look at: sentences, the worst first. */
  readonly problems: readonly string[];
  readonly notes: readonly string[];
  /** Facts in one line each: the engine, the walls. */
  readonly facts: readonly Fact[];
  /** Those that the reader looks for; all, where nothing is looked for. */
  readonly services: readonly ServiceView[];
  readonly find: Find;
  readonly sources: readonly SourceView[];
  /** DNS names and lists, and how fresh they are. */
  readonly lists: readonly ListView[];
  /** Who was turned away lately; undefined where nobody counts. */
  readonly blocked: readonly BlockedView[] | undefined;
  /** Whether somebody answers `explain`. */
  readonly explains: boolean;
}

export interface PageState {
  /** `down`: a wall is missing. `trouble`: the walls stand, but something is wrong. */
  readonly kind: 'up' | 'trouble' | 'down' | 'starting';
  readonly text: string;
  /** When the last pass was done. */
  readonly passed: Date | undefined;
}

export interface Fact {
  readonly name: string;
  readonly text: string;
  readonly bad: boolean;
}

export interface Find {
  /** What the reader looks for; empty: nothing. */
  readonly text: string;
  /** How many services there are. */
  readonly of: number;
}

export interface ServiceView {
  /** Of the row in the table; the same at every look. */
  readonly id: string;
  readonly name: string;
  /** The compose project or swarm stack. */
  readonly project: string | undefined;
  readonly running: boolean;
  readonly description: string;
  readonly ports: readonly PortView[];
  /** Networks on which this host's netfilter sees nothing. */
  readonly unprotected: readonly string[];
}

export interface PortView {
  /** `443`, `192.0.2.1:443`, `not chosen yet`, `routed`; with `/udp` where it is not TCP. */
  readonly host: string;
  readonly container: string;
  /** `IPv4` or `IPv6` where it is published in one only. */
  readonly family: string | undefined;
  /** False: the container runs, and Docker has not given it this port. */
  readonly held: boolean;
  readonly reach: ReachKind;
  /** Besides the trusted. */
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  /** The label or key of the configuration that opens it. */
  readonly because: string | undefined;
  /** Since it is published: connections let in, and packets refused; undefined where nobody counts. */
  readonly counted: { readonly connections: number; readonly refused: number } | undefined;
}

/** `trusted`: closed to all others. `host-service`: a service of the host itself has the port now. */
export type ReachKind = 'everybody' | 'some' | 'trusted' | 'loopback' | 'host-service';

/** A source as the configuration has it: a group, the trusted, those who are denied everywhere. */
export interface SourceView {
  readonly kind: 'trusted' | 'denied' | 'group';
  readonly name: string;
  /** Who that is, in short. */
  readonly who: string;
}

/** A source whose networks are found out while dockwall runs. */
export interface ListView {
  readonly name: string;
  readonly networks: number | undefined;
  /** `12 s ago`, or that it has not answered yet. */
  readonly heard: string;
  /** What is wrong with it now; what it said last stays in force. */
  readonly problem: string | undefined;
}

export interface BlockedView {
  readonly source: string;
  readonly port: string;
  readonly service: string | undefined;
  readonly packets: number;
  readonly last: Date | undefined;
}
