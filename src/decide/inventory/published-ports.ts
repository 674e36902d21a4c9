import { families, familyOf } from '../net/network.ts';
import { parseNetworks } from '../net/parse-networks.ts';
import { containerPortsOf, joinRuns, unionOf } from '../net/port-run.ts';
import { type Protocol, protocols } from '../net/port.ts';
import type { ContainerDetails, ContainerSummary } from './docker-json.ts';
import type { PublishedPort } from './model.ts';

/**
 * What a container publishes, from what was asked for (`HostConfig.PortBindings`, known at `create`) and
 * what was given (the list's `Ports`, known once it runs). What was given wins: it names the address and
 * the port that Docker chose. A request that is missing from what was given stays, so that nothing is
 * lost while the list is stale (it is until `start`) or omits it (routed mode, Docker >= 28).
 */
export function publishedPorts(
  summary: ContainerSummary,
  details: ContainerDetails | undefined,
): readonly PublishedPort[] {
  const given = givenPorts(summary);
  const asked = details === undefined ? [] : eachRequested(details, targetsOf(given));
  // Docker sets the ports of a container before it says that it runs (moby, daemon.containerStart).
  const unbound = summary.State === 'restarting' ? 'restarts' : 'runs';
  const missing = isActive(summary) ? asked.map((port) => ({ ...port, unbound }) as const) : asked;
  return join([...given, ...missing]);
}

type Target = Pick<PublishedPort, 'containerPort' | 'protocol'>;
type Targets = ReadonlyMap<Protocol, ReadonlySet<number>>;

/** The container ports of these, each by itself. */
function targetsOf(given: readonly PublishedPort[]): Targets {
  const targets = new Map<Protocol, Set<number>>();
  for (const port of given) {
    const found = targets.get(port.protocol) ?? new Set<number>();
    targets.set(port.protocol, found);
    const { from, to } = containerPortsOf(port);
    for (let one = from; one <= to; one += 1) found.add(one);
  }
  return targets;
}

const activeStates: ReadonlySet<string> = new Set(['running', 'paused', 'restarting']);

/** Running, paused, or about to run again. */
export function isActive({ State }: Pick<ContainerSummary, 'State'>): boolean {
  return activeStates.has(State);
}

/** Docker tells each port by itself, in families and addresses. */
function join(ports: readonly PublishedPort[]): readonly PublishedPort[] {
  return joinRuns(ports, kindOf);
}

function givenPorts(summary: ContainerSummary): readonly PublishedPort[] {
  return (summary.Ports ?? []).flatMap((port) =>
    port.PublicPort === null || port.PublicPort === undefined || port.PublicPort === 0
      ? []
      : bindings(port.IP ?? '', {
          hostPort: port.PublicPort,
          containerPort: port.PrivatePort,
          protocol: port.Type,
          ...(port.count === undefined ? {} : { count: port.count }),
        }),
  );
}

/** What was asked for at `create`; ports that Docker is to choose have no host port yet. */
export function requestedPorts(details: ContainerDetails): readonly PublishedPort[] {
  return join(eachRequested(details, new Map()));
}

function kindOf({ family, address, protocol, unbound }: PublishedPort): string {
  return `${family} ${address} ${protocol} ${unbound}`;
}

/** More ranges of which Docker is to take one are one claim to all of them: whoever asks for so many has no use for each. */
const mostRanges = 64;

/** @param given container ports whose requests are settled. */
function eachRequested(details: ContainerDetails, given: Targets): readonly PublishedPort[] {
  const asked = eachAsked(details, given);
  const ranges = asked.filter(({ oneOf }) => oneOf === true);
  if (ranges.length <= mostRanges) return asked;
  return [...asked.filter(({ oneOf }) => oneOf !== true), ...unionOf(ranges, kindOf)];
}

function eachAsked({ HostConfig, Config }: ContainerDetails, given: Targets): readonly PublishedPort[] {
  const open = (key: string): Target | undefined => {
    const target = containerPort(key);
    if (target === undefined || given.get(target.protocol)?.has(target.containerPort) === true)
      return undefined;
    return target;
  };
  const wanted = HostConfig.PortBindings ?? {};
  const asked = Object.keys(wanted).flatMap((key) => {
    const target = open(key);
    // Of 10,000 that are given not one is looked at.
    if (target === undefined) return [];
    return (wanted[key] ?? []).flatMap((host) =>
      bindings(host.HostIp ?? '', { ...target, ...hostPorts(host.HostPort ?? '') }),
    );
  });
  if (HostConfig.PublishAllPorts !== true) return asked;
  const exposed = Object.keys(Config?.ExposedPorts ?? {}).flatMap((key) => {
    const target = open(key);
    return target === undefined ? [] : bindings('', { ...target, hostPort: undefined });
  });
  return [...asked, ...exposed];
}

/** `HostIp` "" means every address of both families (and, with dockerd's `--ip`, one; closing both is safe). */
function bindings(hostIp: string, port: Omit<PublishedPort, 'family' | 'address'>): readonly PublishedPort[] {
  if (hostIp === '') return families.map((family) => ({ ...port, family, address: 'any' }));
  if (hostIp === '0.0.0.0') return [{ ...port, family: 4, address: 'any' }];
  if (hostIp === '::') return [{ ...port, family: 6, address: 'any' }];
  const parsed = parseNetworks(hostIp);
  // An address we cannot read (a zone, say) is closed as if it were all of them: nothing opens by mistake.
  if (!parsed.ok) return bindings('', port);
  return parsed.networks.map((address) => ({ ...port, family: familyOf(address), address }));
}

/** `80/tcp` as Docker writes it; a bare `80` is TCP. */
function containerPort(key: string): Target | undefined {
  const [port, name = 'tcp'] = key.split('/');
  const protocol = protocols.find((known) => known === name);
  const containerPort = Number(port);
  if (protocol === undefined || !Number.isInteger(containerPort)) return undefined;
  return { containerPort, protocol };
}

/** `8080`; `8000-8010` (Docker takes a free one of these, so all are ours); "" or "0" (Docker chooses). */
function hostPorts(text: string): Pick<PublishedPort, 'hostPort' | 'count' | 'oneOf'> {
  const [from, to] = text.split('-').map(Number);
  if (from === undefined || !Number.isInteger(from) || from <= 0 || from > 65_535)
    return { hostPort: undefined };
  if (to === undefined || !Number.isInteger(to) || to <= from || to > 65_535) return { hostPort: from };
  return { hostPort: from, count: to - from + 1, oneOf: true };
}
