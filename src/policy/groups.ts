import { builtInGroups, type Config, type GroupName } from '../config/model.ts';
import type { HostInterface, Inventory } from '../inventory/model.ts';
import { mergeNetworks } from '../net/merge-networks.ts';
import type { Cidr } from '../net/network.ts';
import { parseNetworks } from '../net/parse-networks.ts';
import { isDockerBridge } from './bridges.ts';
import type { Service } from './model.ts';

/** RFC 1918, RFC 4193 (unique local), RFC 3927 and RFC 4291 (link-local). */
const privateNetworks: readonly Cidr[] = [
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

/** The configured groups, and the built-in ones that the config or a label names. */
export function resolveGroups(
  config: Config,
  inventory: Inventory,
  services: readonly Service[],
): ReadonlyMap<GroupName, readonly Cidr[]> {
  const used = usedGroups(config, services);
  const builtIn: [string, readonly Cidr[]][] = [
    ['connected', connectedNetworks(config, inventory)],
    ['private', privateNetworks],
  ];
  const entries = [
    ...[...config.groups].map(([name, networks]) => [name, mergeNetworks(networks)] as const),
    ...builtIn.flatMap(([name, networks]) =>
      used.has(name) ? [[name as GroupName, mergeNetworks(networks)] as const] : [],
    ),
  ];
  return new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function usedGroups(config: Config, services: readonly Service[]): ReadonlySet<string> {
  const rules = services.flatMap((service) =>
    service.ports.flatMap((port) => [...port.reach.allow, ...port.reach.deny]),
  );
  return new Set([
    ...config.trusted.groups,
    ...config.deny.groups,
    ...rules.flatMap((rule) => (rule.peer.kind === 'group' ? [rule.peer.name] : [])),
  ]);
}

function connectedNetworks(config: Config, inventory: Inventory): readonly Cidr[] {
  const isExternal = (host: HostInterface): boolean =>
    config.interfaces === 'auto'
      ? host.name !== 'lo' && !isDockerBridge(host.name, inventory.networks)
      : config.interfaces.includes(host.name);
  return inventory.interfaces.filter(isExternal).flatMap((host) => host.networks);
}
