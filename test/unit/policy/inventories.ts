import type {
  Container,
  HostInterface,
  Inventory,
  Network,
  PublishedPort,
} from '../../../src/decide/inventory/model.ts';
import type { Cidr, Family } from '../../../src/decide/net/network.ts';
import type { Protocol } from '../../../src/decide/net/port.ts';
import type { Config, GroupName, LabelRights, Members, PeerList } from '../../../src/decide/policy/config.ts';

/** Short ways to make the values that policy tests start from. */

export function cidr(text: string): Cidr {
  return text as Cidr;
}

/** A list of these networks and nothing else. */
export function membersOf(...networks: readonly string[]): Members {
  return { networks: networks.map(cidr), interfaces: [], ipsets: [], sources: [] };
}

export function peerList(networks: readonly string[] = [], groups: readonly string[] = []): PeerList {
  return { ...membersOf(...networks), groups: groups as GroupName[] };
}

/** What `labels:` is where nothing restricts it. */
export const everyRight: LabelRights = {
  keys: ['public', 'allow', 'deny', 'ports'],
  sources: undefined,
  ports: undefined,
  guests: 'on',
};

export function makeConfig(changes: Partial<Config> = {}): Config {
  return {
    default: 'closed',
    interfaces: 'auto',
    schedule: '*/30 * * * * *',
    driftCheck: 3000,
    mark: 0x1000,
    connmark: 0x80,
    trusted: peerList(),
    deny: peerList(),
    groups: new Map(),
    services: new Map(),
    labels: everyRight,
    guard: 'on',
    blocked: 'on',
    listen: undefined,
    maxGrant: 86_400_000,
    logLevel: 'info',
    logFormat: 'text',
    ...changes,
  };
}

/** `services:` entries for exact names, of labels alone. */
export function entriesOf(
  entries: Readonly<Record<string, Readonly<Record<string, string>>>>,
): Config['services'] {
  return new Map(Object.entries(entries).map(([name, labels]) => [name, { labels }]));
}

export function groupsOf(groups: Readonly<Record<string, readonly string[]>>): Config['groups'] {
  return new Map(
    Object.entries(groups).map(([name, networks]) => [name as GroupName, membersOf(...networks)]),
  );
}

/** `8080:80`, `443:443/udp`, `192.0.2.1:80:80`, `:80` (port not chosen yet); unbound ones in both families. */
export function ports(...texts: readonly string[]): readonly PublishedPort[] {
  return texts.flatMap((text) => {
    const [numbers = '', protocol = 'tcp'] = text.split('/');
    const parts = numbers.split(':');
    const [host = '', container = ''] = parts.slice(-2);
    const address = parts.slice(0, -2).join(':');
    const families: readonly Family[] = address === '' ? [4, 6] : [address.includes(':') ? 6 : 4];
    return families.map((family) => ({
      family,
      address: address === '' ? ('any' as const) : cidr(address),
      hostPort: host === '' ? undefined : Number(host),
      containerPort: Number(container),
      protocol: protocol as Protocol,
    }));
  });
}

export function makeContainer(name: string, changes: Partial<Container> = {}): Container {
  return {
    id: `id-of-${name}`,
    name,
    composeService: undefined,
    swarmService: undefined,
    active: true,
    labels: {},
    networkMode: { kind: 'own' },
    ports: [],
    endpoints: [],
    portsKnown: true,
    ...changes,
  };
}

export function makeInventory(
  containers: readonly Container[],
  rest: {
    networks?: readonly Network[];
    interfaces?: readonly HostInterface[];
    hostListeners?: Inventory['hostListeners'];
    judgedListeners?: Inventory['judgedListeners'];
    inSwarm?: boolean;
  } = {},
): Inventory {
  return {
    containers,
    networks: [],
    interfaces: [],
    hostListeners: [],
    judgedListeners: [],
    inSwarm: false,
    ...rest,
  };
}
