import type { Family } from '../net/network.ts';
import { containerPortsOf, hostPortsOf, portText } from '../net/port-run.ts';
import type { PortRange } from '../net/port.ts';
import { isSourceWord } from '../net/source-word.ts';
import { limits } from '../policy/limits.ts';
import type { Peer, Policy, Service, ServiceEndpoint, ServicePort } from '../policy/model.ts';
import { isDoor, namesAddresses, reachAt } from '../policy/peers.ts';
import { renderHooks } from './hooks.ts';
import { bridgedLines } from './interfaces.ts';
import {
  accept,
  drop,
  from,
  giveBack,
  jump,
  marked,
  notMarked,
  related,
  sourceNotIn,
  to,
} from './matches.ts';
import type { Chain, ChainName, Match, Table } from './model.ts';
import { chains, networkChain, setName } from './names.ts';
import { chainOf, type Line } from './rule.ts';
import { type WayIn, waysAround, waysIn } from './ways-in.ts';

/**
 * A network with more rules than this gets a chain of its own, entered by its bridge, so that the cost of a
 * new connection stays flat with many services (1,000 rules in a row cost about a tenth of the new
 * connections per second); fewer are quicker to read, and to match, in one list.
 */
const longestList = 16;

/**
 * The front: the recipe, in `filter`, at the top of Docker's own DOCKER chain, after DNAT. Readable, one rule
 * per service, port and source, with counters. It drops nothing that the gate has passed, so it never lags;
 * were the gate wiped, no packet had the mark and this were the whole recipe, but for the addresses that labels name: those are one
 * rule a port, however many they are, and the gate alone knows them.
 */
export function renderFront(policy: Policy, family: Family): Table {
  const lists = policy.networks
    .map((network) => ({ ...network, lines: networkLines(policy, family, network.id) }))
    .filter(({ lines }) => lines.length > 0)
    .map(({ id, bridge, name, lines }) =>
      lines.length <= longestList
        ? { inline: lines, chain: undefined }
        : { inline: [networkJump(bridge, name, networkChain(id))], chain: chainOf(networkChain(id), lines) },
    );
  const services = chainOf(chains.services, [
    ...insideLines(policy),
    [[{ kind: 'state', states: 'ESTABLISHED' }], accept, 'established'],
    [related(family), accept, 'ICMP errors of known connections'],
    ...lists.flatMap(({ inline }) => inline),
    ...dropLines(policy, family),
  ]);
  const networks = lists.flatMap(({ chain }): Chain[] => (chain === undefined ? [] : [chain]));
  return {
    family,
    table: 'filter',
    chains: [...networks, services],
    hooks: renderHooks('filter', 'the front'),
  };
}

function networkJump(bridge: string, name: string, chain: ChainName): Line {
  return [[to(bridge)], jump(chain), `services of network ${name}`];
}

function insideLines(policy: Policy): readonly Line[] {
  const inside = policy.external.kind === 'auto' ? policy.inside : [];
  return [
    ...bridgedLines(policy),
    ...inside.map((name): Line => [[from(name)], giveBack, `from ${name}: inside`]),
  ];
}

function networkLines(policy: Policy, family: Family, networkId: string): readonly Line[] {
  return policy.services.flatMap((service) =>
    service.endpoints
      .filter(
        (endpoint) => endpoint.networkId === networkId && endpoint.address.includes(':') === (family === 6),
      )
      .flatMap((endpoint) =>
        service.ports
          .filter((port) => port.family === family && !port.loopback && (endpoint.routed || !port.lapsed))
          .map((port) => ({ ...port, reach: reachAt(endpoint, port) }))
          .flatMap((port) =>
            originalPorts(port, endpoint).flatMap((asked) =>
              portLines(service, port, { endpoint, family, policy, asked }),
            ),
          )
          .slice(0, limits.frontRules),
      ),
  );
}

/**
 * Which port a client asks for. The next container that is given this address has another host port: it inherits nothing. One that is
 * reached at its address as well is asked for its own port there.
 */
function originalPorts(port: ServicePort, endpoint: ServiceEndpoint): readonly (PortRange | 'any')[] {
  if (endpoint.routed) return ['any'];
  const hostPorts = hostPortsOf(port);
  const own = containerPortsOf(port);
  const isSame = hostPorts?.from === own.from && hostPorts.to === own.to;
  if (hostPorts === undefined) return [];
  return isDoor(endpoint) && !isSame ? [hostPorts, own] : [hostPorts];
}

function portLines(
  service: Service,
  port: ServicePort,
  {
    endpoint,
    family,
    policy,
    asked,
  }: { endpoint: ServiceEndpoint; family: Family; policy: Policy; asked: PortRange | 'any' },
): readonly Line[] {
  const matches: readonly Match[] = [
    { kind: 'destination', network: endpoint.address },
    { kind: 'port', protocol: port.protocol, ...portMatch(containerPortsOf(port)) },
    ...(asked === 'any' ? [] : [{ kind: 'original-port', ...portMatch(asked) } as const]),
  ];
  const words = `${service.name} ${portText(port)}`;
  if (port.reach.everyone !== undefined) return [[matches, accept, `${words} public`]];
  const peers = port.reach.allow.map(({ peer }) => peer);
  const named = peers.some(
    (peer) =>
      namesAddresses(peer) && (peer.kind === 'group' || peer.network.includes(':') === (family === 6)),
  );
  return [
    ...peers.flatMap((peer) =>
      peer.kind === 'group'
        ? groupWays(peer.name, { family, policy }).map(({ match, words: who }): Line => [
            [...matches, match],
            accept,
            `${words} allow ${who}`,
          ])
        : [],
    ),
    ...(named
      ? [[[...matches, marked(policy.mark)], accept, `${words} allow, address in a label`] as Line]
      : []),
  ];
}

function portMatch({ from, to }: PortRange): { readonly port: number; readonly to?: number } {
  return from === to ? { port: from } : { port: from, to };
}

type Group = Extract<Peer, { kind: 'group' }>['name'];

/** None for a DNS name in a label. */
function groupWays(group: Group, { family, policy }: { family: Family; policy: Policy }): readonly WayIn[] {
  const members = policy.groups.get(group);
  if (members === undefined) return [];
  return (isSourceWord(group) ? waysAround : waysIn)(group, { family, list: { use: 'src', group } }, members);
}

function dropLines(policy: Policy, family: Family): readonly Line[] {
  const trusted = [
    ...policy.trusted.groups.flatMap((name) => groupWays(name, { family, policy })),
    ...waysAround('', { family, list: 'trusted' }, policy.trusted),
  ].map(({ match, words }): Line => [[match], giveBack, `trusted ${words}`]);
  const closing: readonly Match[] = [sourceNotIn(setName(family, 'trusted')), notMarked(policy.mark)];
  const note = 'not trusted, not passed by the gate';
  return policy.external.kind === 'auto'
    ? [...trusted, [closing, drop, note]]
    : [...trusted, ...policy.external.names.map((name): Line => [[from(name), ...closing], drop, note])];
}
