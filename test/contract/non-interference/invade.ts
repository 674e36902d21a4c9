import type { Cidr } from '../../../src/decide/net/network.ts';
import { asDockerLets, type Claim, claimsOf } from './claims.ts';
import type { ContainerSpec, DockerSpec, NetworkSpec, ServiceSpec } from './docker.ts';
import { type Hostile, option } from './hostile.ts';
import { declaredIn, type InterfaceSpec, type World } from './world.ts';

/** A world to which hostile objects were added. */
export interface Invaded {
  readonly docker: DockerSpec;
  readonly interfaces: readonly InterfaceSpec[];
  /** What the hostile containers and services claim, as far as Docker lets them. */
  readonly claims: readonly Claim[];
  readonly containers: readonly ContainerSpec[];
}

/** Adds them as Docker would: with ids and addresses of its own, and nothing running whose port another one has. */
export function invade(world: World, objects: readonly Hostile[]): Invaded {
  const { docker } = world;
  const inSwarm = docker.networks.some(({ ingress }) => ingress === true);
  const made = objects.flatMap((one, index) =>
    'container' in one
      ? [{ ...one, spec: { ...one.container, id: `bad${index}`, name: nameFor(one.container.name, index) } }]
      : [],
  );
  const mesh = docker.services.flatMap(({ ports }) => ports);
  const held = [...world.listens, ...mesh.map(({ protocol, published }) => ({ protocol, port: published }))];
  const all = asDockerLets([...docker.containers, ...made.map(({ spec }) => spec)], held);
  const containers = all.slice(docker.containers.length);
  const services = objects.flatMap((one, index): ServiceSpec[] =>
    'service' in one && inSwarm && isFree(one.service, docker)
      ? [{ ...one.service, id: `bad-service${index}` }]
      : [],
  );
  const networks = objects.flatMap((one, index): NetworkSpec[] =>
    'network' in one ? [{ ...one.network, id: `${index}bad56789abcdef`, endpoints: {} }] : [],
  );
  const starting = new Set(made.flatMap((one) => (one.starting === true ? [one.spec.id] : [])));
  return {
    docker: {
      containers: all,
      networks: [
        ...docker.networks.map((network) => withEndpoints(network, containers, starting)),
        ...networks,
      ],
      services: [...docker.services, ...services],
    },
    interfaces: networks.reduce(withBridge, world.interfaces),
    claims: claimsOf({ containers, networks: [], services }, declaredIn(world)),
    containers,
  };
}

/** Docker's names are unique. */
function nameFor(name: string, index: number): string {
  return index === 0 ? name : `${name}${index}`;
}

/** So are those of services, and their ports in the mesh. */
function isFree({ name, ports }: Omit<ServiceSpec, 'id'>, { services }: DockerSpec): boolean {
  return services.every(
    (other) =>
      other.name !== name &&
      !other.ports.some(({ published }) => ports.some((port) => port.published === published)),
  );
}

function withEndpoints(
  network: NetworkSpec,
  containers: readonly ContainerSpec[],
  starting: ReadonlySet<string>,
): NetworkSpec {
  const prefix = network.subnets[0]?.replace(/0\/\d+$/, '') ?? '';
  const joined = containers.flatMap(({ id, mode, state }, index) =>
    mode === network.name && (state === 'running' || starting.has(id))
      ? [[id, [`${prefix}${index + 100}`]] as const]
      : [],
  );
  return { ...network, endpoints: { ...network.endpoints, ...Object.fromEntries(joined) } };
}

/** Docker makes the bridge that a network names, or gives the one that is there an address more. */
function withBridge(interfaces: readonly InterfaceSpec[], network: NetworkSpec): readonly InterfaceSpec[] {
  const name = network.options[option('name')];
  const subnets = network.subnets as readonly Cidr[];
  if (network.driver !== 'bridge' || name === undefined || !/^[^\s/:]{1,15}$/.test(name)) return interfaces;
  const found = interfaces.find((one) => one.name === name);
  if (found === undefined) return [...interfaces, { name, kind: 'bridge', networks: subnets }];
  if (found.kind !== 'bridge') return interfaces;
  return interfaces.map((one) => (one === found ? { ...one, networks: [...one.networks, ...subnets] } : one));
}
