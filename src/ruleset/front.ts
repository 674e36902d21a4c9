import type { Family } from '../net/network.ts';
import type { Policy, PeerRule, Service, ServiceEndpoint, ServicePort } from '../policy/model.ts';
import { bridgedLines } from './gate.ts';
import { accept, drop, from, giveBack, jump, notMarked, sourceNotIn, to } from './matches.ts';
import type { Chain, ChainName, Match, Table } from './model.ts';
import { chains, networkChain, setName } from './names.ts';
import { chainOf, type Line, lineRule } from './rule.ts';
import { waysAround, waysIn } from './ways-in.ts';

/**
 * A network with more rules than this gets a chain of its own, entered by its bridge, so that the cost of a
 * new connection stays flat with many services (1,000 rules in a row cost about a tenth of the new
 * connections per second); fewer are quicker to read, and to match, in one list.
 */
const longestList = 16;

/**
 * The front: the recipe, in `filter`, at the top of Docker's own DOCKER chain, after DNAT. Readable, one rule
 * per service, port and source, with counters. It drops nothing that the gate has passed, so it never lags;
 * were the gate wiped, no packet had the mark and this were the whole recipe.
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
    [[{ kind: 'state', states: 'RELATED,ESTABLISHED' }], accept, 'established'],
    ...lists.flatMap(({ inline }) => inline),
    ...dropLines(policy, family),
  ]);
  const networks = lists.flatMap(({ chain }): Chain[] => (chain === undefined ? [] : [chain]));
  return {
    family,
    table: 'filter',
    chains: [...networks, services],
    hooks: [{ chain: 'DOCKER', rule: lineRule('DOCKER', [[], jump(chains.services), 'the front']) }],
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
          .filter((port) => port.family === family && !port.loopback && !port.lapsed)
          .flatMap((port) => portLines(service, port, { endpoint, family, policy })),
      ),
  );
}

function portLines(
  service: Service,
  port: ServicePort,
  { endpoint, family, policy }: { endpoint: ServiceEndpoint; family: Family; policy: Policy },
): readonly Line[] {
  if (port.hostPort === undefined && !endpoint.routed) return [];
  const matches: readonly Match[] = [
    { kind: 'destination', network: endpoint.address },
    { kind: 'port', protocol: port.protocol, port: port.containerPort },
    // The next container that is given this address has another host port: it inherits nothing.
    ...(endpoint.routed || port.hostPort === undefined
      ? []
      : [{ kind: 'original-port', port: port.hostPort } as const]),
  ];
  const words = `${service.name} ${portWords(port)}`;
  if (port.reach.everyone !== undefined) return [[matches, accept, `${words} public`]];
  return port.reach.allow
    .filter(({ peer }) => peer.kind === 'group' || peer.network.includes(':') === (family === 6))
    .flatMap((rule) =>
      peerWays(rule, { family, policy }).map(({ match, words: peer }): Line => [
        [...matches, ...match],
        accept,
        `${words} allow ${peer}`,
      ]),
    );
}

function portWords({ hostPort, containerPort, protocol }: ServicePort): string {
  const inside = `${containerPort}/${protocol}`;
  return hostPort === undefined || hostPort === containerPort ? inside : `${hostPort}->${inside}`;
}

function peerWays(
  { peer }: Pick<PeerRule, 'peer'>,
  { family, policy }: { family: Family; policy: Policy },
): readonly { readonly match: readonly Match[]; readonly words: string }[] {
  if (peer.kind === 'network') {
    const match: readonly Match[] = peer.network.endsWith('/0')
      ? []
      : [{ kind: 'source', network: peer.network }];
    return [{ match, words: peer.network }];
  }
  const group = policy.groups.get(peer.name);
  const ways = group === undefined ? [] : waysIn(peer.name, { family, role: `src-${peer.name}` }, group);
  return ways.map(({ match, words }) => ({ match: [match], words }));
}

function dropLines(policy: Policy, family: Family): readonly Line[] {
  const groups = policy.trusted.groups.flatMap((name) =>
    peerWays({ peer: { kind: 'group', name } }, { family, policy }),
  );
  const around = waysAround('', { family, role: 'trusted' }, policy.trusted).map(({ match, words }) => ({
    match: [match],
    words,
  }));
  const trusted = [...groups, ...around].map(({ match, words }): Line => [
    match,
    giveBack,
    `trusted ${words}`,
  ]);
  const closing: readonly Match[] = [sourceNotIn(setName(family, 'trusted')), notMarked(policy.mark)];
  const note = 'not trusted, not passed by the gate';
  return policy.external.kind === 'auto'
    ? [...trusted, [closing, drop, note]]
    : [...trusted, ...policy.external.names.map((name): Line => [[from(name), ...closing], drop, note])];
}
