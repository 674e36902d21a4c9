import { isLoopback } from '../inventory/host-port.ts';
import type { Container, Inventory, PublishedPort } from '../inventory/model.ts';
import type { Config } from './config.ts';
import { declaredMesh, portsOf, type Speaker } from './declared.ts';
import { alikeProblem, choose, withPlaces } from './entries.ts';
import { knownGroupNames } from './groups.ts';
import { withinLimits } from './label-limits.ts';
import { forbiddenPorts, hear, isMute, withProblems } from './label-rights.ts';
import { type LabelRules, type OpenRule, readLabels } from './labels.ts';
import { claimTooMuch, fewEndpoints, folded, overLimit } from './limits.ts';
import {
  dockersAnswer,
  type PeerRule,
  type Problem,
  type Reach,
  type Reason,
  type Service,
  type ServiceEndpoint,
} from './model.ts';
import { closed } from './peers.ts';
import { selectAll } from './selection.ts';
import { unheldByAll, unmatchedSelectors } from './unmatched.ts';

/** An overlay is reached from its own nodes only; what it publishes is in the mesh. */
const filteredDrivers: ReadonlySet<string> = new Set(['bridge', 'overlay', 'host', 'null']);
/** Their packets never pass the host's netfilter. */
const bypassing: ReadonlySet<string> = new Set(['macvlan', 'ipvlan']);

const openByDefault: Reason = { label: 'default', value: 'open' };

/** Services with the reach that their own labels give each port; conflicts between services come later. */
export function readServices(
  inventory: Inventory,
  config: Config,
): { readonly services: readonly Service[]; readonly problems: readonly Problem[] } {
  const groups = knownGroupNames(config);
  const containers = [...inventory.containers, ...declaredMesh(inventory, config)];
  const problems: Problem[] = [];
  const speakers = containers.map((container): Speaker => {
    const choice = isMute(container, config) ? { entry: undefined } : choose(container, config.services);
    const { entry } = choice;
    const written = entry?.labels ?? {};
    const within = withinLimits(container.name, { ...container.labels, ...written });
    const heard = hear({ ...container, labels: within.labels }, written, config);
    problems.push(...heard.unheard);
    const said = Object.entries(within.labels).filter(([label]) => label in written);
    const labels = { ...heard.labels, ...Object.fromEntries(said) };
    const rules = withPlaces(readLabels(container.name, labels, groups), entry);
    const others = [...alikeProblem(container, choice), ...within.problems, ...heard.problems];
    return { container, entry, rules: withProblems(ifReadable(container, rules), others) };
  });
  problems.push(...unheldByAll(speakers));
  const services: Service[] = [];
  const guestsOf = guestsByHost(speakers);
  const swarm = speakers.filter(({ container }) => container.swarmService !== undefined);
  const mesh = swarm.filter(({ container }) => container.networkMode.kind === 'mesh');
  const kin = { ofTasks: byService(mesh), ofMesh: byService(swarm) };
  for (const owner of speakers) {
    if (owner.container.networkMode.kind === 'container') {
      problems.push(...owner.rules.problems);
      continue;
    }
    const guests = guestsOf.get(owner.container.id) ?? [];
    const read = readService(
      {
        owner,
        guests,
        kin: kinOf(owner, owner.container.networkMode.kind === 'mesh' ? kin.ofMesh : kin.ofTasks),
      },
      { config, inventory },
    );
    problems.push(...read.problems);
    services.push(read.service);
  }
  const many = claimTooMuch(services);
  return {
    services: services.map((one) => (many.has(one.containerId) ? shut(one) : one)),
    problems: [...problems, ...many.values()],
  };
}

/** Its claims stand, and nothing of it is open. */
function shut(service: Service): Service {
  const ports = folded(service.ports, service.active).map((port) => ({ ...port, reach: closed }));
  return { ...service, ports };
}

function byService(speakers: readonly Speaker[]): ReadonlyMap<string | undefined, readonly Speaker[]> {
  return Map.groupBy(speakers, ({ container }) => container.swarmService);
}

/**
 * Who runs in another's network, by the id of that one: Docker writes the id down at `create`, also where its API was given a name (20.10,
 * 28.5). Whom a name means changes, and others choose it.
 */
function guestsByHost(speakers: readonly Speaker[]): ReadonlyMap<string, readonly Speaker[]> {
  const guests = speakers.filter(
    ({ container: { active, networkMode, unreadable } }) =>
      active && networkMode.kind === 'container' && unreadable === undefined,
  );
  return Map.groupBy(guests, ({ container: { networkMode } }) =>
    networkMode.kind === 'container' ? networkMode.id : '',
  );
}

