import type { Snapshot } from '../../../src/decide/inventory/docker-json.ts';
import { type DockerClient, DockerError } from '../../../src/reach/docker/client.ts';
import { DockerSource } from '../../../src/reach/docker/source.ts';

// A world in Docker's own words: what its API would answer, read through the one door by which dockwall reads it.

/** One entry of `PortBindings`. */
export interface Binding {
  /** `80/tcp`: the container's port. */
  readonly port: string;
  readonly hostIp: string;
  /** `8080`, `8000-8010`, or "" where Docker is to choose. */
  readonly hostPort: string;
}

export interface ContainerSpec {
  readonly id: string;
  readonly name: string;
  /** As Docker says it: `running`, `exited`, or what else may come. */
  readonly state: string;
  readonly labels: Readonly<Record<string, string>>;
  /** `HostConfig.NetworkMode`: a network's name, `host`, `none`, `container:...`. */
  readonly mode: string;
  readonly bindings: readonly Binding[];
  /** Ports of the image, for `-P`: Docker chooses the host ports. */
  readonly publishAll?: readonly string[];
  /** False while its inspect does not answer. */
  readonly told: boolean;
  /** Written over the answer of the list, and over that of the inspect. */
  readonly odd?: { readonly summary?: object; readonly details?: object };
}

export interface NetworkSpec {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
  readonly subnets: readonly string[];
  /** Addresses by container id, without the prefix length. */
  readonly endpoints: Readonly<Record<string, readonly string[]>>;
  readonly ingress?: true;
  readonly odd?: object;
}

/** A service in Swarm's mesh. */
export interface ServiceSpec {
  readonly id: string;
  readonly name: string;
  readonly ports: readonly { readonly protocol: string; readonly published: number }[];
}

/** Everything that Docker knows. */
export interface DockerSpec {
  readonly containers: readonly ContainerSpec[];
  readonly networks: readonly NetworkSpec[];
  readonly services: readonly ServiceSpec[];
}

const running: ReadonlySet<string> = new Set(['running', 'paused']);
/** Networks on which Docker binds no port of the host, whatever is asked for: without NAT, or without any way out. */
const unbound: ReadonlySet<string> = new Set([
  'none',
  'host',
  'shop_routed',
  'shop_internal',
  'shop_macvlan',
]);

/** Whether Docker has bound the ports that the container asks for. */
export function holdsPorts({ state, mode }: Pick<ContainerSpec, 'state' | 'mode'>): boolean {
  return running.has(state) && !unbound.has(mode) && !mode.startsWith('container:');
}

export function runs({ state }: Pick<ContainerSpec, 'state'>): boolean {
  return running.has(state);
}

/** What a pass would get from an engine that answers so. Rejects where the answer stops the pass. */
export async function snapshotOf(spec: DockerSpec): Promise<Snapshot> {
  return new DockerSource(engine(spec), () => {}).list();
}

/** What the inspect of one container answers, as it is. */
export function detailsJson(spec: ContainerSpec): object {
  const PortBindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const { port, hostIp: HostIp, hostPort: HostPort } of spec.bindings) {
    (PortBindings[port] ??= []).push({ HostIp, HostPort });
  }
  return {
    Id: spec.id,
    Name: `/${spec.name}`,
    Config: {
      Labels: spec.labels,
      ExposedPorts: Object.fromEntries((spec.publishAll ?? []).map((port) => [port, {}])),
    },
    HostConfig: {
      NetworkMode: spec.mode,
      PublishAllPorts: spec.publishAll !== undefined,
      PortBindings,
    },
    ...spec.odd?.details,
  };
}

function summaryJson(spec: ContainerSpec): object {
  return {
    Id: spec.id,
    Names: [`/${spec.name}`],
    Labels: spec.labels,
    State: spec.state,
    Ports: holdsPorts(spec) ? givenPorts(spec) : [],
    HostConfig: { NetworkMode: spec.mode },
    ...spec.odd?.summary,
  };
}

/** The list tells a running container's ports with what Docker has chosen; of a range the first. */
function givenPorts({ bindings, publishAll = [] }: ContainerSpec): readonly object[] {
  const chosen = publishAll.map((port) => ({ port, hostIp: '', hostPort: '' }));
  return [...bindings, ...chosen].flatMap(({ port, hostIp, hostPort }, index) => {
    const [PrivatePort = 0, Type = 'tcp'] = port
      .split('/')
      .map((part, at) => (at === 0 ? Number(part) : part));
    const PublicPort = Number.parseInt(hostPort, 10) || 49_153 + index;
    return (hostIp === '' ? ['0.0.0.0', '::'] : [hostIp]).map((IP) => ({
      IP,
      PrivatePort,
      PublicPort,
      Type,
    }));
  });
}

function networkJson({ id: Id, name: Name, driver: Driver, ...spec }: NetworkSpec): object {
  const Containers = Object.fromEntries(
    Object.entries(spec.endpoints).map(([container, addresses]) => {
      const of = (family: boolean): string => addresses.find((one) => one.includes(':') === family) ?? '';
      const [v4, v6] = [of(false), of(true)];
      return [
        container,
        { IPv4Address: v4 === '' ? '' : `${v4}/16`, IPv6Address: v6 === '' ? '' : `${v6}/64` },
      ];
    }),
  );
  const IPAM = { Config: spec.subnets.map((Subnet) => ({ Subnet })) };
  const Ingress = spec.ingress === true;
  return { Id, Name, Driver, Options: spec.options, IPAM, Ingress, Containers, ...spec.odd };
}

function serviceJson({ id: ID, name: Name, ports }: ServiceSpec): object {
  const Ports = ports.map(({ protocol: Protocol, published: PublishedPort }) => ({
    Protocol,
    TargetPort: 80,
    PublishedPort,
    PublishMode: 'ingress',
  }));
  return { ID, Spec: { Name }, Endpoint: { Ports } };
}

function engine({ containers, networks, services }: DockerSpec): DockerClient {
  const byId = new Map(containers.map((one) => [one.id, one]));
  const networkById = new Map(networks.map((one) => [one.id, one]));
  const nobody = async (): Promise<never> => {
    throw new DockerError('not-found', 'there is none', { status: 404 });
  };
  return {
    info: async () => ({}),
    version: async () => ({}),
    containers: async () => containers.map(summaryJson),
    inspect: async (id) => {
      const found = byId.get(id);
      return found?.told === true ? detailsJson(found) : nobody();
    },
    networks: async () => networks.map(networkJson),
    network: async (id) => {
      const found = networkById.get(id);
      return found === undefined ? nobody() : networkJson(found);
    },
    services: async () => services.map(serviceJson),
    watch: nobody,
  };
}
