import pTimeout from 'p-timeout';
import type {
  ContainerDetails,
  ContainerSummary,
  NetworkDetails,
  ServiceDetails,
  Snapshot,
  Unreadable,
} from '../../decide/inventory/docker-json.ts';
import type { HostPort } from '../../decide/inventory/model.ts';
import {
  type Read,
  readDetails,
  readListedNetwork,
  readNetwork,
  readServiceDetails,
  readSummary,
  sorted,
} from '../../decide/inventory/read-docker.ts';
import { type DockerClient, DockerError } from './client.ts';
import { type Answer, Inspects } from './inspects.ts';
import { askedAt, isUp, longestStart, type SlowStart, type Starting, Starts } from './starts.ts';

/** How long a pass waits for the inspect of one container; a slow start must not delay the others. */
const inspectPatience = 500;

/** A manager that has lost touch with the others answers after twenty seconds, and then with an error. */
const servicesPatience = 500;

/** Drivers without endpoints on the host. */
const driversWithoutEndpoints: ReadonlySet<string> = new Set(['host', 'null', 'overlay']);

/** What can be read of a list, and what cannot. */
interface Listed<T> {
  readonly found: readonly T[];
  readonly unreadable: readonly Unreadable[];
}

export interface SourceOptions {
  readonly patience?: number;
  readonly now?: () => number;
}

/**
 * Asks Docker for the whole truth, and remembers what can never change: a container's port bindings are
 * fixed at `create`, so each container is inspected once in its life.
 */
export class DockerSource {
  private readonly details = new Map<string, ContainerDetails>();
  private readonly inspects: Inspects;
  private readonly starts = new Starts();
  private looksAgain = false;
  private readonly client: DockerClient;
  private readonly onLateAnswer: () => void;
  private readonly patience: number;
  private readonly now: () => number;
  /** What a manager last said. */
  private services: Listed<ServiceDetails> | undefined;
  private askingServices: Promise<void> | undefined;

  /**
   * @param onLateAnswer called when an inspect that a pass did not wait for has answered.
   * @param options `patience`: how long {@link list} waits for each inspect, ms; `now`: the time, ms.
   */
  constructor(
    client: DockerClient,
    onLateAnswer: () => void,
    { patience = inspectPatience, now = () => performance.now() }: SourceOptions = {},
  ) {
    this.client = client;
    this.onLateAnswer = onLateAnswer;
    this.patience = patience;
    this.now = now;
    this.inspects = new Inspects({
      inspect: (id, signal) => client.inspect(id, signal),
      patience,
      now,
      onLate: (id, answer) => {
        this.learn(id, answer);
        onLateAnswer();
      },
    });
  }

  /**
   * The present state. Rejects with DockerError when Docker does not answer the lists; a container whose
   * inspect is blocked is in the snapshot without details. What cannot be read is left out by itself, and said.
   */
  async list(): Promise<Snapshot> {
    const from = this.now();
    const [listed, listedNetworks] = await Promise.all([this.containers(), this.networks()]);
    const { found: containers } = listed;
    const { found: networks } = listedNetworks;
    const present = new Set(containers.map(({ Id }) => Id));
    for (const id of this.details.keys()) if (!present.has(id)) this.details.delete(id);
    this.inspects.keep(present);
    await Promise.all(containers.map((one) => this.awaitDetails(one)));
    if (networks.some(({ Ingress }) => Ingress === true)) await this.awaitServices();
    else this.services = undefined;
    const slow = this.slow(containers);
    this.starts.keep(new Set(slow.map(({ id }) => id)));
    this.starts.saw(slow, networks, from);
    this.lookAgain(slow);
    return {
      containers,
      networks,
      overdue: this.starts.overdue(this.now()),
      details: new Map(this.details),
      services: this.services?.found,
      unreadable: [listed, listedNetworks, this.services].flatMap((list) => list?.unreadable ?? []),
    };
  }

  private async containers(): Promise<Listed<ContainerSummary>> {
    return sorted(listOf(await this.client.containers(), 'containers').map(readSummary));
  }

  /**
   * The containers that are just being started on ports that nobody can know yet, or on one of these: docker-proxy may listen
   * on them already, while the lists tell neither the start nor the ports before it is done. The inspect blocks meanwhile. Ask before
   * {@link list}: what starts later listens later. Rejects with DockerError.
   */
  async starting(places: readonly HostPort[] = []): Promise<Starting> {
    const from = this.now();
    const { found: containers } = await this.containers();
    const mayServe = askedAt(places);
    const doubtful = containers.filter(({ Id, State }) => {
      const details = this.details.get(Id);
      return !isUp(State) && (details === undefined || mayServe(details));
    });
    const answers = await Promise.all(
      doubtful.map(async (one) => ({ one, answers: await this.answers(one) })),
    );
    const slow = answers.flatMap(({ one, answers: known }) => (known ? [] : [one]));
    if (slow.length > 0) this.starts.saw(this.slow(slow), (await this.networks()).found, from);
    return this.starts.among(
      slow.map(({ Id }) => Id),
      from,
    );
  }

