import type { ObservedSet, SetChange } from '../decide/diff/model.ts';
import type { ContainerDetails } from '../decide/inventory/docker-json.ts';
import { ClaimIndex, type HostPortRun, isLoopback, placeKey } from '../decide/inventory/host-port.ts';
import type { HostPort } from '../decide/inventory/model.ts';
import { requestedPorts } from '../decide/inventory/published-ports.ts';
import type { HostFacts } from '../decide/inventory/read-inventory.ts';
import type { Family } from '../decide/net/network.ts';
import { limits, portCount } from '../decide/policy/limits.ts';
import { setName } from '../decide/wall/names.ts';
import { publishedMembers } from '../decide/wall/openings.ts';
import type { Clock } from '../reach/host/clock.ts';
import type { HostSocket } from '../reach/host/listeners.ts';
import type { Kernel } from '../reach/kernel/kernel.ts';
import { AdoptedPorts, type Claims, type DueSocket, type Predecessor } from './adopted-ports.ts';
import {
  firmSeconds,
  guardIn,
  listed,
  listSeconds,
  longestRest,
  lowered,
  raised,
  renewal,
  unlisted,
} from './guard-sets.ts';

/** Between two looks at how many sockets the host has, ms. */
const lookInterval = 500;
/** At the latest after this time all of them are looked at, ms: one that goes and one that comes leave the number as it was. */
const fullInterval = 15_000;
/** Reading the sockets of a host with very many connections takes long: this many times as long is waited after it. */
const restFactor = 50;
/** Between two looks that events ask for, ms. */
const leastRest = 100;
/** Docker is asked about sockets that wait; while it does not tell (it is starting something), less and less often, ms. */
const askDelays = [0, 500, 1000, 2000, 5000];

export interface ListenerGuardParts {
  /** Writes sets without delay (see kernel/armed). */
  readonly kernel: Pick<Kernel, 'apply'>;
  readonly families: readonly Family[];
  readonly sockets: () => Promise<readonly HostSocket[]>;
  /** Another text when a socket has come or gone; much cheaper than `sockets`. */
  readonly counts: () => Promise<string>;
  /** Whether the kernel still has the guard's members; undefined where nobody can tell. Asked at each look, so it has to be cheap. */
  readonly stands: () => Promise<boolean | undefined>;
  readonly firstLocalPort: number;
  readonly inspect: (id: string) => Promise<ContainerDetails | undefined>;
  /** Asks for a pass: ports have been closed, or sockets wait for a judgement. */
  readonly ask: () => void;
  /** Writing to the kernel has failed (the next look tries again); undefined when it succeeds again. */
  readonly onFailure: (error: unknown) => void;
  /** False takes the guard down until it says true. Asked at each look. */
  readonly enabled: () => boolean;
  readonly clock: Clock;
}

interface Listed extends HostPort {
  readonly seconds: number;
}

export interface PassResult {
  readonly claims: Claims;
  /** What the host keeps although a container that runs declares it. */
  readonly against: readonly HostPortRun[];
  /** What was due when it began, where Docker was starting nothing; else nothing. */
  readonly judged: readonly HostSocket[];
  /** The sets as observed: somebody may have emptied the guard's. */
  readonly sets: readonly ObservedSet[];
}

/**
 * Keeps the ports of containers shut before anybody knows them.
 *
 * Docker does not tell the ports of a container until it runs (its inspect blocks during the start), while docker-proxy
 * listens for IPv6: 20 ms after the `create` event on 20.10, 200 ms on 28.5, and before any event where a stopped
 * container starts on a port that Docker chooses. So new connections from outside reach only host ports
 * that are known to be the host's own ({@link AdoptedPorts}), at all times: nothing has to be in time. A
 * new service of the host is reached about a second late; its clients' second SYN comes after a second (RFC 6298).
 *
 * Only the trusted, and whoever the gate passes, are not concerned; nor are connections that stand.
 */
