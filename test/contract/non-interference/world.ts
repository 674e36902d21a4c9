import fc from 'fast-check';
import type { HostFacts } from '../../../src/decide/inventory/read-inventory.ts';
import type { Cidr } from '../../../src/decide/net/network.ts';
import type { ConfigInForce } from '../../../src/decide/pass/decide.ts';
import { sourceKey } from '../../../src/decide/policy/config.ts';
import type { Answers } from '../../../src/decide/policy/model.ts';
import { config } from '../../unit/config/loading.ts';
import { type Document, documents, labelSets, type Words } from '../oracle-worlds.ts';
import { asDockerLets, type Declared } from './claims.ts';
import type { Binding, ContainerSpec, DockerSpec, NetworkSpec } from './docker.ts';

// What is there before a hostile owner comes: a host with services of its own and bridges of its own, a configuration, and
// everybody else's containers and networks.

/** A network interface of the host, with more than any one version of the code asks for. */
export interface InterfaceSpec {
  readonly name: string;
  readonly networks: readonly Cidr[];
  readonly kind: string;
  readonly master?: string;
}

export interface World {
  readonly document: Document;
  readonly docker: DockerSpec;
  readonly interfaces: readonly InterfaceSpec[];
  /** Services of the host itself. */
  readonly listens: readonly { readonly protocol: 'tcp' | 'udp'; readonly port: number }[];
}

/** A group whose name is too long for the name of a set: what is made of it has to be nobody else's. */
export const longGroup = 'customers-berlin-office';
/** As long, in a label. */
export const longName = 'customers-home.example.net';

const words: Words = {
  sources: [
    '198.51.100.0/24',
    '198.51.100.77',
    '203.0.113.8-203.0.113.11',
    '10.20.0.0/16',
    '2001:db8:a::/64',
    '2001:db8:b::9',
    longName,
    'interface:wg0',
    'ipset:others',
  ],
  groups: ['office', longGroup],
  ports: ['80', '443', '8080', '8090', '9000', 'container:80', '8000-9000', '*'],
  services: ['one', 'shop', 'shop_web'],
};

const cidrs = (...texts: readonly string[]): readonly Cidr[] => texts as readonly Cidr[];

/** Who live sources mean: a hostile owner holds all names but one. */
export const attacker = { 4: '203.0.113.66', 6: '2001:db8:f::66' } as const;
export function answersFor(names: readonly string[]): Answers {
  return new Map([
    [sourceKey({ kind: 'name', name: longName }), cidrs('198.51.100.200', '2001:db8:b::200')],
    ...names.map((name) => [sourceKey({ kind: 'name', name }), cidrs(attacker[4], attacker[6])] as const),
  ]);
}

/** Sets that something else keeps, for `ipset restore` and for the policy. */
export const othersText = 'create others hash:net family inet\nadd others 203.0.113.9\n';
export const others: ReadonlyMap<string, readonly Cidr[]> = new Map([['others', cidrs('203.0.113.9')]]);

const shop = { id: '0123456789abcdef', bridge: 'br-0123456789ab', mode: 'shop_default' };
const routed = { id: '1123456789abcdef', bridge: 'br-1123456789ab', mode: 'shop_routed' };
const usual = { id: '2123456789abcdef', bridge: 'docker0', mode: 'bridge' };
const named = { id: '3123456789abcdef', bridge: 'web0', mode: 'web' };
const homes = [shop, shop, routed, usual, named];

/** Docker's bridge before an address of everybody else's containers. */
export function bridgeOf(address: string): string | undefined {
  const index = /^(?:172\.18\.|fd18:)(\d)/.exec(address)?.[1];
  return index === undefined ? undefined : [shop, routed, usual, named][Number(index)]?.bridge;
}