  /** Whether it answers now; what was asked before may have been answered before. */
  private async answers({ Id, State }: ContainerSummary): Promise<boolean> {
    if (this.inspects.isAsking(Id)) await this.inspects.ask(Id);
    const answer = await this.inspects.ask(Id, State);
    this.learn(Id, answer);
    return answer.kind === 'told' || answer.kind === 'gone';
  }

  /** Of these, those whose inspect hangs. */
  private slow(containers: readonly ContainerSummary[]): readonly SlowStart[] {
    return containers.flatMap(({ Id: id }): readonly SlowStart[] => {
      const since = this.inspects.hangsSince(id);
      return since === undefined ? [] : [{ id, since, details: this.details.get(id) }];
    });
  }

  /**
   * Inspects a container on its `create` event. Sent at once over an open connection, this answers in
   * 1-2 ms, before the start takes the container's lock (measured on 28.5: 20 of 20). Undefined where it is gone already, or hangs: such a
   * container opens nothing, the others are unaffected.
   */
  async inspect(id: string, state = ''): Promise<ContainerDetails | undefined> {
    const known = this.details.get(id);
    if (known !== undefined) return known;
    this.learn(id, await this.inspects.ask(id, state));
    return this.details.get(id);
  }

  /** What Docker has said of a container, which never changes. */
  private learn(id: string, answer: Answer): void {
    if (answer.kind === 'told' && !this.details.has(id)) this.details.set(id, readDetails(id, answer.json));
  }

  private async awaitDetails({ Id, State }: ContainerSummary): Promise<void> {
    if (this.details.has(Id)) return;
    const inspect = this.inspect(Id, State);
    if ((await withPatience(inspect, this.patience)) === 'late') {
      void inspect.then((details) => (details === undefined ? undefined : this.onLateAnswer()));
    }
  }

  /** Asks for a pass at the moment from which nobody waits for a start any more. */
  private lookAgain(slow: readonly SlowStart[]): void {
    const now = this.now();
    const ends = slow.flatMap(({ since, details }) =>
      details === undefined && now - since < longestStart ? [since + longestStart - now] : [],
    );
    if (ends.length === 0 || this.looksAgain) return;
    this.looksAgain = true;
    setTimeout(
      () => {
        this.looksAgain = false;
        this.onLateAnswer();
      },
      Math.min(...ends),
    ).unref();
  }

  /** Waits for the services for a while, and goes by what is known of them after that. */
  private async awaitServices(): Promise<void> {
    this.askingServices ??= this.askServices().finally(() => {
      this.askingServices = undefined;
    });
    const asking = this.askingServices;
    if ((await withPatience(asking, servicesPatience)) === 'late') void asking.then(this.onLateAnswer);
  }

  private async askServices(): Promise<void> {
    try {
      this.services = sorted(listOf(await this.client.services(), 'services').map(readServiceDetails));
    } catch (error) {
      // A worker knows no services; anything else (no majority, a locked swarm) does not make the last answer wrong.
      if (error instanceof DockerError && /not a swarm manager/.test(error.message))
        this.services = undefined;
    }
  }

  private async networks(): Promise<Listed<NetworkDetails>> {
    const listed = sorted(listOf(await this.client.networks(), 'networks').map(readListedNetwork));
    const wanted = listed.found.filter(
      ({ Driver, Ingress }) => Ingress || !driversWithoutEndpoints.has(Driver),
    );
    const reads = await Promise.all(wanted.map(({ Id, Ingress }) => this.network(Id, Ingress)));
    const { found, unreadable } = sorted(reads.flat());
    return { found, unreadable: [...listed.unreadable, ...unreadable] };
  }

  /** None where it was removed between the list and the question. */
  private async network(id: string, verbose: boolean): Promise<readonly Read<NetworkDetails>[]> {
    try {
      return [readNetwork(id, await this.client.network(id, verbose))];
    } catch (error) {
      if (error instanceof DockerError && error.code === 'not-found') return [];
      throw error;
    }
  }
}

/** A list that is none is no answer at all. */
function listOf(answer: unknown, what: string): readonly unknown[] {
  if (Array.isArray(answer)) return answer;
  throw new DockerError('refused', `listing ${what}: the answer is no list`, {});
}

/** The answer, or `late` when it takes longer than this, ms. */
function withPatience<T>(answer: Promise<T>, ms: number): Promise<T | 'late'> {
  return pTimeout(answer, { milliseconds: ms, fallback: () => 'late' as const });
}
