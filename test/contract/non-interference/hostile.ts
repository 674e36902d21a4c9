import fc from 'fast-check';
import type { ContainerSpec, NetworkSpec, ServiceSpec } from './docker.ts';
import { at, bridgeNames, closing, labelKeys, opening, spiteful, states, wantedPorts } from './menus.ts';

// What another owner adds: anybody who may make containers, networks and services, and writes what they like into them.

/**
 * The kinds of hostile objects, each tried alone and among the others (`-t bridges` runs one).
 */
export const kinds = [
  /** Networks whose options name what is not theirs. */
  'bridges',
  /** Names in labels whose sets would be called as somebody else's. */
  'names',
  /** Ports that others have, or the host, in all states. */
  'claims',
  /** The same, of one that runs, or will again in a moment, and for which Docker has not bound them. */
  'unbound',
  /** The same, only said by a container on the host's network. */
  'declared',
  /** One that Docker starts just now: it has an address, and no port yet. */
  'starting',
  /** `network_mode: container:...` */
  'joins',
  /** All that can stand in a label. */
  'labels',
  /** Names of others' services. */
  'identity',
  /** One whose ports Docker does not tell yet. */
  'unknown',
  /** What no version of Docker should say. */
  'odd',
  /** Services in Swarm's mesh. */
  'mesh',
] as const;
export type Kind = (typeof kinds)[number];

/** One hostile object, before it is known how many there are. */
export type Hostile = { readonly kind: Kind } & (
  | { readonly network: Omit<NetworkSpec, 'id' | 'endpoints'>; readonly address: string | undefined }
  | { readonly container: Omit<ContainerSpec, 'id'>; readonly starting?: true; readonly routed?: true }
  | { readonly service: Omit<ServiceSpec, 'id'> }
);

/**
 * DNS names whose sets once had the name of somebody else's set: 31 bytes at most, cut off after 24 and with 6 hex digits of a hash behind.
 * In this order they met `src-` of the long group of the configuration, its `to-`, its `den-`, and `src-` of the long name in another
 * owner's label. Found by trying, in seconds.
 */
export const collidingNames = [
  'customers-3vk68.example.org',
  'customers-b7ezvh.example.org',
  'customers-frq9h.example.org',
  'customers-833x6.example.org',
] as const;
export const hostileNames: readonly string[] = [...collidingNames, 'evil.example.org'];

/** How Docker's bridge driver calls its options. */
export const option = (name: string): string => `com.docker.network.bridge.${name}`;

const bridges = fc
  .record({
    bridge: fc.option(fc.constantFrom(...bridgeNames), { freq: 8, nil: undefined }),
    mode: fc.constantFrom(undefined, 'routed', 'nat-unprotected', 'isolated', 'nonsense'),
    driver: fc.constantFrom(
      'bridge',
      'bridge',
      'bridge',
      'bridge',
      'macvlan',
      'ipvlan',
      'overlay',
      'weird/driver:1',
    ),
    // of a neighbour's network, of people outside, of nobody
    subnet: fc.constantFrom('172.30.0.0/24', '203.0.113.0/24', '192.0.2.128/25', '2001:db8:f::/64'),
    name: fc.constantFrom('evil', 'shop_default', 'host', 'ingress', 'a\nb'),
  })
  .map(({ bridge, mode, driver, subnet, name }): Hostile => {
    const options = {
      ...(bridge === undefined ? {} : { [option('name')]: bridge }),
      ...(mode === undefined
        ? {}
        : { [option('gateway_mode_ipv4')]: mode, [option('gateway_mode_ipv6')]: mode }),
    };
    // two bridges of Docker's with one address range it would not make
    return { kind: 'bridges', network: { name, driver, options, subnets: [subnet] }, address: undefined };
  });

const either = fc.constantFrom(...opening, ...closing);

const plain = { name: 'evil', labels: {}, mode: 'bridge', bindings: [], told: true };

const claiming = {
  bindings: fc.uniqueArray(fc.constantFrom(...wantedPorts), { minLength: 1, maxLength: 2 }),
  labels: either,
  all: fc.constantFrom(undefined, undefined, undefined, ['80/tcp', '81/udp']),
};
const claims = fc
  .record({
    ...claiming,
    state: fc.constantFrom(...states),
    mode: fc.constantFrom('bridge', 'shop_default', 'web'),
  })
  .map(({ all, ...rest }): Hostile => ({
    kind: 'claims',
    container: { ...plain, ...rest, ...(all === undefined ? {} : { publishAll: all }) },
  }));

const unbound = fc
  .record({
    ...claiming,
    state: fc.constantFrom('running', 'paused', 'restarting'),
    mode: fc.constantFrom('none', 'shop_routed', 'shop_macvlan', 'shop_internal', 'bridge'),
  })
  .map(({ all, state, mode, ...rest }): Hostile => ({
    kind: 'unbound',
    container: {
      ...plain,
      ...rest,
      mode,
      state: mode === 'bridge' ? 'restarting' : state,
      ...(all === undefined ? {} : { publishAll: all }),
    },
  }));

const declared = fc
  .record({
    state: fc.constantFrom(...states),
    labels: either,
    ports: fc.constantFrom(
      '22',
      '8090,22',
      '9000/tcp',
      '9000',
      '80,443',
      '51820/udp',
      '8020-8090',
      '9100',
      '5432',
      'x',
    ),
  })
  .map(({ state, labels, ports }): Hostile => ({
    kind: 'declared',
    container: { ...plain, state, mode: 'host', labels: { ...labels, 'dockwall.ports': ports } },
  }));

const starting = fc
  .record({ bindings: fc.constantFrom(...wantedPorts).map((one) => [one]), labels: either })
  .map((rest): Hostile => ({
    kind: 'starting',
    container: { ...plain, ...rest, state: 'created' },
    starting: true,
  }));

