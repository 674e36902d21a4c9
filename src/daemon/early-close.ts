import type { SetChange } from '../decide/diff/model.ts';
import type { ContainerDetails, ContainerSummary, Snapshot } from '../decide/inventory/docker-json.ts';
import { readInventory } from '../decide/inventory/read-inventory.ts';
import { joinMembers, membersBeside } from '../decide/net/port-members.ts';
import type { Decided } from '../decide/pass/decide.ts';
import type { Service, ServicePort } from '../decide/policy/model.ts';
import { opens } from '../decide/policy/peers.ts';
import { resolve } from '../decide/policy/resolve.ts';
import type { IpSet } from '../decide/wall/model.ts';
import { renderSets } from '../decide/wall/sets.ts';
import type { Clock } from '../reach/host/clock.ts';
import { OneAtATime } from '../reach/host/one-at-a-time.ts';
import { withoutDeparted } from './tombstones.ts';

/** What an event says of one container. `details` undefined: Docker does not tell yet what the new one asks for. */
export type News =
  | { readonly kind: 'made'; readonly id: string; readonly details: ContainerDetails | undefined }
  | { readonly kind: 'started' | 'ended' | 'gone'; readonly id: string };

/** What the last pass went by, and what it left open. */
export interface Moment {
  readonly from: Decided['from'];
  readonly services: readonly Service[];
  readonly sets: readonly IpSet[];
}

interface EarlyCloseParts {
  /** Writes sets without delay (see kernel/armed); told as well to who remembers what was left. */
  readonly write: (changes: readonly SetChange[]) => Promise<void>;
  readonly clock: Clock;
}

/** An inspect that is in time answers in 1 to 2 ms; docker-proxy may listen 20 ms after the event (20.10). */
const quickAnswer = 5;
/** Reading a long list takes long: this many times as long is waited before it is read again. */
const restFactor = 2;

/**
 * Closes what a container had open the moment it cannot be the one that answers there any more.
 *
 * A port, or a routed address, that goes to another container would be open for that one until the pass after the first one's
 * `die` or `destroy`; in a storm of events passes are a second apart, and Docker needs 20 to 200 ms. Without the storm the
 * pass is nearly always in time (seen: 127 answers of a container that opens nothing, on a machine with six labs on two cores).
 * So events are also read as news of what the last pass knew, and what this takes away from the sets that open is
 * taken away at once. Nothing is ever opened here.
 */
export class EarlyClose {
  private readonly parts: EarlyCloseParts;
  private readonly news = new Map<string, News>();
  private old: ReadonlySet<News> = new Set();
  private moment: Moment | undefined;
  private readonly work = new OneAtATime(() => this.withdraw());

  constructor(parts: EarlyCloseParts) {
    this.parts = parts;
  }

  /** Call when a pass is about to ask Docker: the list will tell all that is news now, and be known when the pass has ended. */
  asks(): void {
    this.old = new Set(this.news.values());
  }

  /** Call when a pass has succeeded. What has happened since it asked is news to it. */
  passed({ from, policy, ruleset }: Pick<Decided, 'from' | 'policy' | 'ruleset'>): void {
    this.moment = { from, services: policy.services, sets: ruleset.sets };
    for (const [id, news] of this.news) if (this.old.has(news)) this.news.delete(id);
    if (this.news.size > 0) void this.work.ask();
  }

  /** Call on a container's `create` event, with the answer to its inspect: until it is there, the new one may ask for any port. */
  made(id: string, answer: Promise<ContainerDetails | undefined>): void {
    const cancel = this.parts.clock.after(quickAnswer, () =>
      this.tell({ kind: 'made', id, details: undefined }),
    );
    void answer.then((details) => {
      cancel();
      this.tell({ kind: 'made', id, details });
    });
  }

