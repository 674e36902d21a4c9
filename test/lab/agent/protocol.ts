/** How an attempt ended, as the client sees it. A refusal (RST, ICMP) is not open; nor is silence. */
export type Verdict = 'open' | 'refused' | 'unreachable' | 'timeout';

/** Something to try to reach. IPv6 link-local needs its scope (`fe80::10%eth0`). */
export interface Target {
  /**
   * `udp` uses a new socket for every datagram, `udp-flow` one for all: conntrack treats them differently. `tcp` is content with
   * the handshake, which docker-proxy makes before the container runs; `tcp-echo` waits for the service.
   */
  readonly proto: 'tcp' | 'tcp-echo' | 'udp' | 'udp-flow';
  readonly ip: string;
  readonly port: number;
}

export interface ProbeOptions {
  readonly targets: readonly Target[];
  /** One attempt each this many milliseconds, the targets in turn; 1 unless told. */
  readonly every?: number;
  /** An attempt is abandoned after this long; 900 ms unless told, so that no SYN is sent twice. */
  readonly patience?: number;
}

/** What became of one target's attempts. Times are milliseconds since the probe started. */
export interface TargetReport {
  readonly target: Target;
  readonly attempts: number;
  /** When each handshake completed, or each echo came back. */
  readonly opened: readonly number[];
  readonly refused: number;
  readonly unreachable: number;
  readonly timedOut: number;
}

export interface ProbeReport {
  /** When the probe started, ms since 1970: for holding its times against those of other programs. */
  readonly began: number;
  readonly duration: number;
  /** The longest time the prober itself stood still: gaps below it say nothing. */
  readonly longestStall: number;
  readonly targets: readonly TargetReport[];
}

export interface HttpAnswer {
  readonly verdict: Verdict;
  readonly status?: number;
  readonly body?: string;
}

export interface UdpAnswer {
  readonly verdict: Verdict;
  readonly reply?: string;
}

/** A conversation that goes on: something is sent every few milliseconds, and the echo awaited. */
export interface StreamReport {
  readonly sent: number;
  readonly echoed: number;
  /** Milliseconds since the last echo; since the start when there was none. */
  readonly silentFor: number;
  /** Ended by the other side or by an error. */
  readonly closed: boolean;
}

/** Who has come to a server that runs in a client. */
export interface Visit {
  readonly proto: 'tcp' | 'udp';
  readonly from: string;
  readonly port: number;
  readonly bytes: number;
}

/** A server in a client's namespace: each of these that is given. */
export interface ServerSpec {
  /** Echo on TCP. */
  readonly tcp?: readonly number[];
  /** Echo on UDP. */
  readonly udp?: readonly number[];
  /** Pages by path, on one port; `{}` answers 404 to everything. */
  readonly http?: { readonly port: number; readonly pages: Readonly<Record<string, HttpPage>> };
  /** Names with their addresses, on UDP port 53; others do not exist. */
  readonly dns?: { readonly ttl: number; readonly names: Readonly<Record<string, readonly string[]>> };
}

interface HttpPage {
  readonly status?: number;
  readonly type?: string;
  readonly body: string;
}

/** What an agent can be asked: the name of the operation, its question and its answer. */
export interface Operations {
  /** `from`: the client's own port. `fin`: ends what it has opened with FIN instead of RST. */
  connect: {
    ask: { ip: string; port: number; patience?: number; from?: number; fin?: boolean };
    answer: Verdict;
  };
  udp: { ask: { ip: string; port: number; payload?: string; patience?: number }; answer: UdpAnswer };
  http: { ask: { url: string; host?: string; patience?: number }; answer: HttpAnswer };
  probeStart: { ask: ProbeOptions; answer: number };
  probeStop: { ask: { probe: number }; answer: ProbeReport };
  probeLook: { ask: { probe: number }; answer: ProbeReport };
  /** `push`: the client only asks to be written to, beginning after so many milliseconds. */
  streamOpen: { ask: { target: Target; every?: number; push?: number; from?: number }; answer: number };
  streamLook: { ask: { stream: number }; answer: StreamReport };
  streamClose: { ask: { stream: number }; answer: StreamReport };
  serve: { ask: ServerSpec; answer: number };
  serveVisits: { ask: { server: number }; answer: readonly Visit[] };
  serveClose: { ask: { server: number }; answer: null };
}

export type Operation = keyof Operations;
export type Ask<O extends Operation> = Operations[O]['ask'];
export type Answer<O extends Operation> = Operations[O]['answer'];

/** One line to the agent. */
export interface Request {
  readonly id: number;
  readonly operation: Operation;
  readonly ask: unknown;
}

/** One line from the agent. */
export interface Response {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: string;
}