function networksFor(containers: readonly ContainerSpec[]): readonly NetworkSpec[] {
  return [shop, routed, usual, named].map(({ id, bridge, mode }, index) => ({
    id,
    name: mode,
    driver: 'bridge',
    options: {
      ...(bridge.startsWith('br-') ? {} : { 'com.docker.network.bridge.name': bridge }),
      ...(mode === routed.mode
        ? {
            'com.docker.network.bridge.gateway_mode_ipv4': 'routed',
            'com.docker.network.bridge.gateway_mode_ipv6': 'routed',
          }
        : {}),
    },
    subnets: [`172.18.${index}.0/24`, `fd18:${index}::/64`],
    endpoints: Object.fromEntries(
      containers.flatMap(({ id: container, state, mode: where }, at) =>
        where === mode && state === 'running'
          ? [[container, [`172.18.${index}.${at + 2}`, `fd18:${index}::${at + 2}`]]]
          : [],
      ),
    ),
  }));
}

/** `8080:80/tcp` at an address, or at none. */
const at = (hostIp: string, hostPort: string, port: string): Binding => ({ hostIp, hostPort, port });
const published: readonly Binding[] = [
  at('', '80', '80/tcp'),
  at('', '8080', '80/tcp'),
  at('0.0.0.0', '8090', '80/tcp'),
  at('', '443', '443/tcp'),
  at('', '443', '443/udp'),
  at('192.0.2.10', '8081', '80/tcp'),
  at('2001:db8:1::10', '8081', '80/tcp'),
  at('127.0.0.1', '9000', '90/tcp'),
  at('', '7000-7003', '70/tcp'),
  at('', '', '81/tcp'),
];

const states = fc.constantFrom('running', 'running', 'running', 'running', 'paused', 'exited', 'created');

function containers(index: number): fc.Arbitrary<ContainerSpec> {
  const name = ['one', 'two', 'three'][index] ?? 'one';
  return fc
    .record({
      bindings: fc.uniqueArray(fc.constantFrom(...published), { maxLength: 3 }),
      labels: labelSets(words),
      state: states,
      where: fc.constantFrom(...homes.map(({ mode }) => mode), 'host', 'host', 'container:id-of-one'),
      declares: fc.constantFrom('9000', '9000/tcp,9100/udp', ''),
      compose: fc.constantFrom(undefined, 'shop'),
      swarm: fc.constantFrom(undefined, undefined, 'shop_web'),
      told: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
    })
    .map(({ bindings, labels, state, where, declares, compose, swarm, told }) => ({
      id: `id-of-${name}`,
      name,
      state,
      labels: {
        ...labels,
        ...(where === 'host' ? { 'dockwall.ports': declares } : {}),
        ...(compose === undefined ? {} : { 'com.docker.compose.service': compose }),
        ...(swarm === undefined ? {} : { 'com.docker.swarm.service.name': swarm }),
      },
      mode: where === `container:id-of-${name}` ? shop.mode : where,
      bindings: where === 'host' || where.startsWith('container:') ? [] : bindings,
      told,
    }));
}

const bridge = (name: string, ...networks: readonly string[]): InterfaceSpec => ({
  name,
  networks: cidrs(...networks),
  kind: 'bridge',
});
const dockers = [
  bridge(shop.bridge, '172.18.0.0/24', 'fd18:0::/64'),
  bridge(routed.bridge, '172.18.1.0/24', 'fd18:1::/64'),
  bridge(usual.bridge, '172.18.2.0/24', 'fd18:2::/64'),
  bridge(named.bridge, '172.18.3.0/24', 'fd18:3::/64'),
];
const device = (name: string, master?: string): InterfaceSpec => ({
  name,
  networks: [],
  kind: 'device',
  ...(master === undefined ? {} : { master }),
});
const lan = [bridge('br0', '10.20.0.0/24', '2001:db8:20::/64'), device('eth1', 'br0')];
const lanLikeDocker = [bridge('br-lan', '10.30.0.0/24'), device('eth2', 'br-lan')];

const interfaces = fc
  .tuple(fc.boolean(), fc.boolean())
  .map(([hasLan, hasOther]) => [
    { name: 'lo', networks: cidrs('127.0.0.0/8', '::1'), kind: 'device' },
    { name: 'eth0', networks: cidrs('192.0.2.0/24', '2001:db8:1::/64'), kind: 'device' },
    { name: 'wg0', networks: cidrs('10.8.0.0/24'), kind: 'wireguard' },
    ...dockers,
    ...(hasLan ? lan : []),
    ...(hasOther ? lanLikeDocker : []),
  ]);

