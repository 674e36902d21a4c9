import { isLoopback } from '../inventory/host-port.ts';
import type { PublishedPort } from '../inventory/model.ts';
import { families, familyOf } from '../net/network.ts';
import { type PortRun, unionOf } from '../net/port-run.ts';
import { shorten } from '../net/show.ts';
import type { GroupName } from './config.ts';
import type { PolicyMembers, Problem, Reach, Service, ServiceEndpoint } from './model.ts';
import { isDoor, namesAddresses, opens, peerRulesOf } from './peers.ts';

/**
 * What one container may ask for. Over a limit it opens nothing and says so: whoever writes labels has others beside him on the host, and
 * every pass does the work that all of them ask for. In docs/limits.md, "Limits for one container".
 */
export const limits = {
  /** Labels of ours. */
  labels: 64,
  /** Bytes of one label's name, and of its value. */
  keyBytes: 256,
  valueBytes: 4096,
  /** Ports, ranges and `*` that all its labels name. */
  selectors: 256,
  /** Sources that all its labels name; a range counts as the networks that it is made of. */
  sources: 256,
  /** Addresses of one DNS name in a label. */
  nameAddresses: 64,
  /** Published or declared ports, in one family: half of all that there are of one protocol. */
  ports: 32_768,
  /**
   * Ports that short texts stand for (what labels declare, and ranges that Docker takes one of), in one family, of all containers together
   * that claim more of these than are counted one by one: each may be cut into pieces by the claims of others.
   */
  declaredTogether: 131_072,
  /** Ports times its own addresses in routed networks, in one family: each is a member of a set. */
  routed: 65_536,
  /**
   * Ports times the addresses that labels name for them: each is a member of a set, and one more for each routed network. A DNS name counts
   * as all that it may mean.
   */
  pairs: 16_384,
  /**
   * Ports that are counted one by one, of one container and of all together, those with the fewest first. A container beyond it has no
   * counts, and its ports are in sets that hold any number of them (see `wide` of a service).
   */
  counted: 1024,
  countedTogether: 8192,
  /** TCP ports times addresses of one container that are watched for sessions that begin in the middle. */
  answers: 65_536,
  /** Rules of the front; what is open beyond them is left to Docker's own rules behind the gate. */
  frontRules: 256,
} as const;

const toGroup = 'put the addresses into a group of the configuration and name the group';

type Port = PortRun & { readonly family: 4 | 6; readonly reach: Reach };

/** Ports of one container, of the family that has more. */
export function portCount(ports: readonly Pick<Port, 'count' | 'family'>[]): number {
  const sums = families.map((family) =>
    ports.reduce((sum, port) => sum + (port.family === family ? (port.count ?? 1) : 0), 0),
  );
  return Math.max(...sums);
}

/** Ports on the container's own addresses in routed networks, of the family that has more. */
function routedCount(
  ports: readonly Pick<Port, 'count' | 'family'>[],
  endpoints: readonly ServiceEndpoint[],
): number {
  const products = families.map(
    (family) => portCount(ports.filter((port) => port.family === family)) * doorsIn(endpoints, family),
  );
  return Math.max(...products);
}

function doorsIn(endpoints: readonly ServiceEndpoint[], family: 4 | 6): number {
  return endpoints.filter((endpoint) => isDoor(endpoint) && familyOf(endpoint.address) === family).length;
}

/** Marks the containers whose ports are not counted: those with most ports, where all together have too many. */
export function markWide(services: readonly Service[]): readonly Service[] {
  const sizes = services.map((service) => ({
    service,
    size: portCount(service.ports) + routedCount(service.ports, service.endpoints),
  }));
  const wide = new Set<Service>();
  let sum = 0;
  for (const { service, size } of sizes.toSorted((a, b) => a.size - b.size)) {
    sum += size;
    if (size > limits.counted || sum > limits.countedTogether) wide.add(service);
  }
  return wide.size === 0
    ? services
    : services.map((service) => (wide.has(service) ? { ...service, wide: true } : service));
}

/**
 * The claims of a container that asks for too much, as few as they can be: they are closed. Only what Docker has given it keeps its address:
 * one that does not run, or has not been given the port, takes nothing from who has it.
 */
export function folded<T extends PublishedPort>(ports: readonly T[], active: boolean): readonly T[] {
  // on loopback they are in nobody's way from outside, and on every address they would be
  const claims = ports.filter((port) => port.hostPort !== undefined && !isLoopback(port));
  const wide = claims.map((port) =>
    active && port.unbound === undefined ? port : { ...port, address: 'any' as const },
  );
  return unionOf(
    wide,
    ({ family, address, protocol, unbound }) => `${family} ${address} ${protocol} ${unbound}`,
  );
}

