import type { Inventory } from '../inventory/model.ts';
import { mergeLists } from '../net/merge-networks.ts';
import { type Cidr, familyOf } from '../net/network.ts';
import { parseNetworks } from '../net/parse-networks.ts';
import { parseSourceWord } from '../net/source-word.ts';
import { connectedInterfaces, externalInterfaces } from './bridges.ts';
import {
  builtInGroups,
  type Config,
  type GroupName,
  type LiveSource,
  type Members,
  sourceKey,
} from './config.ts';
import { limits } from './limits.ts';
import type { Answers, Origin, Policy, PolicyMembers, Service } from './model.ts';
import { peerRulesOf } from './peers.ts';

/** RFC 1918, RFC 4193 (unique local), RFC 3927 and RFC 4291 (link-local). */
export const privateNetworks: readonly Cidr[] = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  'fc00::/7',
  'fe80::/10',
].flatMap((text) => {
  const parsed = parseNetworks(text);
  return parsed.ok ? parsed.networks : [];
});

/** Every name that a label may use as a source. */
export function knownGroupNames(config: Config): readonly string[] {
  return [...builtInGroups, ...config.groups.keys()];
}

/** The configured groups, the built-in ones that the config or a label names, and the source words of labels. */
export function resolveGroups(
  {
    config,
    inventory,
    answers,
    inside,
  }: { config: Config; inventory: Inventory; answers: Answers; inside: readonly string[] },
  services: readonly Service[],
): ReadonlyMap<GroupName, PolicyMembers> {
  const used = usedGroups(config, services);
  const external = externalInterfaces(config);
  const builtIn = new Map<string, () => readonly Cidr[]>([
    [
      'connected',
      () =>
        withNewcomers(connectedInterfaces(inventory, { external, inside }).flatMap((host) => host.networks)),
    ],
    ['private', () => privateNetworks],
  ]);
  const interfaces = new Set(inventory.interfaces.map(({ name }) => name));
  const others = [...used].flatMap((name): [GroupName, PolicyMembers][] => {
    if (config.groups.has(name)) return [];
    const networks = builtIn.get(name);
    if (networks !== undefined) return [[name, resolveMembers({ ...nobody, networks: networks() }, answers)]];
    const members = wordMembers(name);
    if (members === undefined) return [];
    // Rules for what does not exist would be as many as somebody can think of names.
    const here = { ...members, interfaces: members.interfaces.filter((one) => interfaces.has(one)) };
    return [[name, resolveWord(here, answers)]];
  });
  const entries = [
    ...[...config.groups].map(([name, members]) => [name, resolveMembers(members, answers)] as const),
    ...others,
  ];
  return new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * Who has no address yet is a neighbour all the same: DHCP asks from 0.0.0.0, which no router forwards (RFC 1122, 3.2.1.3). In IPv6 it
 * asks from a link-local address, and an interface that speaks IPv6 has that network.
 */
function withNewcomers(networks: readonly Cidr[]): readonly Cidr[] {
  return networks.some((network) => familyOf(network) === 4) ? [...networks, '0.0.0.0' as Cidr] : networks;
}

const nobody: Members = { networks: [], interfaces: [], ipsets: [], sources: [] };

/** A DNS name or an interface that a label names. */
export function wordMembers(text: string): Members | undefined {
  const parsed = parseSourceWord(text);
  if (parsed?.ok !== true) return undefined;
  const { kind, name } = parsed.word;
  if (kind === 'name') return { ...nobody, sources: [{ kind, name }] };
  return kind === 'interface' ? { ...nobody, interfaces: [name] } : undefined;
}

/** A DNS name that means more addresses than anybody has at home is taken for a mistake, or for somebody else's doing. */
function resolveWord(members: Members, answers: Answers): PolicyMembers {
  const all = resolveMembers(members, answers);
  const { length } = all.networks;
  return length <= limits.nameAddresses
    ? all
    : { ...all, networks: all.networks.slice(0, limits.nameAddresses), tooMany: length };
}

/** The same one each time: lists that have not changed are told by identity. */
const none: readonly Cidr[] = [];

/** A list of sources as it stands with these answers. */
export function resolveMembers(
  { networks, interfaces, ipsets, sources }: Members,
  answers: Answers,
): PolicyMembers {
  const origins = [
    ...(networks.length > 0 ? [{ source: undefined, networks }] : []),
    ...sources.map((source): Origin => ({ source, networks: answers.get(sourceKey(source)) ?? none })),
  ];
  return {
    networks: mergeLists(origins.map((origin) => origin.networks)),
    interfaces,
    ipsets,
    origins,
  };
}

/** The policy with other answers: whom its lists mean now. All else is as it was decided. */
export function withAnswers(policy: Policy, config: Config, answers: Answers): Policy {
  const again = <T extends PolicyMembers>(now: T, members: Members): T =>
    members.sources.length === 0 ? now : { ...now, ...resolveMembers(members, answers) };
  const word = (name: GroupName, now: PolicyMembers): PolicyMembers => {
    const members = wordMembers(name);
    return members === undefined || members.sources.length === 0 ? now : resolveWord(members, answers);
  };
  return {
    ...policy,
    trusted: again(policy.trusted, config.trusted),
    deny: again(policy.deny, config.deny),
    groups: new Map(
      [...policy.groups].map(([name, now]) => {
        const members = config.groups.get(name);
        return [name, members === undefined ? word(name, now) : again(now, members)];
      }),
    ),
  };
}

/** The live sources of the configuration, and of labels. */
export function usedSources(config: Config, services: readonly Service[]): readonly LiveSource[] {
  const lists = [config.trusted, config.deny, ...config.groups.values()];
  const words = [...usedGroups(config, services)].filter((name) => !config.groups.has(name));
  const sources = [...lists, ...words.map((name) => wordMembers(name) ?? nobody)].flatMap(
    (one) => one.sources,
  );
  const byKey = new Map(sources.map((source) => [sourceKey(source), source]));
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, source]) => source);
}

function usedGroups(config: Config, services: readonly Service[]): ReadonlySet<GroupName> {
  const rules = services.flatMap((service) =>
    service.ports.flatMap((port) => [...peerRulesOf(port, 'allow'), ...peerRulesOf(port, 'deny')]),
  );
  return new Set([
    ...config.trusted.groups,
    ...config.deny.groups,
    ...rules.flatMap((rule) => (rule.peer.kind === 'group' ? [rule.peer.name] : [])),
  ]);
}
