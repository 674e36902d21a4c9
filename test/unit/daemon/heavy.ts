import type { Observed } from '../../../src/decide/diff/model.ts';
import type { Snapshot } from '../../../src/decide/inventory/docker-json.ts';
import type { HostPort } from '../../../src/decide/inventory/model.ts';
import { readDetails, readNetwork, readSummary, sorted } from '../../../src/decide/inventory/read-docker.ts';
import type { Cidr } from '../../../src/decide/net/network.ts';
import { type Decided, decide } from '../../../src/decide/pass/decide.ts';
import { loadConfig } from '../../../src/reach/config/load.ts';

// What the owner of a container controls, each so and so often, as Docker's answers; for what a pass costs then.

interface Made {
  readonly containers: readonly {
    readonly summary: object;
    readonly details: object & { readonly Id: string };
  }[];
  readonly networks: readonly { readonly Id: string }[];
  /** Where the host's own services listen. */
  readonly listeners?: readonly HostPort[];
}

interface Asked {
  readonly name: string;
  /** On these addresses of the host; all of both families where it is left out. */
  readonly addresses?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly ports?: readonly number[];
  readonly state?: string;
  readonly host?: true;
}

function inspected(
  Id: string,
  {
    name,
    labels,
    HostConfig,
  }: { readonly name: string; readonly labels: object; readonly HostConfig: object },
): object & { readonly Id: string } {
  return Object.assign({ Id }, { Name: `/${name}`, Config: { Labels: labels }, HostConfig });
}

function container({
  name,
  labels = {},
  ports = [],
  addresses,
  state = 'running',
  host,
}: Asked): Made['containers'][0] {
  const Id = name.padEnd(64, 'x');
  const NetworkMode = host === true ? 'host' : 'bridge';
  const PortBindings = Object.fromEntries(
    ports.map((port) => [
      `${port}/udp`,
      (addresses ?? ['']).map((HostIp) => ({ HostIp, HostPort: String(port) })),
    ]),
  );
  const Ports = (addresses ?? ['0.0.0.0', '::']).flatMap((IP) =>
    ports.map((port) => ({ IP, PrivatePort: port, PublicPort: port, Type: 'udp' })),
  );
  return {
    summary: {
      Id,
      Names: [`/${name}`],
      Labels: labels,
      State: state,
      Ports: state === 'running' ? Ports : [],
      HostConfig: { NetworkMode },
    },
    details: inspected(Id, { name, labels, HostConfig: { NetworkMode, PortBindings } }),
  };
}

const count = <T>(n: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length: n }, (_, index) => make(index));
const list = (n: number, word: (index: number) => string): string => count(n, word).join(',');
const one = (asked: Omit<Asked, 'name'>): Made => ({
  containers: [container({ name: 'big', ...asked })],
  networks: [],
});

const addressesOf = (n: number): readonly string[] => count(n, (i) => `2001:db8::1:${i.toString(16)}`);
const v4 = (i: number): string => `198.51.${i >> 8}.${i % 256}`;

/** By what there is `n` of. Each is within the limits for one container when `n` is 100 times as large as here. */
export const dimensions: Readonly<
  Record<string, { readonly n: number; readonly make: (n: number) => Made }>