export class ListenerGuard {
  private readonly parts: ListenerGuardParts;
  private readonly book: AdoptedPorts;
  private stopped = false;
  private cancelTimer: (() => void) | undefined;
  private looking: Promise<void> | undefined;
  private lookAgain: 'all' | 'changes' | undefined;
  private readingTook = 0;
  private readAt = Number.NEGATIVE_INFINITY;
  private counts = '';
  /** What the kernel's list holds, as far as we know. */
  private written = new Map<string, Listed>();
  /** What has left the list and may still be in the kernel's. */
  private leaving = new Map<string, HostPort>();
  private against = new ClaimIndex<HostPortRun>([]);
  private renewedAt = Number.NEGATIVE_INFINITY;
  private asked = 0;
  private askedAt = Number.NEGATIVE_INFINITY;
  private askedFor = '';
  private failing = false;
  /** Until it was taken down here, one of an earlier process may stand. */
  private standing = true;

  constructor(parts: ListenerGuardParts) {
    this.parts = parts;
    this.book = new AdoptedPorts(parts.firstLocalPort);
  }

  /**
   * Raises the guard, and keeps it up until {@link stop}. Resolves when it is up; a kernel that refuses is told to
   * `onFailure` and asked again.
   * @param predecessor what the kernel still has of an earlier process's.
   */
  async start(predecessor: Predecessor): Promise<void> {
    this.book.begin(await this.parts.sockets(), predecessor);
    await this.write();
    this.next(lookInterval);
  }

  /** The guard stays up for as long as its members live in the kernel. */
  stop(): void {
    this.stopped = true;
    this.cancelTimer?.();
  }

  /** Call on every event of Docker. */
  event(): void {
    this.book.event(this.parts.clock.now());
    void this.look('all');
  }

  /** Call on a container's `create` event as well: closes what it asks for as soon as Docker says what that is. */
  async onCreate(id: string): Promise<void> {
    try {
      const details = await this.parts.inspect(id);
      if (details !== undefined) await this.close(details);
    } catch {
      // The pass closes the ports, or says why not.
    } finally {
      this.parts.ask();
    }
  }

  /** Sockets to judge: take them before Docker is asked, and give them to {@link passed}. */
  due(): readonly DueSocket[] {
    return this.book.due(this.parts.clock.now());
  }

  /** What of the host is its own, for a pass that asks Docker now; `judging` is what was due before it was found to start nothing. */
  own(judging: readonly HostSocket[]): Pick<HostFacts, 'listeners' | 'judged'> {
    return this.book.own(judging, this.parts.clock.now());
  }

  /** A pass has found out what is published, and what the kernel held. */
  passed({ claims, against, judged, sets }: PassResult): void {
    const now = this.parts.clock.now();
    this.against = new ClaimIndex(against);
    this.book.publish(claims, now);
    if (this.book.judged(judged, now)) this.parts.ask();
    const { standing, known } = guardIn(sets, this.parts.families);
    if (
      !standing ||
      this.wanted().some((place) => this.written.has(placeKey(place)) && !known.has(placeKey(place)))
    )
      this.renewedAt = Number.NEGATIVE_INFINITY;
    void this.look('changes');
  }

  /** One look at a time; one that is asked for meanwhile follows. */
  private async look(at: 'all' | 'changes'): Promise<void> {
    if (this.stopped) return;
    if (this.looking !== undefined) {
      this.lookAgain = at === 'all' ? at : (this.lookAgain ?? at);
      return;
    }
    this.cancelTimer?.();
    this.looking = this.lookOnce(at);
    await this.looking;
    this.looking = undefined;
    const again = this.lookAgain;
    this.lookAgain = undefined;
    if (again !== undefined) this.next(again === 'all' ? leastRest : 0, again);
    else this.next(Math.max(lookInterval, Math.min(longestRest, restFactor * this.readingTook)));
  }

  private next(delay: number, at: 'all' | 'changes' = 'changes'): void {
    if (this.stopped) return;
    this.cancelTimer?.();
    this.cancelTimer = this.parts.clock.after(delay, () => void this.look(at));
  }

