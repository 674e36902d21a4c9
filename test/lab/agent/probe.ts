import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { hangUp, verdictOf } from './checks.ts';
import type { ProbeOptions, ProbeReport, Target, TargetReport, Verdict } from './protocol.ts';

interface Tally {
  readonly target: Target;
  attempts: number;
  readonly opened: number[];
  refused: number;
  unreachable: number;
  timedOut: number;
  flow?: UdpSocket;
}

interface Attempt {
  readonly until: number;
  readonly tally: Tally;
  settled: boolean;
  readonly close: () => void;
}

const udpType = (ip: string): 'udp4' | 'udp6' => (isIPv6(ip.split('%')[0] ?? '') ? 'udp6' : 'udp4');

/**
 * Tries its targets in turn, one attempt each millisecond, without waiting for the one before, and writes down
 * every handshake that completes. A connection is closed with RST, so that no port stays in TIME_WAIT.
 */
export class Probe {
  readonly #tallies: readonly Tally[];
  readonly #every: number;
  readonly #patience: number;
  readonly #start = performance.now();
  readonly #waiting: Attempt[] = [];
  #timer: NodeJS.Timeout;
  #next = 0;
  #lastTick = 0;
  #longestStall = 0;

  constructor(options: ProbeOptions) {
    this.#tallies = options.targets.map((target) => {
      return { target, attempts: 0, opened: [], refused: 0, unreachable: 0, timedOut: 0 };
    });
    this.#every = options.every ?? 1;
    this.#patience = options.patience ?? 900;
    // no more often than there is an attempt to make: on two cores the wake-ups of every prober cost more than their packets
    this.#timer = setInterval(() => this.#tick(), Math.min(this.#every, 10));
  }

  look(): ProbeReport {
    const targets = this.#tallies.map(({ flow: _flow, ...report }): TargetReport => report);
    return {
      began: performance.timeOrigin + this.#start,
      duration: this.#now(),
      longestStall: this.#longestStall,
      targets,
    };
  }

  /** Ends the probe; what is under way gets a short while to arrive. */
  async stop(): Promise<ProbeReport> {
    clearInterval(this.#timer);
    const duration = this.#now();
    await new Promise((resolve) => setTimeout(resolve, Math.min(100, this.#patience)));
    for (const attempt of this.#waiting.splice(0)) {
      if (!attempt.settled) attempt.close();
    }
    for (const tally of this.#tallies) tally.flow?.close();
    return { ...this.look(), duration };
  }

  #now(): number {
    return performance.now() - this.#start;
  }

  #tick(): void {
    const now = this.#now();
    this.#longestStall = Math.max(this.#longestStall, now - this.#lastTick);
    this.#lastTick = now;
    this.#abandon(now);
    // after a stall the missed ones are made up for, but not all at once
    const due = Math.min(Math.floor(now / this.#every) - this.#next, 50);
    if (due === 50) this.#next = Math.floor(now / this.#every) - 50;
    for (let i = 0; i < due; i++) {
      const tally = this.#tallies[this.#next++ % this.#tallies.length];
      if (tally) this.#attempt(tally);
    }
  }

  #abandon(now: number): void {
    let count = 0;
    for (const attempt of this.#waiting) {
      if (!attempt.settled && attempt.until > now) break;
      if (!attempt.settled) {
        attempt.settled = true;
        attempt.tally.timedOut++;
        attempt.close();
      }
      count++;
    }
    if (count > 0) this.#waiting.splice(0, count);
  }

  #attempt(tally: Tally): void {
    tally.attempts++;
    if (tally.target.proto.startsWith('tcp')) this.#tcp(tally);
    else if (tally.target.proto === 'udp') this.#udp(tally);
    else this.#flow(tally);
  }

  #settle(attempt: Attempt, verdict: Verdict): void {
    if (attempt.settled) return;
    attempt.settled = true;
    this.#count(attempt.tally, verdict);
    attempt.close();
  }

  // an error after the verdict says nothing more; an unknown one before it is the lab's own fault, and loud
  #fail(attempt: Attempt, error: Error): void {
    if (!attempt.settled) this.#settle(attempt, verdictOf(error));
  }

  #count(tally: Tally, verdict: Verdict): void {
    if (verdict === 'open') tally.opened.push(Math.round(this.#now() * 10) / 10);
    else if (verdict === 'refused') tally.refused++;
    else if (verdict === 'unreachable') tally.unreachable++;
    else tally.timedOut++;
  }

  #begin(tally: Tally, close: () => void): Attempt {
    const attempt = { until: this.#now() + this.#patience, tally, settled: false, close };
    this.#waiting.push(attempt);
    return attempt;
  }

  #tcp(tally: Tally): void {
    const socket = connect({ host: tally.target.ip, port: tally.target.port });
    const attempt = this.#begin(tally, () => hangUp(socket));
    const answer = tally.target.proto === 'tcp' ? 'connect' : 'data';
    if (answer === 'data') socket.on('connect', () => socket.write('probe\n'));
    socket.on(answer, () => this.#settle(attempt, 'open'));
    socket.on('error', (error) => this.#fail(attempt, error));
  }

  #udp(tally: Tally): void {
    const socket = createSocket(udpType(tally.target.ip));
    const attempt = this.#begin(tally, () => socket.close());
    socket.on('message', () => this.#settle(attempt, 'open'));
    socket.on('error', (error) => this.#fail(attempt, error));
    socket.connect(tally.target.port, tally.target.ip, () => {
      if (!attempt.settled) socket.send('probe');
    });
  }

  #flow(tally: Tally): void {
    const { ip, port } = tally.target;
    if (!tally.flow) {
      const flow = createSocket(udpType(ip));
      // one socket may shout at a whole segment, too; what is sent before it is bound waits for that
      flow.bind(0, () => flow.setBroadcast(true));
      tally.flow = flow;
      tally.flow.on('message', () => this.#count(tally, 'open'));
      tally.flow.on('error', (error) => this.#count(tally, verdictOf(error)));
    }
    tally.flow.send('probe', port, ip);
  }
}
