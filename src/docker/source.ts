import type {
  ContainerDetails,
  ContainerSummary,
  NetworkDetails,
  ServiceDetails,
  Snapshot,
  Unreadable,
} from '../inventory/docker-json.ts';
import { ClaimIndex } from '../inventory/host-port.ts';
import type { HostPort } from '../inventory/model.ts';
import { requestedPorts } from '../inventory/published-ports.ts';
import {
  type Read,
  readDetails,
  readListedNetwork,
  readNetwork,
  readServiceDetails,
  readSummary,
  sorted,
} from '../inventory/read-docker.ts';
import { type DockerClient, DockerError } from './client.ts';

/** How long a pass waits for the inspect of one container; a slow start must not delay the others. */
const inspectPatience = 500;
/** How long such an inspect may go on behind the pass. */
const inspectTimeLimit = 120_000;

/** A manager that has lost touch with the others answers after twenty seconds, and then with an error. */
const servicesPatience = 500;

/** Drivers without endpoints on the host. */
const driversWithoutEndpoints: ReadonlySet<string> = new Set(['host', 'null', 'overlay']);

/** Whether its docker-proxy could be at one of these places, or at any: so it is where that cannot be read. */
function mayServe(details: ContainerDetails, places: readonly HostPort[]): boolean {
  const ports = requestedPorts(details);
  if (details.unreadable !== undefined || ports.some(({ hostPort }) => hostPort === undefined)) return true;
  const claims = new ClaimIndex(ports);
  return places.some((place) => claims.has(place));
}

/** What can be read of a list, and what cannot. */
interface Listed<T> {
  readonly found: readonly T[];
  readonly unreadable: readonly Unreadable[];
}

/**
 * Asks Docker for the whole truth, and remembers what can never change: a container's port bindings are
 * fixed at `create`, so each container is inspected once in its life.
 */
export class DockerSource {
  private readonly details = new Map<string, ContainerDetails>();
  private readonly inspecting = new Map<string, Promise<ContainerDetails | undefined>>();
  private readonly client: DockerClient;
  private readonly onLateAnswer: () => void;
  private readonly patience: number;
  /** What a manager last said. */
  private services: Listed<ServiceDetails> | undefined;
  private askingServices: Promise<void> | undefined;

  /**
   * @param onLateAnswer called when an inspect that a pass did not wait for has answered.
   * @param patience how long {@link list} waits for each inspect, ms.
   */
  constructor(client: DockerClient, onLateAnswer: () => void, patience: number = inspectPatience) {
    this.client = client;
    this.onLateAnswer = onLateAnswer;
    this.patience = patience;
  }

  /**
   * The present state. Rejects with DockerError when Docker does not answer the lists; a container whose
   * inspect is blocked is in the snapshot without details. What cannot be read is left out by itself, and said.
   */
  async list(): Promise<Snapshot> {
    const [listed, listedNetworks] = await Promise.all([this.containers(), this.networks()]);
    const { found: containers } = listed;
    const { found: networks } = listedNetworks;
    const present = new Set(containers.map(({ Id }) => Id));
    for (const id of this.details.keys()) if (!present.has(id)) this.details.delete(id);
    await Promise.all([...present].map((id) => this.awaitDetails(id)));
    if (networks.some(({ Ingress }) => Ingress === true)) await this.awaitServices();
    else this.services = undefined;
    return {
      containers,
      networks,
      details: new Map(this.details),
      services: this.services?.found,
      unreadable: [listed, listedNetworks, this.services].flatMap((list) => list?.unreadable ?? []),
    };
  }

  private async containers(): Promise<Listed<ContainerSummary>> {
    return sorted(listOf(await this.client.containers(), 'containers').map(readSummary));
  }

  /**
   * Whether no container is just being started on ports that nobody can know yet, or on one of these: docker-proxy may listen
   * on them already, while the lists tell neither the start nor the ports before it is done. Its inspect blocks meanwhile. Ask before
   * {@link list}: what starts later listens later. Rejects with DockerError.
   */
  async startsNothing(places: readonly HostPort[] = []): Promise<boolean> {
    const { found: containers } = await this.containers();
    const doubtful = containers.filter(({ Id, State }) => {
      const details = this.details.get(Id);
      return !['running', 'paused'].includes(State) && (details === undefined || mayServe(details, places));
    });
    const answers = await Promise.all(doubtful.map(({ Id }) => this.answers(Id)));
    return answers.every(Boolean);
  }

  private async answers(id: string): Promise<boolean> {
    try {
      await this.client.inspect(id, AbortSignal.timeout(this.patience));
      return true;
    } catch (error) {
      return error instanceof DockerError && error.code === 'not-found';
    }
  }

  /**
   * Inspects a container on its `create` event. Sent at once over an open connection, this answers in
   * 1-2 ms, before the start takes the container's lock (measured on 28.5: 20 of 20).
   */
  async inspect(id: string): Promise<ContainerDetails | undefined> {
    const known = this.details.get(id);
    if (known !== undefined) return known;
    const running = this.inspecting.get(id) ?? this.startInspect(id);
    this.inspecting.set(id, running);
    return running;
  }

  private async startInspect(id: string): Promise<ContainerDetails | undefined> {
    try {
      const answer = await this.client.inspect(id, AbortSignal.timeout(inspectTimeLimit));
      const details = readDetails(id, answer);
      this.details.set(id, details);
      return details;
    } catch {
      // Gone already, or blocked for good: such a container opens nothing, the others are unaffected.
      return undefined;
    } finally {
      this.inspecting.delete(id);
    }
  }

  private async awaitDetails(id: string): Promise<void> {
    if (this.details.has(id)) return;
    const inspect = this.inspect(id);
    if ((await withPatience(inspect, this.patience)) === 'late') {
      void inspect.then((details) => (details === undefined ? undefined : this.onLateAnswer()));
    }
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
async function withPatience<T>(answer: Promise<T>, ms: number): Promise<T | 'late'> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), ms);
  });
  try {
    return await Promise.race([answer, patience]);
  } finally {
    clearTimeout(timer);
  }
}
