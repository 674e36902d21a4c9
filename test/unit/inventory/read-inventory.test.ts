import { describe, expect, it } from 'vitest';
import type {
  ContainerDetails,
  ContainerSummary,
  NetworkDetails,
} from '../../../src/decide/inventory/docker-json.ts';
import type { PublishedPort } from '../../../src/decide/inventory/model.ts';
import { publishedPorts, requestedPorts } from '../../../src/decide/inventory/published-ports.ts';
import {
  readDetails,
  readServiceDetails,
  readSummary,
  sorted,
} from '../../../src/decide/inventory/read-docker.ts';
import { readInventory } from '../../../src/decide/inventory/read-inventory.ts';
import { containerPortsOf, hostPortsOf, rangeText } from '../../../src/decide/net/port-run.ts';

function summary(changes: Partial<ContainerSummary> = {}): ContainerSummary {
  return { Id: 'c1', Names: ['/web'], Labels: {}, State: 'running', Ports: [], HostConfig: {}, ...changes };
}

function details(bindings: ContainerDetails['HostConfig']['PortBindings'], all = false): ContainerDetails {
  return {
    Id: 'c1',
    Config: { ExposedPorts: { '80/tcp': {}, '53/udp': {} } },
    HostConfig: { NetworkMode: 'bridge', PublishAllPorts: all, PortBindings: bindings },
  };
}

const text = (port: PublishedPort): string => {
  const range = hostPortsOf(port);
  const host = range === undefined ? '?' : rangeText(range);
  return `v${port.family} ${port.address}:${host}->${rangeText(containerPortsOf(port))}/${port.protocol}`;
};

const bind = (HostIp: string, HostPort: string): { HostIp: string; HostPort: string }[] => [
  { HostIp, HostPort },
];

describe('what is asked for at create', () => {
  it.each<[string, Record<string, { HostIp: string; HostPort: string }[]>, string[]]>([
    [
      'no address: both families',
      { '80/tcp': bind('', '8080') },
      ['v4 any:8080->80/tcp', 'v6 any:8080->80/tcp'],
    ],
    ['0.0.0.0 is IPv4', { '80/tcp': bind('0.0.0.0', '80') }, ['v4 any:80->80/tcp']],
    [':: is IPv6', { '80/udp': bind('::', '80') }, ['v6 any:80->80/udp']],
    ['one address', { '80/tcp': bind('192.0.2.1', '80') }, ['v4 192.0.2.1:80->80/tcp']],
    ['IPv6 in canonical text', { '80/tcp': bind('2001:DB8:0::1', '80') }, ['v6 2001:db8::1:80->80/tcp']],
    [
      'unreadable: everywhere',
      { '80/tcp': bind('fe80::1%eth0', '80') },
      ['v4 any:80->80/tcp', 'v6 any:80->80/tcp'],
    ],
    ['a port that Docker chooses', { '80/tcp': bind('0.0.0.0', '') }, ['v4 any:?->80/tcp']],
    ['a range, all of it', { '80/tcp': bind('0.0.0.0', '80-81') }, ['v4 any:80-81->80/tcp']],
    [
      'sixteen in a row are one',
      Object.fromEntries(
        Array.from({ length: 16 }, (_, i) => [`${9000 + i}/udp`, bind('0.0.0.0', String(8000 + i))]),
      ),
      ['v4 any:8000-8015->9000-9015/udp'],
    ],
    [
      'fewer are ports by themselves',
      { '81/tcp': bind('0.0.0.0', '81'), '80/tcp': bind('0.0.0.0', '80') },
      ['v4 any:80->80/tcp', 'v4 any:81->81/tcp'],
    ],
    ['SCTP', { '80/sctp': bind('0.0.0.0', '80') }, ['v4 any:80->80/sctp']],
  ])('%s', (_, bindings, expected) => {
    expect(requestedPorts(details(bindings)).map(text)).toEqual(expected);
  });

  it('publish-all publishes what the image exposes', () => {
    expect(requestedPorts(details({}, true)).map(text)).toEqual([
      'v4 any:?->80/tcp',
      'v6 any:?->80/tcp',
      'v4 any:?->53/udp',
      'v6 any:?->53/udp',
    ]);
  });
});

describe('what is given', () => {
  it('names the port that Docker chose, and wins over what was asked', () => {
    const given = summary({
      Ports: [
        { IP: '0.0.0.0', PrivatePort: 80, PublicPort: 49_153, Type: 'tcp' },
        { PrivatePort: 443, Type: 'tcp' },
      ],
    });
    const ports = publishedPorts(given, details({ '80/tcp': bind('', '') }));
    expect(ports.map(text)).toEqual(['v4 any:49153->80/tcp']);
  });

  it('keeps what was asked and is not in the list: it is stale until start', () => {
    const ports = publishedPorts(summary(), details({ '80/tcp': bind('0.0.0.0', '80') }));
    expect(ports.map(text)).toEqual(['v4 any:80->80/tcp']);
  });
});

