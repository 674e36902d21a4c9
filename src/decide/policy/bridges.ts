import type { HostInterface, Inventory, Network } from '../inventory/model.ts';
import { isDockerBridge, isDockerPort, isPlainInterface } from '../net/interface-name.ts';
import type { Config } from './config.ts';
import type { External, Policy, Problem } from './model.ts';

const nameOption = 'com.docker.network.bridge.name';

/** What the host's bridges are to the walls. */
export interface Bridges {
  /** Their traffic is inside: each exists, is Docker's, and has no port of anybody else's. Exact names, sorted. */
  readonly inside: readonly string[];
  /** They begin with `br-`, as Docker's do, and are somebody else's. Sorted. */
  readonly foreign: readonly string[];
  /** As given, but for bridges that the walls cannot guard: those are left out, and `unprotected` says why. */
  readonly networks: readonly Network[];
  readonly problems: readonly Problem[];
}

/**
 * Only what is inside goes past the gate, so no text of Docker's is believed alone: a network may be made with any name for its
 * bridge, also that of a bridge of the host with a LAN behind it.
 */
export function readBridges({ networks, interfaces }: Pick<Inventory, 'networks' | 'interfaces'>): Bridges {
  const host = new Map(interfaces.map((one) => [one.name, one]));
  const foreignPorts = foreignPortsOf(interfaces);
  const named = new Set(networks.map(({ bridge }) => bridge));
  const inside = interfaces.filter(
    ({ name, kind }) =>
      isPlainInterface(name) &&
      (isDockerBridge(name) || (named.has(name) && kind !== undefined)) &&
      (kind ?? 'bridge') === 'bridge' &&
      !foreignPorts.has(name),
  );
  const names = new Set(inside.map(({ name }) => name));
  const foreign = interfaces.filter(
    ({ name, kind }) =>
      name.startsWith('br-') &&
      isPlainInterface(name) &&
      !isDockerBridge(name) &&
      !names.has(name) &&
      !(kind === undefined && named.has(name)),
  );
  return {
    inside: [...names].sort(),
    foreign: foreign.map(({ name }) => name).sort(),
    networks: networks.map((network) => asFound(network, { host, foreignPorts })),
    problems: networks.flatMap(unwritable),
  };
}

/** For each bridge, its ports that are not Docker's. */
function foreignPortsOf(interfaces: readonly HostInterface[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const { name, kind, master } of interfaces) {
    if (master === undefined || (kind === 'veth' && isDockerPort(name))) continue;
    found.set(master, [...(found.get(master) ?? []), name]);
  }
  return found;
}

function unwritable({ name, bridge }: Network): readonly Problem[] {
  if (bridge === undefined || isPlainInterface(bridge)) return [];
  return [
    {
      of: 'network',
      container: `network ${name}`,
      label: nameOption,
      value: bridge,
      problem: 'no rule can name this bridge, so its containers are outside, and not protected',
      hint: 'name it with letters, digits, _, . and -, at most 15 of them',
    },
  ];
}

/** The network without its bridge, where that is none that the walls can guard. */
function asFound(
  network: Network,
  {
    host,
    foreignPorts,
  }: {
    readonly host: ReadonlyMap<string, HostInterface>;
    readonly foreignPorts: ReadonlyMap<string, readonly string[]>;
  },
): Network {
  const { bridge } = network;
  if (bridge === undefined) return network;
  if (!isPlainInterface(bridge))
    return { ...network, bridge: undefined, unprotected: 'no rule can name its bridge' };
  const kind = host.get(bridge)?.kind ?? 'bridge';
  if (kind !== 'bridge') return { ...network, bridge: undefined, unprotected: `${bridge} is not a bridge` };
  const ports = foreignPorts.get(bridge);
  if (ports === undefined) return network;
  const unprotected = `bridge ${bridge} is shared with ${ports.slice(0, 3).join(', ')}`;
  return { ...network, bridge: isDockerBridge(bridge) ? bridge : undefined, unprotected };
}

/** Whether the interface is one to which nothing from outside gets without the mark. */
export function isGuarded(name: string, policy: Pick<Policy, 'inside' | 'foreignBridges'>): boolean {
  return (
    policy.inside.includes(name) ||
    isDockerBridge(name) ||
    (name.startsWith('br-') && !policy.foreignBridges.includes(name))
  );
}

/**
 * The interfaces whose networks are `connected`: outside, and not Docker's. A bridge without a port of anybody but Docker has no
 * neighbours, whatever address a network option gives it.
 */
export function connectedInterfaces(
  { interfaces, networks }: Pick<Inventory, 'interfaces' | 'networks'>,
  { external, inside }: Pick<Policy, 'external' | 'inside'>,
): readonly HostInterface[] {
  if (external.kind === 'list') return interfaces.filter(({ name }) => external.names.includes(name));
  const shared = foreignPortsOf(interfaces);
  return interfaces
    .filter(
      ({ name, kind }) =>
        name !== 'lo' &&
        !inside.includes(name) &&
        !isDockerBridge(name) &&
        (kind !== 'bridge' || shared.has(name)),
    )
    .map((one) => withoutDocker(one, networks));
}

/** Docker gives a bridge that a network names the network's address too: that says nothing of who is a neighbour. */
function withoutDocker(one: HostInterface, networks: readonly Network[]): HostInterface {
  const here = networks.filter(({ bridge }) => bridge === one.name);
  if (here.length === 0) return one;
  const subnets = here.map((network) => network.subnets);
  const known = new Set<string>(subnets.flatMap((list) => list ?? []));
  return {
    ...one,
    networks: subnets.includes(undefined) ? [] : one.networks.filter((network) => !known.has(network)),
  };
}

export function externalInterfaces({ interfaces }: Config): External {
  return interfaces === 'auto' ? { kind: 'auto' } : { kind: 'list', names: [...interfaces].sort() };
}
