import { describe, expect, it } from 'vitest';
import { readDetails } from '../../../src/decide/inventory/read-docker.ts';
import { readInventory } from '../../../src/decide/inventory/read-inventory.ts';
import type { Policy } from '../../../src/decide/policy/model.ts';
import { problemLine } from '../../../src/decide/policy/problem-line.ts';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import { loadConfig } from '../../../src/reach/config/load.ts';
import { type DockerClient, DockerError } from '../../../src/reach/docker/client.ts';
import { DockerSource } from '../../../src/reach/docker/source.ts';

/** What Docker answers, by container, network and list. */
interface Answers {
  readonly containers: unknown;
  readonly details: Readonly<Record<string, unknown>>;
  readonly networks: unknown;
  readonly network: Readonly<Record<string, unknown>>;
  readonly services: unknown;
}

const id = (letter: string): string => letter.repeat(64);

/** Somebody's public container on 8080, that nobody else's oddity may touch. */
const web = {
  summary: {
    Id: id('a'),
    Names: ['/web'],
    State: 'running',
    Labels: { 'dockwall.public': '*' },
    HostConfig: { NetworkMode: 'bridge' },
    Ports: [{ IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' }],
  },
  details: {
    Id: id('a'),
    HostConfig: { NetworkMode: 'bridge', PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] } },
  },
};
/** Stopped, and open when it starts, as long as nobody may take its port. */
const stopped = {
  summary: {
    ...web.summary,
    Id: id('b'),
    Names: ['/stopped'],
    State: 'exited',
    Ports: [],
  },
  details: {
    Id: id('b'),
    HostConfig: { NetworkMode: 'bridge', PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '9090' }] } },
  },
};
const odd = { ...web.summary, Id: id('0'), Names: ['/odd'], State: 'exited', Ports: [] };
const oddDetails = { Id: id('0'), HostConfig: { NetworkMode: 'bridge' } };
const mesh = { Id: 'mesh', Name: 'ingress', Driver: 'overlay', Ingress: true };
const bridge = { Id: id('d'), Name: 'bridge', Driver: 'bridge' };

const usual: Answers = {
  containers: [web.summary, stopped.summary],
  details: { [id('a')]: web.details, [id('b')]: stopped.details },
  networks: [bridge],
  network: { [bridge.Id]: bridge, mesh },
  services: [],
};

function clientOf(answers: Answers): DockerClient {
  return {
    info: () => Promise.resolve({}),
    version: () => Promise.resolve({}),
    containers: () => Promise.resolve(answers.containers as readonly unknown[]),
    inspect: async (asked) => {
      if (!(asked in answers.details)) throw new DockerError('not-found', 'no such container', {});
      return answers.details[asked];
    },
    networks: () => Promise.resolve(answers.networks as readonly unknown[]),
    network: (asked) => Promise.resolve(answers.network[asked]),
    services: () => Promise.resolve(answers.services as readonly unknown[]),
    watch: () => Promise.resolve(),
  };
}

async function policyOf(answers: Answers): Promise<Policy> {
  const config = loadConfig({ env: {} });
  if (!config.ok) throw new Error('bad configuration');
  const snapshot = await new DockerSource(clientOf(answers), () => {}, { patience: 20 }).list();
  return resolve(readInventory(snapshot, { interfaces: [], listeners: [] }), config.config);
}

/** Open ports, `web 8080 tcp`. */
function open({ services }: Policy): readonly string[] {
  const ports = services.flatMap(({ name, ports }) =>
    ports.flatMap(({ reach, hostPort, protocol }) =>
      reach.everyone !== undefined || reach.allow.length > 0 ? [`${name} ${hostPort} ${protocol}`] : [],
    ),
  );
  return [...new Set(ports)];
}

const theirs = ['stopped 9090 tcp', 'web 8080 tcp'];

const withOdd = (summary: unknown, details: unknown = oddDetails): Answers => ({
  ...usual,
  containers: [...(usual.containers as unknown[]), summary],
  details: { ...usual.details, [id('0')]: details },
});