/** Containers that claim very many ports by ranges, where these together are too many: for each, by its id, why nothing of it is opened. */
export function claimTooMuch(services: readonly Service[]): ReadonlyMap<string, Problem> {
  const many = services
    // what neither opens nor denies anything is cut nowhere
    .filter(({ ports }) => ports.some(({ reach }) => opens(reach) || reach.deny.length > 0))
    .map((service) => ({ service, count: portCount(rangesOf(service)) }))
    .filter(({ count }) => count > limits.counted);
  const sumOf = (some: typeof many): number => some.reduce((all, { count }) => all + count, 0);
  const sum = sumOf(many);
  if (sum <= limits.declaredTogether) return new Map();
  // who does not run takes nothing from who does
  const running = many.filter(({ service }) => service.active);
  const stopped = many.filter(({ service }) => !service.active);
  return new Map(
    (sumOf(running) <= limits.declaredTogether ? stopped : many).map(
      ({ service: { containerId, name }, count }) => [
        containerId,
        {
          container: name,
          label: 'ports',
          value: String(count),
          problem: `${many.length} containers claim ${sum} ports by ranges in labels (\`dockwall.ports\`) or ranges that Docker takes one of, more than the ${limits.declaredTogether} that those with more than ${limits.counted} may have together; none of them is opened`,
          hint: 'claim fewer ports, or declare them under services: in the configuration, which does not count',
        },
      ],
    ),
  );
}

/** What a short text stands for. */
function rangesOf({ portsFrom, ports }: Service): readonly PublishedPort[] {
  return portsFrom === 'label' ? ports : ports.filter(({ oneOf }) => oneOf === true);
}

/** Of a container that asks for too much: as many of its addresses, one at least, as keep what is closed there within the limit. */
export function fewEndpoints(
  ports: readonly PublishedPort[],
  endpoints: readonly ServiceEndpoint[],
): readonly ServiceEndpoint[] {
  return endpoints.slice(0, Math.max(1, Math.floor(limits.routed / Math.max(1, ports.length))));
}

/** What a container asks for beyond {@link limits}; undefined where it does not. */
export function overLimit(
  container: string,
  ports: readonly Port[],
  endpoints: readonly ServiceEndpoint[],
): Problem | undefined {
  const count = portCount(ports);
  if (count > limits.ports)
    return {
      container,
      label: 'ports',
      value: String(count),
      problem: `${count} ports are more than the ${limits.ports} that one container may have; none of them is opened`,
      hint: 'publish or declare fewer ports',
    };
  const routed = routedCount(ports, endpoints);
  if (routed > limits.routed)
    return {
      container,
      label: 'ports x routed networks',
      value: String(routed),
      problem: `${routed} ports on its addresses in routed networks are more than the ${limits.routed} that one container may have; none of them is opened`,
      hint: 'publish fewer ports, or leave some of these networks',
    };
  const ways = {
    4: doorsIn(endpoints, 4),
    6: doorsIn(endpoints, 6),
  };
  const pairs = ports.reduce((sum, { count = 1, family, hostPort, reach }) => {
    const many = count * Math.max(1, Number(hostPort !== undefined) + ways[family]);
    const named = [...reach.allow, ...reach.deny].map(({ peer }): number =>
      !namesAddresses(peer) ? 0 : peer.kind === 'network' ? 1 : limits.nameAddresses,
    );
    return sum + many * named.reduce((a, b) => a + b, 0);
  }, 0);
  if (pairs > limits.pairs)
    return {
      container,
      label: 'ports x addresses',
      value: String(pairs),
      problem: `${pairs} pairs of a port and an address in a label are more than the ${limits.pairs} that one container may have; no port is opened`,
      hint: toGroup,
    };
  return undefined;
}

/** DNS names in labels that have too many addresses now, once for each container and label. */
export function crowdedNames(
  services: readonly Service[],
  groups: ReadonlyMap<GroupName, Pick<PolicyMembers, 'tooMany'>>,
): readonly Problem[] {
  if ([...groups.values()].every(({ tooMany }) => tooMany === undefined)) return [];
  const found = services.flatMap(({ name: container, ports }) =>
    ports.flatMap((port) =>
      [...peerRulesOf(port, 'allow'), ...peerRulesOf(port, 'deny')].flatMap(
        ({ peer, reason }): readonly Problem[] => {
          const many = peer.kind === 'group' ? groups.get(peer.name)?.tooMany : undefined;
          if (peer.kind !== 'group' || many === undefined) return [];
          const problem = `${shorten(peer.name)} has ${many} addresses, more than the ${limits.nameAddresses} of one name in a label: it lets nobody in, and only the first are refused`;
          return [{ container, ...reason, problem, hint: toGroup, partly: true }];
        },
      ),
    ),
  );
  return [...new Map(found.map((one) => [`${one.container}\0${one.label}`, one])).values()];
}
