import type { SetChange } from '../diff/model.ts';
import type { ContainerDetails } from '../inventory/docker-json.ts';
import type { Listener } from '../inventory/model.ts';
import { requestedPorts } from '../inventory/published-ports.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Family } from '../net/network.ts';
import { setName } from '../ruleset/names.ts';
import { everyAddress, publishedMembers } from '../ruleset/openings.ts';
import type { Clock } from './clock.ts';

/** The kernel lowers the guard by itself after this time, also when we are dead. */
const guardSeconds = 10;
/** The list outlives the guard: without it the guard would refuse everything. */
const listSeconds = 3 * guardSeconds;
/** A guard that went up less than this ago needs no renewal, ms. */
const fresh = 3000;
/** A list of listeners from before a start, however late its event comes, ms. */
const oldEnough = 1000;
/** So long after it was last published a port is not believed to be the host's own, ms: docker-proxy may linger. */
const mistrust = 60_000;

interface Look {
  readonly at: number;
  readonly listeners: readonly Listener[];
}

interface GuardParts {
  readonly kernel: Kernel;
  readonly families: readonly Family[];
  readonly inspect: (id: string) => Promise<ContainerDetails | undefined>;
  /** Called when the ports of a container have been closed: asks for a pass. */
  readonly onClosed: () => void;
  readonly clock: Clock;
}

/**
 * Closes the ports of a new container before anybody knows them.
 *
 * `docker run` sends the start a millisecond after the create, and from then on Docker answers no inspect until the
 * container runs (measured on 28.5: five of six inspects sent on the event were too late), while docker-proxy listens
 * for IPv6: about 200 ms after the event on 28.5, 20 ms on 20.10. So while the guard is up, new connections from outside
 * reach only ports of the host that had a listener before. When the inspect answers, the ports go into the published sets.
 *
 * The guard goes up with any event and stays for ten seconds. Only the first event after a quiet time has to be answered
 * in time, and then nothing else is being done; in a burst (compose up, rm and run) it stands already. A burst was where it
 * lost the race before: one handshake on 20.10, with both cores busy. It is never lowered by hand, so a pass that began
 * before a container was there may take its port out of the published sets without harm: the next one puts it back.
 */
export class StartGuard {
  private readonly parts: GuardParts;
  private readonly starting = new Set<string>();
  /** What passes saw listening, the newest last; see {@link looked}. */
  private looks: readonly Look[] = [];
  /** What the guard lets through now. */
  private known: readonly Listener[] = [];
  /** Ports of containers, and when they were last seen to be. */
  private readonly published = new Map<string, number>();
  private raisedAt = Number.NEGATIVE_INFINITY;
  private raising: Promise<void> = Promise.resolve();

  constructor(parts: GuardParts) {
    this.parts = parts;
  }

  /**
   * Call with what listens on the host, and which ports are published: those are the gate's to judge, whoever listens,
   * and the guard never lets them through, nor for a minute afterwards. The guard goes by the newest list that is at least a second old: when a busy processor delivers the event late,
   * docker-proxy listens already, and a look at that moment would take its socket for one of the host's own. For the
   * same reason a look while a container starts is none.
   */
  looked(listeners: readonly Listener[], published: readonly Listener[]): void {
    const now = this.parts.clock.now();
    for (const [key, at] of this.published) if (now - at > mistrust) this.published.delete(key);
    for (const port of published) this.published.set(keyOf(port), now);
    if (this.starting.size > 0) return;
    const old = this.looks.findLastIndex(({ at }) => now - at >= oldEnough);
    this.looks = [...this.looks.slice(Math.max(0, old)), { at: now, listeners }];
  }

  /** Call on every event. Resolves when the guard is up; rejects with the kernel's error. */
  async up(): Promise<void> {
    const now = this.parts.clock.now();
    if (now - this.raisedAt < fresh) return this.raising;
    this.raisedAt = now;
    const raised = this.raise(this.choose(now));
    this.raising = raised.catch(() => {
      this.raisedAt = Number.NEGATIVE_INFINITY;
    });
    return raised;
  }

  /** Call on a container's `create` event instead. */
  async onCreate(id: string): Promise<void> {
    this.starting.add(id);
    void this.follow(id, this.parts.inspect(id));
    await this.up();
  }

  /** Resolves when the guard is not just going up: starting the programs of a pass would hold it up. */
  async idle(): Promise<void> {
    await this.raising;
  }

  /** Chooses the list to go by; gives what was in the last one and may still be in the set. */
  private choose(now: number): readonly Listener[] {
    const chosen = this.looks.findLast(({ at }) => now - at >= oldEnough) ?? this.looks[0];
    const before = this.known;
    this.known = (chosen?.listeners ?? []).filter((one) => !this.published.has(keyOf(one)));
    const kept = new Set(this.known.map(keyOf));
    return before.filter((one) => !kept.has(keyOf(one)));
  }

  /** Keeps the guard up until the inspect has answered, and closes what it tells. */
  private async follow(id: string, answer: Promise<ContainerDetails | undefined>): Promise<void> {
    const renew = (): (() => void) =>
      this.parts.clock.after(fresh, () => {
        void this.up().catch(() => {});
        cancel = renew();
      });
    let cancel = renew();
    try {
      const details = await answer;
      if (details !== undefined) await this.close(details);
    } catch {
      // The pass closes the ports, or says why not.
    } finally {
      cancel();
      this.starting.delete(id);
      this.parts.onClosed();
    }
  }

  /** @param gone listened when the guard was up before, and may still be in the set: a container may be about to listen there. */
  private async raise(gone: readonly Listener[]): Promise<void> {
    const sets = this.parts.families.flatMap((family): SetChange[] => [
      ...listMembers(gone, family).map((member): SetChange => ({
        kind: 'delete-member',
        set: setName(family, 'listening'),
        member,
      })),
      ...listMembers(this.known, family).map((member): SetChange => ({
        kind: 'add-member',
        set: setName(family, 'listening'),
        member,
        seconds: listSeconds,
      })),
      ...everyAddress(family).map((member): SetChange => ({
        kind: 'add-member',
        set: setName(family, 'starting'),
        member,
        seconds: guardSeconds,
      })),
    ]);
    await this.parts.kernel.apply({ sets, tables: [], destroy: [] });
  }

  /** Also takes the ports out of the guard's own list, should something have listened there before. */
  private async close(details: ContainerDetails): Promise<void> {
    const ports = requestedPorts(details);
    const now = this.parts.clock.now();
    const known = new Set(this.known.map(keyOf));
    const fixed = ports.flatMap(({ protocol, hostPort }) =>
      hostPort === undefined ? [] : [{ protocol, port: hostPort }],
    );
    for (const port of fixed) this.published.set(keyOf(port), now);
    const listed = fixed.filter((port) => known.has(keyOf(port)));
    const sets = this.parts.families.flatMap((family): SetChange[] => [
      ...publishedMembers(ports, family).map((member): SetChange => ({
        kind: 'add-member',
        set: setName(family, 'published'),
        member,
      })),
      ...listMembers(listed, family).map((member): SetChange => ({
        kind: 'delete-member',
        set: setName(family, 'listening'),
        member,
      })),
    ]);
    if (sets.length > 0) await this.parts.kernel.apply({ sets, tables: [], destroy: [] });
  }
}

function keyOf({ protocol, port }: Listener): string {
  return `${protocol}:${port}`;
}

function listMembers(listeners: readonly Listener[], family: Family): readonly string[] {
  return listeners.flatMap(({ protocol, port }) =>
    everyAddress(family).map((half) => `${half},${protocol}:${port}`),
  );
}