describe('an entry that is odd is left out by itself', () => {
  const given = (...Ports: unknown[]): unknown => ({ ...odd, State: 'running', Ports });
  const good = { IP: '0.0.0.0', PrivatePort: 81, PublicPort: 8181, Type: 'tcp' };
  const asks = (PortBindings: unknown): unknown => ({ ...oddDetails, HostConfig: { PortBindings } });

  it.each<[string, Answers]>([
    [
      'ExposedPorts {"80/foo": {}} of an image',
      withOdd(given(good, { PrivatePort: 80, Type: 'foo' }), {
        ...(asks({ '81/tcp': [{ HostIp: '', HostPort: '8181' }] }) as object),
        Config: { ExposedPorts: { '80/foo': {}, '81/tcp': {} } },
      }),
    ],
    [
      'a port that is none',
      withOdd(given(good, { PrivatePort: 70_000, PublicPort: 5, Type: 'tcp' }, 5, null)),
    ],
    [
      'a label that is no text',
      withOdd({ ...(given(good) as object), Labels: { 'dockwall.public': '*', other: 5 } }),
    ],
    ['a name that is no text', withOdd({ ...(given(good) as object), Names: [5, '/odd'] })],
    [
      'bindings that are no list',
      withOdd(given(good), asks({ '82/tcp': 'x', '83/tcp': null, '81/tcp': [{ HostPort: '8181' }, 7] })),
    ],
    [
      'a host port that is none',
      withOdd(
        given(good),
        asks({ '81/tcp': [{ HostPort: '99999' }, { HostPort: 'x' }, { HostPort: '8181' }] }),
      ),
    ],
    [
      'a container port that is none',
      withOdd(given(good), asks({ '99999/tcp': [{ HostPort: '1' }], '/tcp': [] })),
    ],
  ])('%s', async (_, answers) => {
    const policy = await policyOf(answers);
    expect(open(policy)).toEqual(['odd 8181 tcp', ...theirs]);
    expect(policy.problems).toEqual([]);
  });

  it('a label of ours that is no text opens nothing', async () => {
    const policy = await policyOf(
      withOdd({ ...odd, Labels: { 'dockwall.public': '*', 'dockwall.deny': { a: 1 } } }),
    );
    expect(open(policy)).toEqual(theirs);
    expect(policy.problems.map(({ container, label }) => `${container} ${label}`)).toContain(
      'odd dockwall.deny',
    );
  });

  it('a protocol in capitals is the protocol', async () => {
    const details = asks({ '81/TCP': [{ HostIp: '', HostPort: '8181' }] });
    expect(open(await policyOf(withOdd({ ...odd, State: 'running' }, details)))).toContain('odd 8181 tcp');
  });

  it('an endpoint, an option, a service of a network', async () => {
    const network = {
      ...bridge,
      IPAM: 'x',
      Options: { a: 5, 'com.docker.network.bridge.name': 'docker0' },
      Containers: {
        [id('a')]: { IPv4Address: '172.17.0.2/16', IPv6Address: 5 },
        [id('b')]: 7,
        x: { IPv4Address: 'y' },
      },
    };
    const policy = await policyOf({ ...usual, network: { [bridge.Id]: network } });
    expect(
      policy.services.map(
        ({ name, endpoints }) => `${name} ${endpoints.map(({ address }) => address).join()}`,
      ),
    ).toEqual(['stopped ', 'web 172.17.0.2']);
    expect(policy.networks.map(({ bridge }) => bridge)).toEqual(['docker0']);
    expect(policy.problems).toEqual([]);
  });

  it("a port of a swarm's service", async () => {
    const ports = [
      { Protocol: 'foo', PublishedPort: 1 },
      5,
      { PublishedPort: 70_000 },
      { TargetPort: 'x', PublishedPort: 7070 },
    ];
    const services = [{ ID: 's', Spec: { Name: 'swarm' }, Endpoint: { Ports: ports } }];
    const policy = await policyOf({ ...usual, networks: [mesh], services });
    expect(
      policy.services.find(({ name }) => name === 'swarm')?.ports.map(({ hostPort }) => hostPort),
    ).toEqual([7070, 7070]);
  });
});

