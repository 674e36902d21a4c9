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

interface GuardParts {
  readonly kernel: Kernel;
  readonly families: readonly Family[];
  readonly listeners: () => Promise<readonly Listener[]>;
  readonly inspect: (id: string) => Promise<ContainerDetails | undefined>;
  readonly clock: Clock;
}

/**
 * Closes the ports of a new container before anybody knows them.
 *
 * `docker run` sends the start a millisecond after the create, and from then on Docker answers no inspect until the
 * container runs (measured on 28.5: five of six inspects sent on the event were too late), while docker-proxy listens
 * for IPv6. So at the `create` event, about 200 ms before that, one `ipset restore` raises the guard: new connections
 * from outside reach only ports that had a listener at that moment. When the inspect answers, the ports go
 * into the published sets and the guard is lowered. All it adds expires by itself.
 */
export class StartGuard {
  private readonly parts: GuardParts;
  private readonly starting = new Set<string>();
  /** Read when the guard goes up, and kept while it is: a later look would hold docker-proxy's own sockets. */
  private known: readonly Listener[] = [];

  constructor(parts: GuardParts) {
    this.parts = parts;
  }

  /** Call on a container's `create` event. Resolves when the guard is up; rejects with the kernel's error. */
  async onCreate(id: string): Promise<void> {
    // Sent first: where it is in time it answers in a millisecond.
    const details = this.parts.inspect(id);
    if (this.starting.size === 0) this.known = await this.parts.listeners();
    this.starting.add(id);
    await this.raise();
    void this.follow(id, details);
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
      this.starting.delete(id);
      if (details !== undefined) await this.close(details);
    } catch {
      // The pass that the event has asked for closes the ports, or says why not; the guard lowers itself.
    } finally {
      cancel();
      this.starting.delete(id);
    }
  }

  private async raise(): Promise<void> {
    const sets = this.parts.families.flatMap((family): SetChange[] => [
      ...this.known.flatMap(({ protocol, port }) =>
        everyAddress(family).map((half): SetChange => ({
          kind: 'add-member',
          set: setName(family, 'listening'),
          member: `${half},${protocol}:${port}`,
          seconds: listSeconds,
        })),
      ),
      ...everyAddress(family).map((member): SetChange => ({
        kind: 'add-member',
        set: setName(family, 'starting'),
        member,
        seconds: guardSeconds,
      })),
    ]);
    await this.parts.kernel.apply({ sets, tables: [], destroy: [] });
  }

  /** Closes what is known now; lowers the guard unless a port is still to be chosen, or another container starts. */
  private async close(details: ContainerDetails): Promise<void> {
    const ports = requestedPorts(details);
    const closed = this.parts.families.flatMap((family) =>
      publishedMembers(ports, family).map((member): SetChange => ({
        kind: 'add-member',
        set: setName(family, 'published'),
        member,
      })),
    );
    const last = this.starting.size === 0 && ports.every(({ hostPort }) => hostPort !== undefined);
    const sets = [...closed, ...(last ? this.parts.families.flatMap(lowering) : [])];
    if (sets.length > 0) await this.parts.kernel.apply({ sets, tables: [], destroy: [] });
  }
}

function lowering(family: Family): readonly SetChange[] {
  return everyAddress(family).map((member) => ({
    kind: 'delete-member',
    set: setName(family, 'starting'),
    member,
  }));
}
