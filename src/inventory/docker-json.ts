import { z } from 'zod';

/**
 * The parts of Docker's answers that dockwall reads, as the Engine API gives them from 1.41 (20.10) on.
 * Everything else is ignored, so a newer engine cannot break the reading by adding fields.
 */
const labels = z.record(z.string(), z.string()).nullish();

const protocolName = z.enum(['tcp', 'udp', 'sctp']);

/** One element of `GET /containers/json?all=1`. */
export const containerSummary = z.object({
  Id: z.string().min(1),
  Names: z.array(z.string()).nullish(),
  Labels: labels,
  State: z.string(),
  Ports: z
    .array(
      z.object({
        IP: z.string().nullish(),
        PrivatePort: z.number(),
        PublicPort: z.number().nullish(),
        Type: protocolName,
      }),
    )
    .nullish(),
  HostConfig: z.object({ NetworkMode: z.string().nullish() }).nullish(),
});

/** `GET /containers/{id}/json`: only what never changes after `create`, so one answer may be kept for good. */
export const containerDetails = z.object({
  Id: z.string().min(1),
  Name: z.string().nullish(),
  Config: z.object({ Labels: labels, ExposedPorts: z.record(z.string(), z.unknown()).nullish() }).nullish(),
  HostConfig: z.object({
    NetworkMode: z.string().nullish(),
    PublishAllPorts: z.boolean().nullish(),
    PortBindings: z
      .record(
        z.string(),
        z.array(z.object({ HostIp: z.string().nullish(), HostPort: z.string().nullish() })).nullable(),
      )
      .nullish(),
  }),
});

/** `GET /networks/{id}`. */
export const networkDetails = z.object({
  Id: z.string().min(1),
  Name: z.string(),
  Driver: z.string(),
  Options: z.record(z.string(), z.string()).nullish(),
  IPAM: z.object({ Config: z.array(z.object({ Subnet: z.string().nullish() })).nullish() }).nullish(),
  /** True for the network behind Swarm's mesh. */
  Ingress: z.boolean().nullish(),
  /** Of the mesh's network, asked with `verbose`: services that run somewhere, with `Target: 80, Publish: 8080`. */
  Services: z.record(z.string(), z.object({ Ports: z.array(z.string()).nullish() })).nullish(),
  Containers: z
    .record(z.string(), z.object({ IPv4Address: z.string().nullish(), IPv6Address: z.string().nullish() }))
    .nullish(),
});

/** One element of `GET /services`. */
export const serviceDetails = z.object({
  ID: z.string().min(1),
  Spec: z.object({ Name: z.string() }),
  Endpoint: z
    .object({
      Ports: z
        .array(
          z.object({
            Protocol: protocolName.nullish(),
            TargetPort: z.number().nullish(),
            PublishedPort: z.number().nullish(),
            PublishMode: z.string().nullish(),
          }),
        )
        .nullish(),
    })
    .nullish(),
});

/** `GET /info`: what an engine says of itself. A field that it does not know is missing. */
export const engineInfo = z.object({
  OSType: z.string().nullish(),
  OperatingSystem: z.string().nullish(),
  SecurityOptions: z.array(z.string()).nullish(),
  LiveRestoreEnabled: z.boolean().nullish(),
  Swarm: z
    .object({ LocalNodeState: z.string().nullish(), ControlAvailable: z.boolean().nullish() })
    .nullish(),
  /** API 1.49 (Docker 28.2) and later: `iptables`, `nftables`, either with `+firewalld`. */
  FirewallBackend: z.object({ Driver: z.string().nullish() }).nullish(),
});

/** `GET /version` */
export const engineVersion = z.object({ Version: z.string(), ApiVersion: z.string() });

export type EngineInfo = z.infer<typeof engineInfo>;
export type EngineVersion = z.infer<typeof engineVersion>;

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

export type ContainerSummary = z.infer<typeof containerSummary>;
export type ContainerDetails = z.infer<typeof containerDetails>;
export type NetworkDetails = z.infer<typeof networkDetails>;
export type ServiceDetails = z.infer<typeof serviceDetails>;

/**
 * One moment of Docker and the host, still in Docker's words. Made by docker/source, read by `readInventory`;
 * also what a golden scenario keeps in `docker.json`.
 */
export interface Snapshot {
  readonly containers: readonly ContainerSummary[];
  /** By container id; a container may be missing (its inspect is blocked by a start). */
  readonly details: ReadonlyMap<string, ContainerDetails>;
  readonly networks: readonly NetworkDetails[];
  /** Swarm's services; undefined where there is no swarm, and on its workers, which are not told. */
  readonly services?: readonly ServiceDetails[] | undefined;
  readonly engine?: EngineAnswers;
  /** False while Docker starts something whose ports it has not told; undefined where nobody has asked. */
  readonly settled?: boolean;
}
