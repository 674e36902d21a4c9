import { parseNetworks } from '../net/parse-networks.ts';
import type { ContainerSummary, NetworkDetails, ServiceDetails, Snapshot } from './docker-json.ts';
import { ourLabels, projectOf } from './label-key.ts';
import { readMesh } from './mesh.ts';
import type {
  Container,
  Endpoint,
  HostInterface,
  HostPort,
  Inventory,
  Network,
  NetworkMode,
  PublishedPort,
} from './model.ts';
import { isActive, publishedPorts } from './published-ports.ts';

/** What the host itself says: its interfaces, and where its own services listen (see {@link Inventory}). */
export interface HostFacts {
  readonly interfaces: readonly HostInterface[];
  readonly listeners: readonly HostPort[];
  readonly judged?: readonly HostPort[];
  /** See {@link Inventory}. */
  readonly linksProblem?: string | undefined;
  readonly bridgedSeen?: boolean | undefined;
}

const optionPrefix = 'com.docker.network.bridge.';

/** Docker's words into ours. Same snapshot, same bytes: everything is sorted here, once. */
export function readInventory(snapshot: Snapshot, host: HostFacts): Inventory {
  const endpoints = endpointsByContainer(snapshot.networks);
  const around = {
    services: new Map((snapshot.services ?? []).map(({ Spec }) => [Spec.Name, Spec.Labels])),
    networkNames: new Map(snapshot.networks.map(({ Id, Name }) => [Id, Name])),
  };
  return {
    containers: [
      ...snapshot.containers.map((summary) =>
        readContainer(summary, { ...around, snapshot, endpoints: endpoints.get(summary.Id) ?? [] }),
      ),
      ...readMesh(snapshot),
    ]
      .map((container) => ({
        ...container,
        // Docker lists them in another order each time it is asked: it keeps them in a Go map.
        ports: [...container.ports].sort(byPort),
      }))
      .sort((a, b) => compare(a.name, b.name) || compare(a.id, b.id)),
    networks: snapshot.networks
      .map(readNetwork)
      .sort((a, b) => compare(a.name, b.name) || compare(a.id, b.id)),
    interfaces: [...host.interfaces].sort((a, b) => compare(a.name, b.name)),
    linksProblem: host.linksProblem,
    bridgedSeen: host.bridgedSeen,
    hostListeners: host.listeners,
    judgedListeners: host.judged ?? [],
    inSwarm: snapshot.networks.some(({ Ingress }) => Ingress === true),
    unreadable: snapshot.unreadable ?? [],
  };
}

interface Around {
  readonly snapshot: Snapshot;
  /** The labels of swarm's services, by name. */
  readonly services: ReadonlyMap<string, ServiceDetails['Spec']['Labels']>;
  readonly networkNames: ReadonlyMap<string, string>;
  /** Of this container. */
  readonly endpoints: readonly Endpoint[];
}

function readContainer(
  summary: ContainerSummary,
  { snapshot, services, networkNames, endpoints }: Around,
): Container {
  const details = snapshot.details.get(summary.Id);
  const labels = summary.Labels ?? {};
  const swarmService = labels['com.docker.swarm.service.name'];
  const ofService = swarmService === undefined ? undefined : services.get(swarmService);
  return {
    id: summary.Id,
    name: containerName(summary),
    composeService: labels['com.docker.compose.service'],
    swarmService,
    active: isActive(summary),
    labels: ourLabels({ ...ofService, ...labels }),
    otherLabels: labels,
    image: details?.Config?.Image ?? summary.Image,
    project: projectOf(labels),
    networks: networksOf(summary, networkNames, endpoints),
    networkMode: networkMode(details?.HostConfig.NetworkMode ?? summary.HostConfig?.NetworkMode ?? ''),
    ports: publishedPorts(summary, details),
    endpoints,
    portsKnown: details !== undefined,
    overdue: snapshot.overdue?.has(summary.Id) === true && endpoints.length === 0,
    unreadable: summary.unreadable ?? details?.unreadable,
  };
}

/** A container may be on a network that the list of containers does not tell yet. */
function networksOf(
  { NetworkNames = [] }: ContainerSummary,
  names: ReadonlyMap<string, string>,
  endpoints: readonly Endpoint[],
): readonly string[] {
  const joined = endpoints.flatMap(({ networkId }) => names.get(networkId) ?? []);
  return [...new Set([...NetworkNames, ...joined])].sort(compare);
}

/** Names carry a slash; legacy links add names with two, which are aliases inside another container. */
function containerName(summary: ContainerSummary): string {
  const own = (summary.Names ?? []).find((name) => name.lastIndexOf('/') <= 0);
  return own?.replace(/^\//, '') ?? summary.Id.slice(0, 12);
}

function networkMode(mode: string): NetworkMode {
  if (mode === 'host' || mode === 'none') return { kind: mode };
  if (mode.startsWith('container:')) return { kind: 'container', id: mode.slice('container:'.length) };
  return { kind: 'own' };
}

function readNetwork(details: NetworkDetails): Network {
  const options = details.Options ?? {};
  return {
    id: details.Id,
    name: details.Name,
    driver: details.Driver,
    // Unnamed bridges are br- and the first 12 digits of the network's id (moby, bridge driver).
    bridge:
      details.Driver === 'bridge'
        ? (options[`${optionPrefix}name`] ?? `br-${details.Id.slice(0, 12)}`)
        : undefined,
    routed: ([4, 6] as const).filter(
      (family) => options[`${optionPrefix}gateway_mode_ipv${family}`] === 'routed',
    ),
    direct: (options[`${optionPrefix}trusted_host_interfaces`] ?? '') !== '',
    subnets: details.IPAM?.Config?.flatMap(({ Subnet }) => {
      const parsed = parseNetworks(Subnet ?? '');
      return parsed.ok ? parsed.networks : [];
    }),
  };
}

function endpointsByContainer(networks: readonly NetworkDetails[]): ReadonlyMap<string, readonly Endpoint[]> {
  const found = new Map<string, Endpoint[]>();
  for (const network of networks) {
    for (const [containerId, endpoint] of Object.entries(network.Containers ?? {})) {
      for (const text of [endpoint.IPv4Address, endpoint.IPv6Address]) {
        // Given with the network's prefix length: 172.18.0.2/16.
        const parsed = parseNetworks((text ?? '').replace(/\/\d+$/, ''));
        const address = parsed.ok ? parsed.networks[0] : undefined;
        if (address === undefined) continue;
        const list = found.get(containerId) ?? [];
        list.push({ networkId: network.Id, address });
        found.set(containerId, list);
      }
    }
  }
  for (const list of found.values()) list.sort((a, b) => compare(a.address, b.address));
  return found;
}

function byPort(a: PublishedPort, b: PublishedPort): number {
  const hostPort = (port: PublishedPort): number => port.hostPort ?? 65_536;
  return (
    hostPort(a) - hostPort(b) ||
    a.containerPort - b.containerPort ||
    compare(a.protocol, b.protocol) ||
    a.family - b.family ||
    compare(a.address, b.address)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