const bare = { options: {}, endpoints: {} };

/** `services:` entries that declare ports, beside those of {@link documents}. */
const declaring = fc.constantFrom<Document>(
  {},
  {},
  { game: { ports: ['9100/udp'], public: ['9100'] } },
  { one: { ports: ['9000/tcp', '9100/udp'], public: ['9000'] } },
  { shop: { ports: ['9000/tcp'], allow: ['office'] } },
  { shop_web: { ports: ['8443/tcp'], allow: ['office'] } },
  // where one of the two is not published it is a mistake, and opens nothing
  { shop_web: { public: ['80', '443'] } },
);

export const worlds: fc.Arbitrary<World> = fc
  .record({
    document: documents(words),
    declaring,
    auto: fc.integer({ min: 0, max: 4 }).map((n) => n > 0),
    interfaces,
    containers: fc.tuple(containers(0), containers(1), containers(2)),
    swarm: fc.constantFrom('no', 'no', 'alone', 'with a service'),
    listens: fc.constantFrom<World['listens']>(
      [
        { protocol: 'tcp', port: 22 },
        { protocol: 'udp', port: 51_820 },
      ],
      [{ protocol: 'tcp', port: 22 }],
    ),
  })
  .map(({ document, declaring: more, auto, containers: specs, swarm, listens, ...rest }) => {
    const services = { ...(document['services'] as Document | undefined), ...more };
    const running = asDockerLets(specs, listens);
    const unbound: readonly NetworkSpec[] = [
      {
        ...bare,
        id: '5123456789abcdef',
        name: 'shop_macvlan',
        driver: 'macvlan',
        subnets: ['192.0.2.128/25'],
      },
      {
        ...bare,
        id: '6123456789abcdef',
        name: 'shop_internal',
        driver: 'bridge',
        subnets: ['172.19.0.0/24'],
      },
    ];
    const ingress: NetworkSpec = {
      ...bare,
      id: '4123456789abcdef',
      name: 'ingress',
      driver: 'overlay',
      subnets: ['10.0.0.0/24'],
      ingress: true,
    };
    return {
      document: { ...document, services, interfaces: auto ? 'auto' : ['eth0', 'wg0'] },
      docker: {
        containers: running,
        networks: [...networksFor(running), ...unbound, ...(swarm === 'no' ? [] : [ingress])],
        services:
          swarm === 'with a service'
            ? [{ id: 'service-mail', name: 'mail', ports: [{ protocol: 'tcp', published: 8025 }] }]
            : [],
      },
      listens,
      ...rest,
    };
  });

export function inForce({ document }: World): ConfigInForce {
  return { config: config(JSON.stringify(document)), lockedDown: false };
}

/** With the addresses of the listeners as well, of which not every version of the code knows. */
export function hostFacts({ interfaces: found, listens }: Pick<World, 'interfaces' | 'listens'>): HostFacts {
  const listeners = listens.flatMap((one) =>
    ([4, 6] as const).map((family) => ({ ...one, family, address: 'any' as const })),
  );
  return { interfaces: found, listeners };
}

/** What `dockwall.ports` is for a container, and whose word that is: an entry of the configuration that has it speaks for the label. */
export function declaredIn({ document }: World): Declared {
  const services = (document['services'] ?? {}) as Readonly<
    Record<string, { readonly ports?: readonly string[] }>
  >;
  return ({ name, labels }) => {
    const names = [name, labels['com.docker.compose.service'], labels['com.docker.swarm.service.name']];
    const entry = names.find((one) => one !== undefined && one in services);
    const configured = entry === undefined ? undefined : services[entry]?.ports?.join(',');
    if (configured !== undefined) return { ports: configured, configured: true };
    const own = labels['dockwall.ports'];
    return own === undefined ? undefined : { ports: own };
  };
}
