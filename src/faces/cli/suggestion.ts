import { addressBlock, toCidr, unmap } from '../../decide/net/block.ts';
import { NetworkIndex } from '../../decide/net/network-index.ts';
import { type Cidr, familyOf } from '../../decide/net/network.ts';
import { hostPortsOf, includes } from '../../decide/net/port-run.ts';
import { isSourceWord } from '../../decide/net/source-word.ts';
import { privateNetworks } from '../../decide/policy/groups.ts';
import type { Policy } from '../../decide/policy/model.ts';
import { counts } from '../../decide/policy/unheld.ts';
import type { Blocked } from '../../decide/wall/blocked.ts';

type Groups = Pick<Policy, 'groups' | 'deny' | 'services'>;

/** What a person could allow: sources of one port of one service, as labels and the configuration write them. */
export interface Suggestion {
  readonly service: string;
  /** `8080` or `53/udp`, as it was asked for. */
  readonly port: string;
  readonly allow: readonly string[];
  /** How many addresses were seen. */
  readonly seen: number;
  /** Something opens the service already; an entry in `services:` would stand in the place of its labels. */
  readonly opened: boolean;
}

/** So many addresses of one network stand for the network. */
const fewestForNetwork = 3;

/** By service and port; who is denied is not suggested. */
export function suggestions(policy: Groups, found: readonly Blocked[]): readonly Suggestion[] {
  const asked = new Map<string, { service: string; port: string; sources: Set<string> }>();
  for (const { source, protocol, port, services, by } of found) {
    const text = protocol === 'tcp' ? String(port) : `${port}/${protocol}`;
    for (const service of by === 'gate' ? services : []) {
      if (isDenied(policy, { source, service, protocol, port })) continue;
      const key = JSON.stringify([service, text]);
      const known = asked.get(key) ?? { service, port: text, sources: new Set() };
      known.sources.add(source);
      asked.set(key, known);
    }
  }
  return [...asked]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { service, port, sources }]) => ({
      service,
      port,
      allow: grouped([...sources].toSorted(), policy),
      seen: sources.size,
      opened: policy.services.some(({ name, ports }) => name === service && ports.some(counts)),
    }));
}

/** One known group that holds them all, or `private`, or networks of three and more, and single addresses. */
function grouped(sources: readonly string[], { groups }: Groups): readonly string[] {
  const known = [...groups].filter(([name]) => !isSourceWord(name));
  const holds = (networks: readonly Cidr[]): boolean => {
    const index = new NetworkIndex(networks);
    return sources.every((source) => index.find(source) !== undefined);
  };
  const group = known.find(([, { networks }]) => holds(networks))?.[0];
  if (group !== undefined) return [group];
  if (sources.length >= fewestForNetwork && holds(privateNetworks)) return ['private'];
  const byNetwork = Map.groupBy(sources, networkOf);
  return [...byNetwork].flatMap(([network, ones]) => (ones.length >= fewestForNetwork ? [network] : ones));
}

/** Its /24, or /64. */
function networkOf(source: string): string {
  const single = addressBlock(source);
  if (single === undefined) return source;
  const block = unmap(single);
  const prefix = block.family === 4 ? 24 : 64;
  const below = BigInt((block.family === 4 ? 32 : 128) - prefix);
  return toCidr({ ...block, start: (block.start >> below) << below, prefix });
}

function isDenied(
  { deny, groups, services }: Groups,
  { source, service, protocol, port }: Pick<Blocked, 'source' | 'protocol' | 'port'> & { service: string },
): boolean {
  const of = (name: Policy['deny']['groups'][number]): readonly Cidr[] => groups.get(name)?.networks ?? [];
  const here = services
    .filter(({ name }) => name === service)
    .flatMap(({ ports }) => ports)
    .filter((one) => one.protocol === protocol && one.family === familyOf(source))
    .filter((one) => includes(hostPortsOf(one), port))
    .flatMap(({ reach }) => reach.deny)
    .flatMap(({ peer }) => (peer.kind === 'group' ? of(peer.name) : [peer.network]));
  return new NetworkIndex([...deny.networks, ...deny.groups.flatMap(of), ...here]).find(source) !== undefined;
}

/** YAML for dockwall.yml, and the same as labels in comments: the whole can be pasted. */
export function suggestionText(all: readonly Suggestion[], observing: boolean): string {
  if (all.length === 0)
    return '# Nobody was turned away from a published port in the last 24 hours: nothing to suggest.';
  const services = [...Map.groupBy(all, ({ service }) => service)];
  return [
    `# Who ${observing ? 'would be' : 'was'} turned away in the last 24 hours. Take out whom you do not know: strangers who try ports are in it too.`,
    'services:',
    ...services.flatMap(([service, ones]) => [
      ...(ones.some(({ opened }) => opened)
        ? ['  # has labels or an entry: an entry here replaces the labels; add the lines to those instead']
        : []),
      `  ${JSON.stringify(service)}:`,
      '    allow:',
      ...ones.map(
        ({ port, allow, seen }) =>
          `      "${port}": [${allow.map((one) => JSON.stringify(one)).join(', ')}] # ${seen} seen`,
      ),
    ]),
    '# or as labels of the containers:',
    ...all.map(({ service, port, allow }) => `# ${service}: dockwall.allow.${port}=${allow.join(',')}`),
  ].join('\n');
}
