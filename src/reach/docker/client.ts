/** A container, network or service event, as little of it as a hint needs. */
export interface DockerEvent {
  readonly type: string;
  readonly action: string;
  /** The container's id, the network's or the service's. */
  readonly id: string;
}

export interface EventWatcher {
  /** The stream is open: whatever happens from now on is told. */
  readonly onOpen: () => void;
  readonly onEvent: (event: DockerEvent) => void;
}

/**
 * What dockwall asks of Docker. Answers are unparsed: inventory/docker-json is the one door they go through.
 * Every call rejects with {@link DockerError}.
 */
export interface DockerClient {
  /** `GET /info` */
  info(): Promise<unknown>;
  /** `GET /version` */
  version(): Promise<unknown>;
  /** `GET /containers/json?all=1` */
  containers(): Promise<readonly unknown[]>;
  /** `GET /containers/{id}/json`; blocks while the container starts or stops, so it takes a signal. */
  inspect(id: string, signal: AbortSignal): Promise<unknown>;
  /** `GET /networks` */
  networks(): Promise<readonly unknown[]>;
  /** `GET /networks/{id}`: never blocks, and shows endpoints from `network connect` on. `verbose`: services as well. */
  network(id: string, verbose?: boolean): Promise<unknown>;
  /** `GET /services`; `refused` (503) where this engine does not manage a swarm. */
  services(): Promise<readonly unknown[]>;
  /** Follows the event stream until it ends, then resolves; rejects when it breaks or cannot be opened. */
  watch(watcher: EventWatcher, signal: AbortSignal): Promise<void>;
}

/** Docker did not answer, or answered with an error. */
export class DockerError extends Error {
  readonly code: 'unreachable' | 'not-found' | 'refused';
  /** HTTP status where Docker answered. */
  readonly status: number | undefined;

  constructor(
    code: DockerError['code'],
    message: string,
    options: { cause?: unknown; status?: number | undefined },
  ) {
    super(message, { cause: options.cause });
    this.name = 'DockerError';
    this.code = code;
    this.status = options.status;
  }
}