  tell(news: News): void {
    if (news.kind === 'started') {
      if (this.news.get(news.id)?.kind === 'ended') this.news.delete(news.id);
      return;
    }
    this.news.set(news.id, news);
    if (this.moment !== undefined && this.concerns(this.moment, news)) void this.work.ask();
  }

  /** Whether this could take anything away: a crash loop of somebody else's does not. */
  private concerns({ services }: Moment, news: News): boolean {
    const open = services.filter((service) => service.ports.some(isOpen));
    if (news.kind !== 'made') return open.some(({ containerId }) => containerId === news.id);
    // One that has died since the last pass keeps its port open for itself, and not for the new one; what only its label declares is for nobody else.
    return open.some(
      ({ active, portsFrom, containerId }) =>
        !active || portsFrom === 'label' || this.news.get(containerId)?.kind === 'ended',
    );
  }

  private async withdraw(): Promise<void> {
    const { moment } = this;
    if (moment === undefined) return;
    const from = this.parts.clock.now();
    const changes = withdrawals(moment, [...this.news.values()]);
    const took = this.parts.clock.now() - from;
    this.moment = { ...moment, sets: without(moment.sets, changes) };
    try {
      if (changes.length > 0) await this.parts.write(changes);
    } catch {
      // The pass that follows the event does it, or says why not.
    }
    await new Promise<void>((resolve) => this.parts.clock.after(restFactor * took, resolve));
  }
}

function isOpen({ reach, ownReach = reach }: ServicePort): boolean {
  return [reach, ownReach].some(opens);
}

/** The members that opening sets would not have, had the news been in the list. */
export function withdrawals(
  { from, sets }: Pick<Moment, 'from' | 'sets'>,
  news: readonly News[],
): readonly SetChange[] {
  const next = readInventory(news.reduce(withNews, from.snapshot), from.host);
  const wanted = new Map(
    renderSets(resolve(next, from.config.config, from.answers), true).map((set) => [set.name, set.members]),
  );
  return sets.flatMap(({ name, type, effect, members }): SetChange[] => {
    // Who is in an external set is not at stake when a container goes, and that a set is named does not say that it is there.
    if (effect !== 'opens' || members === 'keep' || type === 'list:set') return [];
    const kept = wanted.get(name);
    return membersBeside(members, kept === undefined || kept === 'keep' ? [] : kept).map((member) => ({
      kind: 'delete-member',
      set: name,
      member,
    }));
  });
}

/** The same sets, less what these changes take away. */
export function without(sets: readonly IpSet[], changes: readonly SetChange[]): readonly IpSet[] {
  const gone = new Map<string, string[]>();
  for (const change of changes) {
    if (change.kind !== 'delete-member') continue;
    const members = gone.get(change.set);
    if (members === undefined) gone.set(change.set, [change.member]);
    else members.push(change.member);
  }
  return sets.map((set) => {
    const members = gone.get(set.name);
    if (set.members === 'keep' || members === undefined) return set;
    return { ...set, members: membersBeside(set.members, joinMembers(members)) };
  });
}

function withNews(snapshot: Snapshot, news: News): Snapshot {
  switch (news.kind) {
    case 'started':
      return snapshot;
    case 'gone':
      return withoutDeparted(snapshot, new Map([[news.id, { action: 'destroy' }]]));
    case 'ended':
      return withoutDeparted(snapshot, new Map([[news.id, { action: 'die' }]]));
    case 'made': {
      if (snapshot.containers.some(({ Id }) => Id === news.id)) return snapshot;
      const { details } = news;
      const made = { ...snapshot, containers: [...snapshot.containers, summaryOf(news.id, details)] };
      return details === undefined
        ? made
        : { ...made, details: new Map([...snapshot.details, [news.id, details]]) };
    }
  }
}

function summaryOf(id: string, details: ContainerDetails | undefined): ContainerSummary {
  const { Name: name, Config: config } = details ?? {};
  return { Id: id, Names: name ? [name] : [], Labels: config?.Labels ?? {}, State: 'created' };
}
