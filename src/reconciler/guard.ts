import type { ObservedSet, SetChange } from '../diff/model.ts';
import type { HostSocket } from '../host/listeners.ts';
import type { ContainerDetails } from '../inventory/docker-json.ts';
import type { Listener } from '../inventory/model.ts';
import { requestedPorts } from '../inventory/published-ports.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { everyAddress } from '../net/merge-networks.ts';
import type { Family } from '../net/network.ts';
import { eachHostPort } from '../net/port-run.ts';
import { setName } from '../ruleset/names.ts';
import { publishedMembers } from '../ruleset/openings.ts';
import { AdoptedPorts, portKey } from './adopted-ports.ts';
import type { Clock } from './clock.ts';

/** Without us the kernel lowers the guard by itself after this time: new services of the host are then reached again. */
const guardSeconds = 60;
/** The list outlives the guard: without it the guard would refuse everything. */
const listSeconds = 3 * guardSeconds;
/** Both are renewed this often, ms. */
const renewal = (guardSeconds / 3) * 1000;
/** Between two looks at how many sockets the host has, ms. */
const lookInterval = 500;
/** At the latest after this time all of them are looked at, ms: one that goes and one that comes leave the number as it was. */
const fullInterval = 15_000;
/** Reading the sockets of a host with very many connections takes long: this many times as long is waited after it. */
const restFactor = 50;
const longestRest = 5000;
/** Between two looks that events ask for, ms. */
const leastRest = 100;
/** Docker is asked about sockets that wait; while it does not tell (it is starting something), less and less often, ms. */
const askDelays = [0, 500, 1000, 2000, 5000];

export interface GuardParts {
  /** Writes sets without delay (see kernel/armed). */
  readonly kernel: Pick<Kernel, 'apply'>;
  readonly families: readonly Family[];
  readonly sockets: () => Promise<readonly HostSocket[]>;
  /** Another text when a socket has come or gone; much cheaper than `sockets`. */
  readonly counts: () => Promise<string>;
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

export interface PassResult {
  readonly published: readonly Listener[];
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
export class Guard {
  private readonly parts: GuardParts;
  private readonly book: AdoptedPorts;
  private stopped = false;
  private cancelTimer: (() => void) | undefined;
  private looking: Promise<void> | undefined;
  private lookAgain: 'all' | 'changes' | undefined;
  private readingTook = 0;
  private readAt = Number.NEGATIVE_INFINITY;
  private counts = '';
  /** What the kernel's list holds, as far as we know. */
  private written = new Map<string, Listener>();
  /** What has left the list and may still be in the kernel's. */
  private leaving = new Map<string, Listener>();
  private renewedAt = Number.NEGATIVE_INFINITY;
  private asked = 0;
  private askedAt = Number.NEGATIVE_INFINITY;
  private askedFor = '';
  private failing = false;
  /** Until it was taken down here, one of an earlier process may stand. */
  private standing = true;

  constructor(parts: GuardParts) {
    this.parts = parts;
    this.book = new AdoptedPorts(parts.firstLocalPort);
  }

  /**
   * Raises the guard, and keeps it up until {@link stop}. Resolves when it is up; a kernel that refuses is told to
   * `onFailure` and asked again.
   * @param predecessors keys of the ports that an earlier process, whose guard still stands, had adopted.
   */
  async start(predecessors: ReadonlySet<string> | undefined): Promise<void> {
    this.book.begin(await this.parts.sockets(), predecessors);
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
  due(): readonly HostSocket[] {
    return this.book.due(this.parts.clock.now());
  }

  /** A pass has found out what is published, and what the kernel held. */
  passed({ published, judged, sets }: PassResult): void {
    const now = this.parts.clock.now();
    this.book.publish(published, now);
    this.book.judged(judged, now);
    const standing = adoptedBefore(sets, this.parts.families);
    const lost = standing === undefined || [...this.written.keys()].some((key) => !standing.has(key));
    if (lost) this.renewedAt = Number.NEGATIVE_INFINITY;
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
    const counts = await this.parts.counts();
    const from = clock.now();
    const idle = counts === this.counts && from - this.readAt < fullInterval && !this.book.waits(from);
    if (at === 'all' || !idle) {
      const sockets = await this.parts.sockets();
      const now = clock.now();
      this.counts = counts;
      this.readingTook = now - from;
      this.readAt = now;
      this.book.look(sockets, now);
    } else this.readingTook = 0;
    await this.write();
    this.askWhatIsDue();
  }

  private askWhatIsDue(): void {
    const { clock } = this.parts;
    const due = this.due();
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
    const wanted = new Map(this.book.ports().map((port) => [portKey(port), port]));
    for (const [key, port] of this.written) if (!wanted.has(key)) this.leaving.set(key, port);
    for (const key of wanted.keys()) this.leaving.delete(key);
    const gone = [...this.leaving.values()];
    const renew = clock.now() - this.renewedAt >= renewal;
    const added = [...wanted].filter(([key]) => renew || !this.written.has(key)).map(([, port]) => port);
    if (gone.length === 0 && added.length === 0 && !renew) return;
    const sets = families.flatMap((family): SetChange[] => [
      ...change('delete-member', gone, family),
      ...change('add-member', added, family),
      ...(renew ? raised(family) : []),
    ]);
    this.written = wanted;
    const at = clock.now();
    if (!(await this.apply(sets))) return;
    this.leaving.clear();
    if (renew) this.renewedAt = at;
    this.standing = true;
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

  /** The fixed ports of a new container into the published sets, and out of the guard's list. */
  private async close(details: ContainerDetails): Promise<void> {
    const ports = requestedPorts(details);
    this.book.publish(ports.flatMap(eachHostPort), this.parts.clock.now());
    const sets = this.parts.families.flatMap((family) =>
      publishedMembers(ports, family).map((member): SetChange => ({
        kind: 'add-member',
        set: setName(family, 'published'),
        member,
      })),
    );
    if (sets.length > 0) await this.apply(sets);
    void this.look('changes');
  }
}

function change(
  kind: 'add-member' | 'delete-member',
  ports: readonly Listener[],
  family: Family,
): readonly SetChange[] {
  const set = setName(family, 'listening');
  return ports.flatMap((port) =>
    everyAddress(family).map((half): SetChange => {
      const member = `${half},${portKey(port)}`;
      return kind === 'add-member' ? { kind, set, member, seconds: listSeconds } : { kind, set, member };
    }),
  );
}

function lowered(family: Family): readonly SetChange[] {
  return everyAddress(family).map((member) => ({
    kind: 'delete-member',
    set: setName(family, 'guard'),
    member,
  }));
}

function raised(family: Family): readonly SetChange[] {
  return everyAddress(family).map((member) => ({
    kind: 'add-member',
    set: setName(family, 'guard'),
    member,
    seconds: guardSeconds,
  }));
}

/**
 * The ports that an earlier process had adopted, from the members of the guard's sets; undefined where its guard does
 * not stand any more, or never stood.
 */
export function adoptedBefore(
  sets: readonly ObservedSet[],
  families: readonly Family[],
): ReadonlySet<string> | undefined {
  const members = (family: Family, role: string): readonly string[] => [
    ...(sets.find(({ name }) => name === setName(family, role))?.members.keys() ?? []),
  ];
  if (families.some((family) => members(family, 'guard').length === 0)) return undefined;
  return new Set(
    families.flatMap((family) => members(family, 'listening').map((member) => member.split(',')[1] ?? '')),
  );
}