/** What cannot be read is a mistake like one in a label. */
function ifReadable({ name, unreadable }: Container, rules: LabelRules): LabelRules {
  if (unreadable === undefined) return rules;
  const problem = `it cannot be read: ${unreadable}`;
  const problems = [{ container: name, label: dockersAnswer, value: '', problem, hint: undefined }];
  return { ...rules, opens: [], problems: [...problems, ...rules.problems] };
}

/** What an entry with `match` declares may be anybody's who can match it, so it weighs no more than a label. */
function declaredIn({ entry }: Speaker): Service['portsFrom'] {
  const named = entry !== undefined && entry.match === undefined;
  return named && 'dockwall.ports' in entry.labels ? 'configuration' : 'label';
}

/** What else of a swarm's service a `services:` entry, or a label of the service, speaks to. */
interface Kin {
  readonly ports: readonly PublishedPort[];
  /** There is such an entry or label. */
  readonly spoken: boolean;
}

/**
 * A `services:` entry for a swarm service, or the service's own label, speaks to its ports in the mesh and to those that its tasks publish on their
 * own, so a port that only one of them has is no mistake in the other. And one that none of them has closes nothing: which containers are
 * tasks is said by a label, which anybody may write. For a task that has an entry of its own, that entry alone speaks.
 */
/** @param others of a port in the mesh, all of the swarm; of a task, which there may be very many of, the mesh. */
function kinOf(owner: Speaker, others: ReturnType<typeof byService>): Kin {
  const name = owner.container.swarmService;
  const isMeant = owner.entry === undefined || owner.entry.name === name;
  if (name === undefined || !isMeant) return { ports: [], spoken: false };
  const kin = others.get(name) ?? [];
  const spoken = [owner, ...kin].some(
    ({ container, entry }) =>
      entry?.name === name ||
      (container.networkMode.kind === 'mesh' && Object.keys(container.labels).length > 0),
  );
  return { ports: spoken ? kin.flatMap(portsOf) : [], spoken };
}

function readService(
  { owner, guests, kin }: { owner: Speaker; guests: readonly Speaker[]; kin: Kin },
  { config, inventory }: { config: Config; inventory: Inventory },
): { service: Service; problems: readonly Problem[] } {
  const { container, rules } = owner;
  const hostNetwork = container.networkMode.kind === 'host';
  const ports = portsOf(owner);
  const problems = [...rules.problems];
  const endpoints = serviceEndpoints(container, inventory);
  const speakers = [owner, ...guests].map((speaker) => {
    const missing = container.portsKnown ? unmatchedSelectors(speaker, [...ports, ...kin.ports]) : [];
    const forbidden = forbiddenPorts(speaker, { ports, endpoints }, config.labels);
    problems.push(
      ...missing.map((one) => (kin.spoken ? { ...one, partly: true as const } : one)),
      ...forbidden,
    );
    const unheard = missing.length > 0 && !kin.spoken;
    const mute = unheard || forbidden.length > 0 || speaker.rules.problems.length > 0;
    return { ...speaker.rules, opens: mute ? [] : speaker.rules.opens, mute };
  });
  const byDefault = config.default === 'open' && !speakers.some((speaker) => speaker.speaks || speaker.mute);
  const denies = speakers.flatMap((speaker) => speaker.denies);
  const opens = speakers.flatMap((speaker) => speaker.opens);
  const open = selectAll(ports, opens).map(({ port, rules: applying }) => ({
    ...port,
    reach: byDefault ? { ...closed, everyone: openByDefault, deny: denies } : reachOf(applying, denies),
  }));
  const excess = overLimit(container.name, open, endpoints);
  if (excess !== undefined) problems.push(excess);
  const decided =
    excess === undefined ? open : folded(ports, container.active).map((port) => ({ ...port, reach: closed }));
  return {
    problems,
    service: {
      containerId: container.id,
      name: container.name,
      composeService: container.composeService,
      project: container.project,
      swarmService: container.swarmService,
      active: container.active,
      entry: owner.entry?.name,
      description: rules.description,
      undeclared: hostNetwork && !rules.declares,
      portsFrom: hostNetwork ? declaredIn(owner) : 'docker',
      ports: decided.map((port) => ({ ...port, loopback: isLoopback(port), lapsed: false })),
      endpoints: excess === undefined ? endpoints : fewEndpoints(decided, endpoints),
      unprotected: unprotectedNetworks(container, inventory),
    },
  };
}

/** What the rules that apply to a port open, all of them together. */
function reachOf(applying: readonly OpenRule[], denies: readonly PeerRule[]): Reach {
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
    const routed = network.routed.includes(family);
    return [{ ...endpoint, routed, ...(network.direct === true && !routed ? { direct: true } : {}) }];
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
