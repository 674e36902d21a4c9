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
const guardSeconds = 5;
/** The list outlives the guard: without it the guard would refuse everything. */
const listSeconds = 3 * guardSeconds;
/** While an inspect is still blocked the guard is raised again this often, ms. */
const renewal = 2000;
/** A list of listeners from before a start, however late its event comes, ms. */
const oldEnough = 1000;

interface Look {
  readonly at: number;
  readonly listeners: readonly Listener[];
}

interface GuardParts {
  readonly kernel: Kernel;
  readonly families: readonly Family[];
  readonly inspect: (id: string) => Promise<ContainerDetails | undefined>;
  /** Called when the ports of a container have been closed: asks for the pass that lowers the guard. */
  readonly onClosed: () => void;
  readonly clock: Clock;
}

/**
 * Closes the ports of a new container before anybody knows them.
 *
 * `docker run` sends the start a millisecond after the create, and from then on Docker answers no inspect until the
 * container runs (measured on 28.5: five of six inspects sent on the event were too late), while docker-proxy listens
 * for IPv6. So at the `create` event, about 200 ms before that, one `ipset restore` raises the guard: new connections
 * from outside reach only ports that had a listener at that moment. When the inspect answers, the ports go
 * into the published sets; the guard is lowered by the end of the next pass. Not before: a pass that was under way may
 * have seen the same port of a container that is gone, and take it out again (`rm -f` and `run` of one service: seen
 * open for 50 to 90 ms). All it adds expires by itself.
 */
export class StartGuard {
  private readonly parts: GuardParts;
  private readonly starting = new Set<string>();
  /** Containers whose ports are in the published sets, but no pass has seen them; true where all ports are fixed. */
  private readonly unseen = new Map<string, boolean>();
  /** What passes saw listening, the newest last; see {@link looked}. */
  private looks: readonly Look[] = [];
  /** Chosen when the guard goes up, and kept while it is. */
  private known: readonly Listener[] = [];
  private raising: Promise<void> = Promise.resolve();

  constructor(parts: GuardParts) {
    this.parts = parts;
  }

  /**
   * Call with what listens on the host but is no published port (those are the gate's to judge, whoever listens). The
   * guard goes by the newest list that is at least a second old: when a busy processor delivers the event late,
   * docker-proxy listens already, and a look at that moment would take its socket for one of the host's own.
   */
  looked(listeners: readonly Listener[]): void {
    const now = this.parts.clock.now();
    const old = this.looks.findLastIndex(({ at }) => now - at >= oldEnough);
    this.looks = [...this.looks.slice(Math.max(0, old)), { at: now, listeners }];
  }

  /** Call on a container's `create` event. Resolves when the guard is up; rejects with the kernel's error. */
  async onCreate(id: string): Promise<void> {
    const gone = this.starting.size === 0 && this.unseen.size === 0 ? this.choose() : [];
    this.starting.add(id);
    const details = this.parts.inspect(id);
    const raised = this.raise(gone);
    this.raising = raised.catch(() => {});
    // Also where raising fails: the answer still closes the ports, and the container is not waited for for ever.
    void this.follow(id, details);
    await raised;
  }

  /** Resolves when the guard is not just going up: starting the programs of a pass would hold it up. */
  async idle(): Promise<void> {
    await this.raising;
  }

  /** Chooses the list to go by; gives what was in the last one and may still be in the set. */
  private choose(): readonly Listener[] {
    const now = this.parts.clock.now();
    const chosen = this.looks.findLast(({ at }) => now - at >= oldEnough) ?? this.looks[0];
    const before = this.known;
    this.known = chosen?.listeners ?? [];
    return before.filter((old) => !this.known.some((one) => isSame(one, old)));
  }

  /** Call before a pass looks at anything. Gives what to call when that pass has ended well: the guard is lowered then. */
  passBegins(): () => Promise<void> {
    const seen = [...this.unseen];
    return async () => {
      for (const [id] of seen) this.unseen.delete(id);
      // Where a port is still to be chosen the kernel lowers the guard.
      const last = this.starting.size === 0 && this.unseen.size === 0 && seen.every(([, fixed]) => fixed);
      if (seen.length === 0 || !last) return;
      await this.parts.kernel.apply({ sets: this.parts.families.flatMap(lowering), tables: [], destroy: [] });
    };
  }

  private async follow(id: string, answer: Promise<ContainerDetails | undefined>): Promise<void> {
    const renew = (): (() => void) =>
      this.parts.clock.after(renewal, () => {
        void this.raise().catch(() => {});
        cancel = renew();
      });
    let cancel = renew();
    try {
      const details = await answer;
      if (details !== undefined) await this.close(id, details);
      this.parts.onClosed();
    } catch {
      // The pass that the event has asked for closes the ports, or says why not; the guard lowers itself.
    } finally {
      cancel();
      this.starting.delete(id);
    }
  }

  /** @param gone listened when the guard was up before, and may still be in the set: a container may be about to listen there. */
  private async raise(gone: readonly Listener[] = []): Promise<void> {
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

  /** Closes what is known now, and has it remembered until a pass has seen it, or the guard has lowered itself. */
  private async close(id: string, details: ContainerDetails): Promise<void> {
    const ports = requestedPorts(details);
    const sets = this.parts.families.flatMap((family) =>
      publishedMembers(ports, family).map((member): SetChange => ({
        kind: 'add-member',
        set: setName(family, 'published'),
        member,
      })),
    );
    if (sets.length > 0) await this.parts.kernel.apply({ sets, tables: [], destroy: [] });
    this.unseen.set(
      id,
      ports.every(({ hostPort }) => hostPort !== undefined),
    );
    this.parts.clock.after(guardSeconds * 1000, () => this.unseen.delete(id));
  }
}

function isSame(a: Listener, b: Listener): boolean {
  return a.protocol === b.protocol && a.port === b.port;
}

function listMembers(listeners: readonly Listener[], family: Family): readonly string[] {
  return listeners.flatMap(({ protocol, port }) =>
    everyAddress(family).map((half) => `${half},${protocol}:${port}`),
  );
}

function lowering(family: Family): readonly SetChange[] {
  return everyAddress(family).map((member) => ({
    kind: 'delete-member',
    set: setName(family, 'starting'),
    member,
  }));
}