const joins = fc
  .record({
    mode: fc.constantFrom(
      ...['one', 'id-of-one', 'two', 'id-of-two', 'three', 'nobody', '', 'evil', 'ONE', 'id-of'].map(
        (whom) => `container:${whom}`,
      ),
    ),
    state: fc.constantFrom(...states),
    labels: fc.constantFrom(
      ...opening,
      ...closing,
      { 'dockwall.allow.80': 'any' },
      { 'dockwall.pubic': '*' },
    ),
  })
  .map((rest): Hostile => ({ kind: 'joins', container: { ...plain, ...rest } }));

const labels = fc
  .record({
    bindings: fc.constantFrom([], [at('6000')], [at('6001', '80/udp', '192.0.2.10')]),
    state: fc.constantFrom(...states),
    labels: fc.dictionary(fc.constantFrom(...labelKeys), fc.constantFrom(...spiteful), {
      minKeys: 1,
      maxKeys: 4,
    }),
    mode: fc.constantFrom('bridge', 'shop_default', 'shop_routed'),
  })
  .map((rest): Hostile => ({ kind: 'labels', container: { ...plain, ...rest } }));

const names = fc
  .record({
    bindings: fc.constant([at('6000')]),
    state: fc.constantFrom('running', 'created'),
    labels: fc
      .tuple(
        fc.constantFrom('dockwall.allow', 'dockwall.deny', 'dockwall.allow.80'),
        fc.constantFrom(...hostileNames),
      )
      .map(([key, name]) => ({ [key]: name })),
    mode: fc.constantFrom('bridge', 'shop_routed'),
  })
  .map((rest): Hostile => ({ kind: 'names', container: { ...plain, ...rest } }));

const identity = fc
  .record({
    name: fc.constantFrom(
      'evil',
      'shop',
      'shop_web',
      'game',
      'id-of-one',
      'mail',
      'a',
      ' ',
      '../x',
      'one/alias',
    ),
    called: fc.dictionary(
      fc.constantFrom('com.docker.compose.service', 'com.docker.swarm.service.name'),
      fc.constantFrom('one', 'shop', 'shop_web', 'shop_web', 'shop_web', 'game', 'mail', ''),
    ),
    labels: either,
    bindings: fc.uniqueArray(
      fc.constantFrom(at('6000'), at('80'), at('443', '443/tcp'), at('443', '443/udp'), ...wantedPorts),
      { maxLength: 2 },
    ),
    mode: fc.constantFrom('bridge', 'bridge', 'host'),
    state: fc.constantFrom(...states),
  })
  .map(({ called, ...rest }): Hostile => ({
    kind: 'identity',
    container: { ...plain, ...rest, labels: { ...rest.labels, ...called } },
  }));

const unknown = fc
  .record({
    bindings: fc.constantFrom(...wantedPorts).map((one) => [one]),
    state: fc.constantFrom(...states),
    labels: either,
  })
  .map((rest): Hostile => ({ kind: 'unknown', container: { ...plain, ...rest, told: false } }));

const nonsense = [null, 7, 'x', [], {}, true] as const;
const oddKeys = ['Names', 'Labels', 'State', 'Ports', 'HostConfig'] as const;
const odd = fc.oneof(
  // what an image exposes is Docker's to check, and it does not check everything
  fc
    .record({
      port: fc.constantFrom('80/foo', '80', '80/TCP', 'x/tcp', '99999/tcp', '-1/tcp', '80-90/tcp', '/', ''),
      hostPort: fc.constantFrom('8090', '70000', 'abc', '-5', '9-3', '1e3', ' 80'),
      type: fc.constantFrom('foo', 'tcp', 'TCP', '', 'icmp'),
      state: fc.constantFrom('created', 'running'),
    })
    .map(({ port, hostPort, type, state }): Hostile => {
      const Ports = [{ IP: '', PrivatePort: 80, Type: type }];
      const odd = { summary: { Ports } };
      return {
        kind: 'odd',
        container: { ...plain, state, bindings: [at(hostPort, port)], publishAll: [port], odd },
      };
    }),
  fc.tuple(fc.constantFrom(...oddKeys), fc.constantFrom(...nonsense)).map(([key, value]): Hostile => ({
    kind: 'odd',
    container: { ...plain, state: 'created', odd: { summary: { [key]: value }, details: { [key]: value } } },
  })),
  fc
    .tuple(fc.constantFrom('Options', 'Containers', 'Name', 'Driver', 'IPAM'), fc.constantFrom(...nonsense))
    .map(([key, value]): Hostile => ({
      kind: 'odd',
      network: { name: 'evil', driver: 'bridge', options: {}, subnets: [], odd: { [key]: value } },
      address: undefined,
    })),
);

const mesh = fc
  .record({
    name: fc.constantFrom('evil', 'mail', 'shop_web', 'one'),
    ports: fc.uniqueArray(
      fc.record({
        protocol: fc.constantFrom('tcp', 'udp'),
        published: fc.constantFrom(8090, 22, 8443, 9000, 6000),
      }),
      { minLength: 1, maxLength: 2 },
    ),
  })
  .map((service): Hostile => ({ kind: 'mesh', service }));

const byKind: Readonly<Record<Kind, fc.Arbitrary<Hostile>>> = {
  bridges,
  names,
  claims,
  unbound,
  declared,
  starting,
  joins,
  labels,
  identity,
  unknown,
  odd,
  mesh,
};

/** A few hostile objects of these kinds. */
export function hostiles(from: readonly Kind[]): fc.Arbitrary<readonly Hostile[]> {
  return fc.array(fc.oneof(...from.map((kind) => byKind[kind])), { minLength: 1, maxLength: 3 });
}
