import { z } from 'zod';
import {
  type ContainerDetails,
  containerDetails,
  containerSummary,
  networkDetails,
  type NetworkDetails,
  type Snapshot,
} from '../inventory/docker-json.ts';
import { requestedPorts } from '../inventory/published-ports.ts';
import { type DockerClient, DockerError } from './client.ts';

/** How long a pass waits for the inspect of one container; a slow start must not delay the others. */
const inspectPatience = 500;
/** How long such an inspect may go on behind the pass. */
const inspectTimeLimit = 120_000;

/** Drivers without endpoints on the host. */
const driversWithoutEndpoints: ReadonlySet<string> = new Set(['host', 'null', 'overlay']);

function choosesPorts(details: ContainerDetails): boolean {
  return requestedPorts(details).some(({ hostPort }) => hostPort === undefined);
}

const listedNetwork = z.object({ Id: z.string(), Driver: z.string() });

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
   * inspect is blocked is in the snapshot without details.
   */
  async list(): Promise<Snapshot> {
    const [listed, networks] = await Promise.all([this.client.containers(), this.networks()]);
    const containers = listed.map((item) => containerSummary.parse(item));
    const present = new Set(containers.map(({ Id }) => Id));
    for (const id of this.details.keys()) if (!present.has(id)) this.details.delete(id);
    await Promise.all([...present].map((id) => this.awaitDetails(id)));
    return { containers, networks, details: new Map(this.details) };
  }

  /**
   * Whether no container is just being started on ports that nobody can know yet: docker-proxy may listen on them already,
   * while the lists tell neither the start nor the ports before it is done. Its inspect blocks meanwhile. Ask before
   * {@link list}: what starts later listens later. Rejects with DockerError.
   */
  async startsNothing(): Promise<boolean> {
    const containers = (await this.client.containers()).map((item) => containerSummary.parse(item));
    const doubtful = containers.filter(({ Id, State }) => {
      const details = this.details.get(Id);
      return !['running', 'paused'].includes(State) && (details === undefined || choosesPorts(details));
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
      const details = containerDetails.parse(answer);
      this.details.set(id, details);
      return details;
    } catch {
      // Gone already, blocked for good, or unreadable: such a container opens nothing, the others are unaffected.
      return undefined;
    } finally {
      this.inspecting.delete(id);
    }
  }

  private async awaitDetails(id: string): Promise<void> {
    if (this.details.has(id)) return;
    const inspect = this.inspect(id);
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), this.patience);
    });
    const outcome = await Promise.race([inspect, patience]);
    clearTimeout(timer);
    if (outcome === 'late') {
      void inspect.then((details) => (details === undefined ? undefined : this.onLateAnswer()));
    }
  }

  private async networks(): Promise<readonly NetworkDetails[]> {
    const listed = (await this.client.networks()).map((item) => listedNetwork.parse(item));
    const wanted = listed.filter(({ Driver }) => !driversWithoutEndpoints.has(Driver));
    const found = await Promise.all(wanted.map(({ Id }) => this.network(Id)));
    return found.flatMap((network) => (network === undefined ? [] : [network]));
  }

  private async network(id: string): Promise<NetworkDetails | undefined> {
    try {
      return networkDetails.parse(await this.client.network(id));
    } catch (error) {
      // Removed between the list and the question.
      if (error instanceof DockerError && error.code === 'not-found') return undefined;
      throw error;
    }
  }
}