describe('an object that cannot be read is one problem, opens nothing, and touches nobody else', () => {
  it.each<[string, Answers, string]>([
    [
      'a container that is null',
      withOdd(null),
      "a container: Docker's answer: it cannot be read: it is null",
    ],
    [
      'a container without an id',
      withOdd({ Names: ['/x'] }),
      "a container: Docker's answer: it cannot be read: it has no readable Id",
    ],
    ['a state', withOdd({ ...odd, State: 5 }), "odd: Docker's answer: it cannot be read: State is a number"],
    ['ports', withOdd({ ...odd, Ports: 'x' }), "odd: Docker's answer: it cannot be read: Ports is a text"],
    ['labels', withOdd({ ...odd, Labels: [] }), "odd: Docker's answer: it cannot be read: Labels is a list"],
    ['details that are none', withOdd(odd, 'x'), "odd: Docker's answer: it cannot be read: they are a text"],
    ['details that are null', withOdd(odd, null), "odd: Docker's answer: it cannot be read: they are null"],
    [
      'details without a HostConfig',
      withOdd(odd, { Id: id('0') }),
      "odd: Docker's answer: it cannot be read: HostConfig is missing",
    ],
    [
      'bindings',
      withOdd(
        { ...odd, State: 'running', Ports: web.summary.Ports.map((port) => ({ ...port, PublicPort: 8181 })) },
        {
          HostConfig: { PortBindings: 'x' },
        },
      ),
      "odd: Docker's answer: it cannot be read: HostConfig.PortBindings is a text",
    ],
    [
      'a listed network',
      { ...usual, networks: [5, bridge] },
      "a network: Docker's answer: it cannot be read: it is a number",
    ],
    [
      'a network',
      {
        ...usual,
        networks: [bridge, { Id: 'n', Driver: 'bridge' }],
        network: { ...usual.network, n: { Name: 'lan' } },
      },
      "network lan: Docker's answer: it cannot be read: it has no readable Driver",
    ],
    [
      'a service',
      { ...usual, networks: [bridge, mesh], services: [5] },
      "a service: Docker's answer: it cannot be read: it is a number",
    ],
    [
      'a service without a name',
      { ...usual, networks: [bridge, mesh], services: [{ ID: 's', Spec: null }] },
      "service s: Docker's answer: it cannot be read: it has no readable Spec.Name",
    ],
  ])('%s', async (_, answers, problem) => {
    const policy = await policyOf(answers);
    expect(open(policy)).toEqual(theirs);
    expect(policy.problems.map(problemLine)).toEqual([problem]);
  });

  it('does not make the guard wait, and is asked for its details once', async () => {
    let asked = 0;
    const client = clientOf(withOdd(odd, null));
    const counting: DockerClient = {
      ...client,
      inspect: (one, signal) => {
        asked += 1;
        return client.inspect(one, signal);
      },
    };
    const source = new DockerSource(counting, () => {}, { patience: 20 });
    await source.list();
    await source.list();
    expect(asked).toBe(3);
    expect((await source.starting()).none).toBe(true);
  });

  it('a guest that cannot be read does not speak for the container whose network it shares', async () => {
    const config = loadConfig({ env: { DOCKWALL_DEFAULT: 'open' } });
    if (!config.ok) throw new Error('bad configuration');
    const guest = {
      ...odd,
      State: 'running',
      Labels: {},
      HostConfig: { NetworkMode: `container:${id('a')}` },
    };
    const plain = { ...web.summary, Labels: {} };
    const answers = { ...withOdd(guest, null), containers: [plain, guest] };
    const snapshot = await new DockerSource(clientOf(answers), () => {}, { patience: 20 }).list();
    const policy = resolve(readInventory(snapshot, { interfaces: [], listeners: [] }), config.config);
    expect(open(policy)).toEqual(['web 8080 tcp']);
  });

  it('a list that is none is no answer', async () => {
    for (const key of ['containers', 'networks'] as const) {
      const source = new DockerSource(clientOf({ ...usual, [key]: { message: 'x' } }), () => {}, {
        patience: 20,
      });
      await expect(source.list()).rejects.toThrow(`listing ${key}: the answer is no list`);
    }
  });
});

it('10,001 port bindings are read in well under 50 ms', () => {
  const bindings = Array.from({ length: 10_001 }, (_, index) => [
    `${index + 1}/udp`,
    [{ HostIp: '', HostPort: String(index + 1) }],
  ]);
  const text = JSON.stringify({ HostConfig: { PortBindings: Object.fromEntries(bindings) as unknown } });
  // The best of five: others use this machine too.
  const times = Array.from({ length: 5 }, () => {
    const answer: unknown = JSON.parse(text);
    const from = performance.now();
    const details = readDetails(id('a'), answer);
    const took = performance.now() - from;
    expect(Object.keys(details.HostConfig.PortBindings ?? {}).length).toBe(10_001);
    return took;
  });
  expect(Math.min(...times)).toBeLessThan(50);
});