describe('readInventory', () => {
  const network = (changes: Partial<NetworkDetails>): NetworkDetails => ({
    Id: '0123456789abcdef',
    Name: 'n',
    Driver: 'bridge',
    Options: {},
    Containers: {},
    ...changes,
  });
  const read = (
    containers: ContainerSummary[],
    networks: NetworkDetails[] = [],
  ): ReturnType<typeof readInventory> =>
    readInventory({ containers, networks, details: new Map() }, { interfaces: [], listeners: [] });

  it('takes dockwall labels, in any case of the prefix, and no other', () => {
    const Labels = {
      'dockwall.public': '80',
      'Dockwall.Allow': 'x',
      dockwall: 'y',
      dockwallx: 'n',
      other: 'n',
    };
    expect(Object.keys(read([summary({ Labels })]).containers[0]?.labels ?? {})).toEqual([
      'Dockwall.Allow',
      'dockwall',
      'dockwall.public',
    ]);
  });

  it.each([
    ['running', true],
    ['paused', true],
    ['restarting', true],
    ['created', false],
    ['exited', false],
    ['dead', false],
  ])('a container that is %s is active: %s', (State, active) => {
    expect(read([summary({ State })]).containers[0]?.active).toBe(active);
  });

  it('knows image, project, networks and labels of others, and of a manager the labels of services', () => {
    const Labels = {
      'com.docker.compose.project': 'panel',
      'com.docker.swarm.service.name': 'web',
      'dockwall.allow': 'office',
    };
    const summary = readSummary({
      Id: 'a',
      Names: ['/7f3c'],
      State: 'created',
      Labels,
      Image: 'sha256:0123',
      NetworkSettings: { Networks: { panel_nw: {} } },
    });
    const service = readServiceDetails({
      ID: 's',
      Spec: {
        Name: 'web',
        Labels: { 'dockwall.public': '80', 'dockwall.allow': 'home', other: 'x' },
        TaskTemplate: { ContainerSpec: { Image: 'nginx:1@sha256:4567' } },
      },
      Endpoint: { Ports: [{ Protocol: 'tcp', TargetPort: 80, PublishedPort: 8080, PublishMode: 'ingress' }] },
    });
    const details = readDetails('a', { HostConfig: {}, Config: { Image: 'ghcr.io/pterodactyl/yolks' } });
    const { containers } = readInventory(
      {
        containers: sorted([summary]).found,
        details: new Map([['a', details]]),
        networks: [
          { Id: 'n', Name: 'late', Driver: 'bridge', Containers: { a: { IPv4Address: '172.18.0.2/16' } } },
        ],
        services: sorted([service]).found,
      },
      { interfaces: [], listeners: [] },
    );
    expect(containers).toMatchObject([
      {
        name: '7f3c',
        image: 'ghcr.io/pterodactyl/yolks',
        project: 'panel',
        networks: ['late', 'panel_nw'],
        labels: { 'dockwall.allow': 'office', 'dockwall.public': '80' },
        otherLabels: Labels,
      },
      {
        name: 'web',
        image: 'nginx:1@sha256:4567',
        labels: { 'dockwall.allow': 'home', 'dockwall.public': '80' },
      },
    ]);
  });

  it('keeps the ports of a service whose labels or image are odd', () => {
    const ports = [{ Protocol: 'tcp', TargetPort: 80, PublishedPort: 8080 }];
    const Spec = { Name: 'web', Labels: 7, TaskTemplate: 'x' };
    const read = readServiceDetails({ ID: 's', Spec, Endpoint: { Ports: ports } });
    expect(read).toMatchObject({
      found: { Spec: { Name: 'web' }, Endpoint: { Ports: [{ PublishedPort: 8080 }] } },
    });
  });

  it('finds bridges by option, by id, and none for macvlan', () => {
    const found = read(
      [],
      [
        network({ Name: 'a' }),
        network({ Name: 'b', Options: { 'com.docker.network.bridge.name': 'docker0' } }),
        network({ Name: 'c', Driver: 'macvlan' }),
      ],
    );
    expect(found.networks.map(({ bridge }) => bridge)).toEqual(['br-0123456789ab', 'docker0', undefined]);
  });

  it('gives a container its addresses, and knows routed gateway modes', () => {
    const Containers = { c1: { IPv4Address: '172.18.0.2/16', IPv6Address: '2001:db8::2/64' } };
    const Options = { 'com.docker.network.bridge.gateway_mode_ipv6': 'routed' };
    const found = read([summary()], [network({ Containers, Options })]);
    expect(found.containers[0]?.endpoints.map(({ address }) => address)).toEqual([
      '172.18.0.2',
      '2001:db8::2',
    ]);
    expect(found.networks[0]?.routed).toEqual([6]);
  });

  it.each([
    ['host', { kind: 'host' }],
    ['none', { kind: 'none' }],
    ['container:abc', { kind: 'container', id: 'abc' }],
    ['stack_default', { kind: 'own' }],
  ])('network mode %s', (NetworkMode, expected) => {
    const [container] = read([summary({ HostConfig: { NetworkMode } })]).containers;
    expect(container?.networkMode).toEqual(expected);
  });

  it('gives ports in one order, whatever order Docker lists them in', () => {
    const Ports = [443, 80].flatMap((port) =>
      ['::', '0.0.0.0'].map((IP) => ({ IP, PrivatePort: port, PublicPort: port, Type: 'tcp' as const })),
    );
    const ports = (listed: typeof Ports): readonly PublishedPort[] | undefined =>
      read([summary({ Ports: listed })]).containers[0]?.ports;
    expect(ports(Ports)?.map(text)).toEqual([
      'v4 any:80->80/tcp',
      'v6 any:80->80/tcp',
      'v4 any:443->443/tcp',
      'v6 any:443->443/tcp',
    ]);
    expect(ports([...Ports].reverse())).toEqual(ports(Ports));
  });

  it('takes the name of its own, not a link into another container', () => {
    expect(read([summary({ Names: ['/other/alias', '/web'] })]).containers[0]?.name).toBe('web');
  });
});