> = {
  'ports in a row': {
    n: 100,
    make: (n) => one({ ports: count(n, (i) => 20_000 + i), labels: { 'dockwall.public': '*' } }),
  },
  'ports here and there': {
    n: 100,
    make: (n) => one({ ports: count(n, (i) => 20_000 + 2 * i), labels: { 'dockwall.public': '*' } }),
  },
  'declared ports': {
    n: 160,
    make: (n) =>
      one({ host: true, labels: { 'dockwall.ports': `20000-${19_999 + n}/udp`, 'dockwall.public': '*' } }),
  },
  'declared over what others publish': {
    n: 100,
    make: (n) => ({
      containers: [
        container({ name: 'singles', ports: count(n, (i) => 20_000 + 2 * i) }),
        ...count(4, (i) =>
          container({
            name: `w${i}`,
            host: true,
            labels: { 'dockwall.ports': '1-32767/udp', 'dockwall.public': '*' },
          }),
        ),
      ],
      networks: [],
    }),
  },
  'selectors that match nothing': {
    n: 2,
    make: (n) =>
      one({
        ports: count(2000, (i) => 20_000 + 2 * i),
        labels: { 'dockwall.public': list(n, (i) => `${60_000 + i}`) },
      }),
  },
  'selectors that match': {
    n: 2,
    make: (n) =>
      one({
        ports: count(2000, (i) => 20_000 + i),
        labels: { 'dockwall.public': list(n, (i) => `${20_000 + 2 * i}`) },
      }),
  },
  'names in labels': {
    n: 2,
    make: (n) => one({ ports: [8080], labels: { 'dockwall.allow': list(n, (i) => `n${i}.example.org`) } }),
  },
  'addresses in labels': {
    n: 2,
    make: (n) =>
      one({ ports: [8080], labels: { 'dockwall.allow': list(n, (i) => `198.51.${i}.${(i * 7) % 256}`) } }),
  },
  'bytes of a label': {
    n: 40,
    make: (n) => one({ ports: [8080], labels: { 'dockwall.description': 'x'.repeat(n) } }),
  },
  containers: {
    n: 5,
    make: (n) => ({
      containers: count(n, (i) =>
        container({ name: `c${i}`, ports: [10_000 + 3 * i], labels: { 'dockwall.public': '*' } }),
      ),
      networks: [],
    }),
  },
  'claims to one port': {
    n: 5,
    make: (n) => ({
      containers: count(n, (i) =>
        container({ name: `c${i}`, ports: [8080], state: 'created', labels: { 'dockwall.public': '*' } }),
      ),
      networks: [],
    }),
  },
  'declared ranges over single ports': {
    n: 1,
    make: (n) => ({
      containers: [
        ...count(n, (i) =>
          container({ name: `wide${i}`, host: true, labels: { 'dockwall.ports': '1-32767/udp' } }),
        ),
        container({ name: 'single', ports: count(40 * n, (i) => 1 + 2 * i) }),
      ],
      networks: [],
    }),
  },
  'addresses of one port': {
    n: 100,
    make: (n) => one({ ports: [8080], addresses: addressesOf(n), labels: { 'dockwall.public': '*' } }),
  },
  'addresses of one port that the host has as well': {
    n: 100,
    make: (n) => ({
      ...one({ ports: [8080], addresses: [...addressesOf(n), ...count(n, v4)], state: 'created' }),
      listeners: addressesOf(n).map((address) => ({
        family: 6,
        address: address.replace('db8', 'db8:1') as Cidr,
        protocol: 'udp',
        port: 8080,
      })),
    }),
  },
  networks: {
    n: 2,
    make: (n) => ({
      containers: [],
      networks: count(n, (i) => {
        const Id = `${i}`.padStart(12, '0').padEnd(64, 'f');
        return { Id, Name: `n${i}`, Driver: 'bridge', Options: {}, Containers: {} };
      }),
    }),
  },
};

/** What a pass decides of it, on a kernel that has nothing of ours yet. */
export function decideOn({ containers, networks, listeners = [] }: Made): Decided {
  const loaded = loadConfig({ env: { DOCKWALL_GROUPS: '{office: [198.51.100.0/24]}' } });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const snapshot: Snapshot = {
    containers: sorted(containers.map(({ summary }) => readSummary(summary))).found,
    networks: sorted(networks.map((network) => readNetwork(network.Id, network))).found,
    details: new Map(containers.map(({ details }) => [details.Id, readDetails(details.Id, details)])),
  };
  const observed: Observed = { backends: ['nft'], families: [4, 6], tables: [], sets: [], foreign: [] };
  const interfaces = networks.map(({ Id }) => ({
    name: `br-${Id.slice(0, 12)}`,
    networks: [],
    kind: 'bridge',
  }));
  return decide(
    { snapshot, host: { interfaces, listeners }, observed },
    { config: loaded.config, lockedDown: false },
  );
}