  private async lookOnce(at: 'all' | 'changes'): Promise<void> {
    const { clock } = this.parts;
    const [counts, stands] = await Promise.all([this.parts.counts(), this.standing && this.parts.stands()]);
    // somebody has emptied our sets
    if (this.standing && stands === false) this.renewedAt = Number.NEGATIVE_INFINITY;
    const from = clock.now();
    const idle = counts === this.counts && from - this.readAt < fullInterval && !this.book.waits(from);
    if (at === 'all' || !idle) {
      const sockets = await this.parts.sockets();
      const now = clock.now();
      this.counts = counts;
      this.readingTook = now - from;
      this.readAt = now;
      if (this.book.look(sockets, now)) this.parts.ask();
    } else this.readingTook = 0;
    await this.write();
    this.askWhatIsDue();
  }

  private askWhatIsDue(): void {
    const { clock } = this.parts;
    const due = this.book.urgent(clock.now());
    const key = due.map(({ inode }) => inode).join(' ');
    if (key !== this.askedFor) this.asked = 0;
    this.askedFor = key;
    const delay = askDelays[Math.min(this.asked, askDelays.length - 1)] ?? 0;
    if (due.length === 0 || clock.now() - this.askedAt < delay) return;
    this.asked += 1;
    this.askedAt = clock.now();
    this.parts.ask();
  }

  /** Brings the kernel's list up to date: first what leaves it. */
  private async write(): Promise<void> {
    const { clock, families, enabled } = this.parts;
    if (!enabled()) return this.lower();
    const wanted = new Map(this.wanted().map((place) => [placeKey(place), place]));
    for (const [key, place] of this.written) if (!wanted.has(key)) this.leaving.set(key, place);
    for (const key of wanted.keys()) this.leaving.delete(key);
    const gone = [...this.leaving.values()];
    const renew = clock.now() - this.renewedAt >= renewal;
    const isNew = (key: string, { seconds }: Listed): boolean => this.written.get(key)?.seconds !== seconds;
    const added = [...wanted].filter(([key, place]) => renew || isNew(key, place)).map(([, place]) => place);
    if (gone.length === 0 && added.length === 0 && !renew) return;
    const sets = [
      ...unlisted(gone, families),
      ...listed(added, families),
      ...(renew ? families.flatMap(raised) : []),
    ];
    // Before it is known whether the kernel takes it: some of it may stand where the rest is refused, and while it is written somebody may
    // find that the sets have been emptied.
    this.written = wanted;
    this.standing = true;
    if (renew) this.renewedAt = clock.now();
    if (await this.apply(sets)) this.leaving.clear();
  }

  private wanted(): readonly Listed[] {
    return this.book.ports().map((place) => ({
      ...place,
      seconds: this.against.has(place) ? firmSeconds : listSeconds,
    }));
  }

  private async lower(): Promise<void> {
    if (!this.standing) return;
    this.renewedAt = Number.NEGATIVE_INFINITY;
    this.standing = !(await this.apply(this.parts.families.flatMap(lowered)));
  }

  /** False, and everything is written again at the next look, where the kernel's tools refuse. */
  private async apply(sets: readonly SetChange[]): Promise<boolean> {
    try {
      await this.parts.kernel.apply({ sets, tables: [], destroy: [] });
      if (this.failing) this.parts.onFailure(undefined);
      this.failing = false;
      return true;
    } catch (error) {
      this.renewedAt = Number.NEGATIVE_INFINITY;
      this.failing = true;
      this.parts.onFailure(error);
      return false;
    }
  }

  /**
   * The fixed ports of a new container into the published sets, but for those that the host itself is known to hold. So many that they
   * belong into a set of their own are left to the pass, which is asked for at the same moment: 65,535 of them took 1.9 s to write
   * here, and every pass until then, for everybody, longer to read. Nobody listens there yet, so the guard holds them meanwhile.
   */
  private async close(details: ContainerDetails): Promise<void> {
    const asked = requestedPorts(details).filter((port) => port.hostPort !== undefined && !isLoopback(port));
    const ports = this.book.claim(asked, this.parts.clock.now()).leave(asked);
    const few = portCount(ports) <= limits.counted ? ports : [];
    const sets = this.parts.families.flatMap((family) =>
      publishedMembers(few, family).map((member): SetChange => ({
        kind: 'add-member',
        set: setName(family, 'published'),
        member,
      })),
    );
    if (sets.length > 0) await this.apply(sets);
    void this.look('changes');
  }
}
