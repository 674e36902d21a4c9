import type { Protocol } from '../net/port.ts';

/**
 * The parts of Docker's answers that dockwall reads, as the Engine API gives them from 1.41 (20.10) on; made by
 * `read-docker.ts`. Everything else is ignored, so a newer engine cannot break the reading by adding fields.
 */
type Labels = Readonly<Record<string, string>> | null | undefined;

/** What could not be read of an object that is kept. Such a container opens nothing. */
interface MaybeUnreadable {
  readonly unreadable?: string | undefined;
}

/** One element of `GET /containers/json?all=1`. */
export interface ContainerSummary extends MaybeUnreadable {
  readonly Id: string;
  readonly Names?: readonly string[] | null | undefined;
  readonly Labels?: Labels;
  readonly State: string;
  readonly Ports?: readonly GivenPort[] | null | undefined;
  readonly HostConfig?: { readonly NetworkMode?: string | null | undefined } | null | undefined;
  /** As it was asked for; the id instead where that name stands for another image by now. */
  readonly Image?: string | undefined;
  /** Names of the networks that it is on, or will be when it starts. */
  readonly NetworkNames?: readonly string[] | undefined;
}

/**
 * What Docker has given a running container; without `PublicPort` the port is exposed only. `count`: so many in a row, of both ports;
 * 1 where it is left out (see given-ports.ts).
 */
export interface GivenPort {
  readonly IP?: string | null | undefined;
  readonly PrivatePort: number;
  readonly PublicPort?: number | null | undefined;
  readonly Type: Protocol;
  readonly count?: number;
}

/** `GET /containers/{id}/json`: only what never changes after `create`, so one answer may be kept for good. */
export interface ContainerDetails extends MaybeUnreadable {
  readonly Id: string;
  readonly Name?: string | null | undefined;
  readonly Config?:
    | {
        readonly Labels?: Labels;
        /** As it was asked for. */
        readonly Image?: string | undefined;
        readonly ExposedPorts?: Readonly<Record<string, unknown>> | null | undefined;
      }
    | null
    | undefined;
  readonly HostConfig: {
    readonly NetworkMode?: string | null | undefined;
    readonly PublishAllPorts?: boolean | null | undefined;
    readonly PortBindings?: Readonly<Record<string, readonly PortBinding[] | null>> | null | undefined;
  };
}

/** Where a container's port is to be published. */
export interface PortBinding {
  readonly HostIp?: string | null | undefined;
  readonly HostPort?: string | null | undefined;
}

/** `GET /networks/{id}`. */
export interface NetworkDetails {
  readonly Id: string;
  readonly Name: string;
  readonly Driver: string;
  readonly Options?: Readonly<Record<string, string>> | null | undefined;
  /** The subnets that it was given. */
  readonly IPAM?:
    | { readonly Config?: readonly { readonly Subnet?: string | null | undefined }[] | null | undefined }
    | null
    | undefined;
  /** True for the network behind Swarm's mesh. */
  readonly Ingress?: boolean | null | undefined;
  /** Of the mesh's network, asked with `verbose`: services that run somewhere, with `Target: 80, Publish: 8080`. */
  readonly Services?:
    | Readonly<Record<string, { readonly Ports?: readonly string[] | null | undefined }>>
    | null
    | undefined;
  readonly Containers?: Readonly<Record<string, NetworkEndpoint>> | null | undefined;
}

/** A container's addresses on a network, each with the network's prefix length. */
export interface NetworkEndpoint {
  readonly IPv4Address?: string | null | undefined;
  readonly IPv6Address?: string | null | undefined;
}

/** One element of `GET /services`. */
export interface ServiceDetails {
  readonly ID: string;
  readonly Spec: {
    readonly Name: string;
    /** The service's own (`deploy.labels`), which its tasks do not have. */
    readonly Labels?: Labels;
    /** Of its tasks: `nginx:1.27@sha256:...`. */
    readonly Image?: string | undefined;
  };
  readonly Endpoint?: { readonly Ports?: readonly ServicePort[] | null | undefined } | null | undefined;
}

/** A port that a service publishes, in the mesh unless its mode is `host`. */
export interface ServicePort {
  readonly Protocol?: Protocol | null | undefined;
  readonly TargetPort?: number | null | undefined;
  readonly PublishedPort?: number | null | undefined;
  readonly PublishMode?: string | null | undefined;
}

/** `GET /info`: what an engine says of itself. A field that it does not know is missing. */
export interface EngineInfo {
  readonly OSType?: string | null | undefined;
  readonly OperatingSystem?: string | null | undefined;
  readonly SecurityOptions?: readonly string[] | null | undefined;
  readonly LiveRestoreEnabled?: boolean | null | undefined;
  readonly Swarm?:
    | {
        readonly LocalNodeState?: string | null | undefined;
        readonly ControlAvailable?: boolean | null | undefined;
      }
    | null
    | undefined;
  /** API 1.49 (Docker 28.2) and later: `iptables`, `nftables`, either with `+firewalld`. */
  readonly FirewallBackend?: { readonly Driver?: string | null | undefined } | null | undefined;
}

/** `GET /version` */
export interface EngineVersion {
  readonly Version?: string | undefined;
  readonly ApiVersion?: string | undefined;
}

/** An object of Docker's that could not be read at all, and is left out. */
export interface Unreadable {
  /** `a container`, or `network` with its name: what there is to call it by. */
  readonly what: string;
  readonly why: string;
}

/** What the engine says of itself, and what is seen around it. */
export interface EngineAnswers {
  /** Undefined where the question is refused, as a proxy before the socket may do. */
  readonly info: EngineInfo | undefined;
  readonly version: EngineVersion | undefined;
  /** Docker's nftables tables are in the kernel; undefined where nobody can tell. */
  readonly nftables: boolean | undefined;
  /** The id of the container that this process runs in. */
  readonly ownContainer: string | undefined;
  /** Whether the lock of iptables-legacy that this process takes is the host's. */
  readonly sharesLock: boolean;
  /** Where Docker is asked when that is not a socket file of this machine: `tcp://...`. */
  readonly remote: string | undefined;
}

/**
 * One moment of Docker and the host, still in Docker's words. Made by docker/source, read by `readInventory`;
 * also what a golden scenario keeps in `docker.json`.
 */
export interface Snapshot {
  readonly containers: readonly ContainerSummary[];
  /** By container id; a container may be missing (its inspect is blocked by a start). */
  readonly details: ReadonlyMap<string, ContainerDetails>;
  /** Ids of containers that Docker has told nothing of for so long that others no longer wait for it (see docker/starts.ts). */
  readonly overdue?: ReadonlySet<string>;
  readonly networks: readonly NetworkDetails[];
  /** Swarm's services; undefined where there is no swarm, and on its workers, which are not told. */
  readonly services?: readonly ServiceDetails[] | undefined;
  /** What was listed and could not be read. */
  readonly unreadable?: readonly Unreadable[];
  readonly engine?: EngineAnswers;
  /** False while Docker starts something whose ports it has not told; undefined where nobody has asked. */
  readonly settled?: boolean;
}
