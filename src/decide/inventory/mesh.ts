import { families } from '../net/network.ts';
import type { Protocol } from '../net/port.ts';
import type { ServiceDetails, Snapshot } from './docker-json.ts';
import { ourLabels, projectOf } from './label-key.ts';
import type { Container, PublishedPort } from './model.ts';

type MeshPort = Pick<PublishedPort, 'hostPort' | 'containerPort' | 'protocol'>;

/**
 * Swarm's services, as far as their ports are in the mesh: host ports on every node of the swarm, whether a task runs
 * there or not. Managers tell all of them. Workers know, from the mesh's own network, those that have a task somewhere.
 */
export function readMesh({ services = [], networks }: Snapshot): readonly Container[] {
  const told = new Map(services.map((service) => [service.Spec.Name, service]));
  const seen = networks.flatMap(({ Ingress, Services }) =>
    Ingress === true ? Object.entries(Services ?? {}) : [],
  );
  return [
    ...[...told].map(([name, service]) => ({
      ...meshService(name, service.ID, toldPorts(service)),
      ...toldOfService(service),
    })),
    ...seen
      .filter(([name]) => !told.has(name))
      .map(([name, { Ports }]) => meshService(name, `mesh:${name}`, (Ports ?? []).flatMap(seenPorts))),
  ].filter(({ ports }) => ports.length > 0);
}

/** A swarm service as a container that has its ports in the mesh. */
export function meshService(name: string, id: string, ports: readonly MeshPort[]): Container {
  return {
    id,
    name,
    composeService: undefined,
    swarmService: name,
    active: true,
    labels: {},
    networkMode: { kind: 'mesh' },
    ports: ports.flatMap((port) => families.map((family) => ({ ...port, family, address: 'any' as const }))),
    endpoints: [],
    portsKnown: true,
  };
}

/** Only managers know the labels of a service: they speak for its ports there. */
function toldOfService({
  Spec,
}: ServiceDetails): Pick<Container, 'labels' | 'otherLabels' | 'image' | 'project'> {
  const labels = Spec.Labels ?? {};
  return { labels: ourLabels(labels), otherLabels: labels, image: Spec.Image, project: projectOf(labels) };
}

/** Ports in `host` mode are published by the tasks' containers themselves, and found there. */
function toldPorts({ Endpoint }: ServiceDetails): readonly MeshPort[] {
  return (Endpoint?.Ports ?? []).flatMap(({ Protocol, TargetPort, PublishedPort, PublishMode }) =>
    PublishMode === 'host' || !PublishedPort
      ? []
      : [
          {
            hostPort: PublishedPort,
            containerPort: TargetPort ?? PublishedPort,
            protocol: Protocol ?? 'tcp',
          },
        ],
  );
}

/** `Target: 80, Publish: 8080`, without the protocol: both are closed then. */
function seenPorts(text: string): readonly MeshPort[] {
  const [, target, published] = /^Target: (\d+), Publish: (\d+)$/.exec(text) ?? [];
  const hostPort = Number(published);
  if (!Number.isInteger(hostPort) || hostPort === 0) return [];
  return (['tcp', 'udp'] as const).map((protocol: Protocol) => ({
    hostPort,
    containerPort: Number(target),
    protocol,
  }));
}
