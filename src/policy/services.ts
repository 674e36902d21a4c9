import type { Config } from '../config/model.ts';
import type { Container, Inventory, PublishedPort } from '../inventory/model.ts';
import type { PortSelector } from '../net/port.ts';
import { declaredMesh, portsOf, type Speaker } from './declared.ts';
import { knownGroupNames } from './groups.ts';
import { type OpenRule, readLabels } from './labels.ts';
import type { PeerRule, Problem, Reach, Reason, Service, ServiceEndpoint } from './model.ts';

/** An overlay is reached from its own nodes only; what it publishes is in the mesh. */
const filteredDrivers: ReadonlySet<string> = new Set(['bridge', 'overlay', 'host', 'null']);
/** Their packets never pass the host's netfilter. */
const bypassing: ReadonlySet<string> = new Set(['macvlan', 'ipvlan']);

const closed: Reach = { everyone: undefined, allow: [], deny: [] };
const openByDefault: Reason = { label: 'default', value: 'open' };

/** Services with the reach that their own labels give each port; conflicts between services come later. */
export function readServices(
  inventory: Inventory,
  config: Config,
): { readonly services: readonly Service[]; readonly problems: readonly Problem[] } {
  const groups = knownGroupNames(config);
  const containers = [...inventory.containers, ...declaredMesh(inventory, config)];
  const speakers = containers.map((container) => ({
    container,
    rules: readLabels(container.name, effectiveLabels(container, config), groups),
  }));
  const problems: Problem[] = [];
  const services: Service[] = [];
  for (const owner of speakers) {
    if (owner.container.networkMode.kind === 'container') {
      problems.push(...owner.rules.problems);
      continue;
    }
    const guests = speakers.filter((other) => other.container.active && sharesNetworkOf(other, owner));
    const read = readService(
      { owner, guests, kin: kinPorts(owner, speakers, config) },
      { config, inventory },
    );
    problems.push(...read.problems);
    services.push(read.service);
  }
  return { services, problems };
}

function sharesNetworkOf(guest: Speaker, owner: Speaker): boolean {
  const mode = guest.container.networkMode;
  return mode.kind === 'container' && (mode.id === owner.container.id || mode.id === owner.container.name);
}

/** Key by key, a `services:` entry (by container name, else by compose or swarm service) replaces the label. */
function effectiveLabels(container: Container, config: Config): Readonly<Record<string, string>> {
  const names = [container.name, container.composeService, container.swarmService];
  const name = names.find((one) => one !== undefined && config.services.has(one));
  return { ...container.labels, ...(name === undefined ? undefined : config.services.get(name)) };
}

/**
 * A `services:` entry for a swarm service speaks to its ports in the mesh and to those that its tasks publish on their
 * own, so a port that only one of them has is no mistake in the other.
 */
function kinPorts(owner: Speaker, speakers: readonly Speaker[], config: Config): readonly PublishedPort[] {
  const name = owner.container.swarmService;
  if (name === undefined || !config.services.has(name)) return [];
  return speakers.filter(({ container }) => container.swarmService === name).flatMap(portsOf);
}

function readService(
  { owner, guests, kin }: { owner: Speaker; guests: readonly Speaker[]; kin: readonly PublishedPort[] },
  { config, inventory }: { config: Config; inventory: Inventory },
): { service: Service; problems: readonly Problem[] } {
  const { container, rules } = owner;
  const hostNetwork = container.networkMode.kind === 'host';
  const ports = portsOf(owner);
  const problems = [...rules.problems];
  const speakers = [owner, ...guests].map((speaker) => {
    const missing = unmatchedSelectors(speaker, [...ports, ...kin], container.portsKnown);
    problems.push(...missing);
    const mute = missing.length > 0 || speaker.rules.problems.length > 0;
    return { ...speaker.rules, opens: mute ? [] : speaker.rules.opens, mute };
  });
  const byDefault = config.default === 'open' && !speakers.some((speaker) => speaker.speaks || speaker.mute);
  const denies = speakers.flatMap((speaker) => speaker.denies);
  const opens = speakers.flatMap((speaker) => speaker.opens);
  return {
    problems,
    service: {
      containerId: container.id,
      name: container.name,
      composeService: container.composeService,
      swarmService: container.swarmService,
      active: container.active,
      description: rules.description,
      undeclared: hostNetwork && !rules.declares,
      ports: ports.map((port) => ({
        ...port,
        reach: byDefault
          ? { ...closed, everyone: openByDefault, deny: denies }
          : reachOf(port, ports, { opens, denies }),
        loopback: isLoopback(port),
        lapsed: false,
      })),
      endpoints: serviceEndpoints(container, inventory),
      unprotected: unprotectedNetworks(container, inventory),
    },
  };
}

function isLoopback({ address }: PublishedPort): boolean {
  return address === '::1' || address.startsWith('127.');
}

/** A host port where one matches, else a container port: `8080:80` beside `80:3000`, label `80` means the latter. */
export function selects(selector: PortSelector, port: PublishedPort, all: readonly PublishedPort[]): boolean {
  if (selector.kind === 'every') return true;
  const { range, protocol, scope } = selector;
  const hit = (candidate: PublishedPort, number: number | undefined): boolean =>
    number !== undefined &&
    number >= range.from &&
    number <= range.to &&
    (protocol === undefined || candidate.protocol === protocol);
  const byHost = scope === 'either' && all.some((candidate) => hit(candidate, candidate.hostPort));
  return byHost ? hit(port, port.hostPort) : hit(port, port.containerPort);
}

function unmatchedSelectors(
  { container, rules }: Speaker,
  ports: readonly PublishedPort[],
  portsKnown: boolean,
): readonly Problem[] {
  // Not a mistake of the user's: Docker has not told yet, and the next pass will know.
  if (!portsKnown) return [];
  return rules.opens
    .filter(({ selector }) => !ports.some((port) => selects(selector, port, ports)))
    .map(({ selector, reason }) => ({
      container: container.name,
      ...reason,
      problem:
        selector.kind === 'every'
          ? 'this container publishes no port'
          : `port ${selector.text} is not published`,
      hint: publishedHint(container, ports),
    }));
}

function publishedHint(container: Container, ports: readonly PublishedPort[]): string | undefined {
  if (container.networkMode.kind === 'host')
    return 'declare the ports of a host-network container with dockwall.ports';
  if (ports.length === 0 && container.swarmService !== undefined)
    return "ports in the swarm's mesh are opened under services: in the configuration, by the service's name";
  const words = ports.map(
    ({ hostPort, containerPort, protocol }) =>
      `${hostPort === undefined ? '' : `${hostPort}->`}${containerPort}/${protocol}`,
  );
  return words.length === 0
    ? 'publish it with ports: in the compose file'
    : `published: ${[...new Set(words)].join(', ')}`;
}

function reachOf(
  port: PublishedPort,
  all: readonly PublishedPort[],
  { opens, denies }: { opens: readonly OpenRule[]; denies: readonly PeerRule[] },
): Reach {
  const applying = opens.filter((rule) => selects(rule.selector, port, all));
  return {
    everyone: applying.find((rule) => rule.peers === 'everyone')?.reason,
    allow: applying.flatMap((rule) =>
      rule.peers === 'everyone' ? [] : rule.peers.map((peer) => ({ peer, reason: rule.reason })),
    ),
    deny: denies,
  };
}

function serviceEndpoints(container: Container, inventory: Inventory): readonly ServiceEndpoint[] {
  return container.endpoints.flatMap((endpoint) => {
    const network = inventory.networks.find(({ id }) => id === endpoint.networkId);
    if (network?.bridge === undefined) return [];
    const family = endpoint.address.includes(':') ? 6 : 4;
    return [{ ...endpoint, routed: network.routed.includes(family) }];
  });
}

function unprotectedNetworks(container: Container, inventory: Inventory): readonly string[] {
  const ids = new Set(container.endpoints.map((endpoint) => endpoint.networkId));
  return inventory.networks
    .filter(
      ({ id, driver, unprotected }) =>
        ids.has(id) && (unprotected !== undefined || !filteredDrivers.has(driver)),
    )
    .map(({ name, driver, unprotected }) =>
      bypassing.has(driver)
        ? `${name} (${driver})`
        : `${name} (${unprotected ?? `${driver}, a driver that dockwall does not know`})`,
    );
}
