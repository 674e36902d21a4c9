import { describe, expect, it } from 'vitest';
import type { Container, HostPort } from '../../../src/decide/inventory/model.ts';
import type { Config } from '../../../src/decide/policy/config.ts';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import { cidr, entriesOf, groupsOf, makeConfig, makeContainer, makeInventory, ports } from './inventories.ts';

// Who has a host port that several claim: containers that publish it, that declare it, and the host itself.

const everybody = { 'dockwall.public': '*' };
const running = makeContainer('running', { ports: ports('8090:80'), labels: everybody });
const created = (name: string, changes: Partial<Container> = {}): Container =>
  makeContainer(name, { ports: ports('8090:80'), active: false, ...changes });
const declaring = (name: string, declared: string, changes: Partial<Container> = {}): Container =>
  makeContainer(name, {
    networkMode: { kind: 'host' },
    ...changes,
    labels: { 'dockwall.ports': declared, ...changes.labels },
  });

interface World {
  readonly containers: readonly Container[];
  readonly known?: readonly HostPort[];
  readonly judged?: readonly HostPort[];
  readonly config?: Config;
}

/** IPv4, each port: `running 8090 everybody`, `x 22 lapsed`, `y 80 closed, denies 203.0.113.0/24`. */
function settled({ containers, known = [], judged = [], config = makeConfig() }: World): readonly string[] {
  const inventory = makeInventory(containers, {
    hostListeners: known,
    judgedListeners: judged,
    networks: [{ id: 'n', name: 'n', driver: 'bridge', bridge: 'br-n', routed: [] }],
  });
  return resolve(inventory, config).services.flatMap(({ name, ports: all }) =>
    all
      .filter(({ family, protocol }) => family === 4 && protocol === 'tcp')
      .map(({ hostPort, lapsed, reach: { everyone, allow, deny } }) => {
        const names = (rules: typeof allow): string =>
          rules.map(({ peer }) => (peer.kind === 'group' ? peer.name : peer.network)).join(' ');
        const opens = everyone === undefined ? names(allow) || 'closed' : 'everybody';
        const denies = deny.length === 0 ? '' : `, denies ${names(deny)}`;
        return `${name} ${hostPort} ${lapsed ? 'lapsed' : `${opens}${denies}`}`;
      }),
  );
}

describe('who does not run takes nothing from who does', () => {
  it('a container that never ran denies nobody the port of the running one', () => {
    const enemy = created('enemy', { labels: { 'dockwall.deny': '203.0.113.0/24' } });
    expect(settled({ containers: [running, enemy] })).toEqual([
      'running 8090 everybody',
      'enemy 8090 closed',
    ]);
  });

  it('of two that do not run only what both say counts', () => {
    const one = created('one', { labels: { ...everybody, 'dockwall.deny': '203.0.113.0/24' } });
    const two = created('two', { labels: everybody });
    expect(settled({ containers: [one, two] })).toEqual([
      'one 8090 everybody, denies 203.0.113.0/24',
      'two 8090 everybody',
    ]);
  });

  it('what many say of one port is as much as they say, and no more for each of them', () => {
    const sources = (index: number): string =>
      Array.from({ length: 20 }, (_, at) => `10.0.${index}.${at}`).join(',');
    const containers = Array.from({ length: 10 }, (_, index) =>
      created(`c${index}`, {
        labels: { ...everybody, 'dockwall.allow': sources(index), 'dockwall.deny': sources(index + 100) },
      }),
    );
    const reaches = resolve(makeInventory(containers), makeConfig()).services.flatMap((service) =>
      service.ports.filter(({ family }) => family === 4).map(({ reach }) => reach),
    );
    expect(reaches).toHaveLength(10);
    for (const { everyone, allow, deny } of reaches) {
      expect(everyone).toBeDefined();
      expect(allow.length).toBeLessThanOrEqual(20);
      expect(deny).toHaveLength(20);
    }
  });
});

describe('a declaration is the weakest claim', () => {
  const config = makeConfig({ groups: groupsOf({ office: ['198.51.100.0/24'] }) });
  const open = declaring('host', '8090/tcp', { labels: everybody });

  it('opens its port while nobody else claims it', () => {
    expect(settled({ containers: [open] })).toEqual(['host 8090 everybody']);
  });

  it.each([
    ['has been made', created('next')],
    ['runs', makeContainer('next', { ports: ports('8090:80') })],
    ['publishes it on one address', created('next', { ports: ports('192.0.2.1:8090:80') })],
  ])('opens nothing once there is one that publishes it, which %s', (_, next) => {
    expect(settled({ containers: [open, next] })).toEqual(['host 8090 closed', 'next 8090 closed']);
  });

  it.each([
    ['made', false, '127.0.0.1:8090:80'],
    ['running', true, '127.0.0.53:8090:80'],
  ])('stands beside one that publishes the port on loopback, %s', (_, active, publish) => {
    const local = created('local', { active, ports: ports(publish) });
    const stopped = { ...open, active: false };
    const published = created('published', { labels: everybody });
    for (const other of [open, stopped, published])
      expect(settled({ containers: [other, local] })).toContain(`${other.name} 8090 everybody`);
  });

  it('stands beside one that asks for more ports than it may, on loopback', () => {
    const crowd = created('crowd', {
      ports: ports('127.0.0.1:1:1').map((port) => ({ ...port, count: 40_000 })),
    });
    expect(settled({ containers: [open, crowd] })).toContain('host 8090 everybody');
  });

  it('takes nothing from one that publishes it: not what it opens, and nobody it lets in', () => {
    const hostile = declaring('host', '8090/tcp', { labels: { 'dockwall.deny': '203.0.113.0/24' } });
    expect(settled({ containers: [hostile, running] })).toEqual([
      'host 8090 closed',
      'running 8090 everybody',
    ]);
  });

  it('is not opened by one that publishes the port and does not run', () => {
    const closed = declaring('host', '8090/tcp', { labels: { 'dockwall.allow': 'office' } });
    const next = created('next', { labels: everybody });
    expect(settled({ containers: [closed, next], config })).toEqual(['host 8090 closed', 'next 8090 closed']);
  });

  it('opens nothing while it is not known what a new container publishes', () => {
    const unknown = makeContainer('new', { active: false, portsKnown: false });
    expect(settled({ containers: [open, unknown] })).toEqual(['host 8090 closed']);
    expect(settled({ containers: [running, unknown] })).toEqual(['running 8090 everybody']);
  });
});

describe('what the configuration declares is stronger than what any container declares', () => {
  const game = makeContainer('game', { networkMode: { kind: 'host' } });
  const config = makeConfig({
    services: entriesOf({ game: { 'dockwall.ports': '8090/tcp', ...everybody } }),
  });

  it.each<[string, Container]>([
    ['is made and publishes the port', created('next')],
    ['is made and asks for nobody knows what', makeContainer('next', { active: false, portsKnown: false })],
    ['runs and declares the port', declaring('next', '8090/tcp')],
    ['runs, declares the port and denies', declaring('next', '8090', { labels: { 'dockwall.deny': 'any' } })],
    [
      'runs and has not been given the port',
      makeContainer('next', {
        ports: ports('8090:80').map((port) => ({ ...port, unbound: 'runs' as const })),
      }),
    ],
  ])('beside one that %s', (_, next) => {
    const lines = settled({ containers: [game, next], config });
    expect(lines).toContain('game 8090 everybody');
    expect(
      lines.filter((line) => line.startsWith('next')).filter((line) => line !== 'next 8090 closed'),
    ).toEqual([]);
  });

  it('and not than what one has that runs and publishes it', () => {
    const next = makeContainer('next', {
      ports: ports('8090:80'),
      labels: { 'dockwall.deny': '203.0.113.0/24' },
    });
    expect(settled({ containers: [game, next], config })).toEqual([
      'game 8090 closed',
      'next 8090 closed, denies 203.0.113.0/24',
    ]);
  });

  it('takes nothing from one that runs and publishes it, whoever is called so', () => {
    const closing = makeConfig({ services: entriesOf({ game: { 'dockwall.ports': '8090/tcp' } }) });
    expect(settled({ containers: [game, running], config: closing })).toEqual([
      'game 8090 closed',
      'running 8090 everybody',
    ]);
  });

  it('opens nothing for one that declares the port as well', () => {
    const closing = makeConfig({ services: entriesOf({ game: { 'dockwall.ports': '8090/tcp' } }) });
    for (const active of [true, false])
      expect(
        settled({
          containers: [{ ...game, active }, declaring('next', '8090/tcp', { labels: everybody })],
          config: closing,
        }),
      ).toEqual(['game 8090 closed', 'next 8090 closed']);
  });
});

describe('what the host itself holds', () => {
  const all = (port: number, family: 4 | 6 = 4): HostPort => ({
    family,
    address: 'any',
    protocol: 'tcp',
    port,
  });
  const ssh = created('ssh', { ports: ports('22:22') });

  it.each<[string, Container, boolean]>([
    ['on all addresses', ssh, true],
    ['on IPv4 only', created('ssh', { ports: ports('22:22').slice(0, 1) }), true],
    ['on one address', created('ssh', { ports: ports('192.0.2.1:22:22') }), true],
    ['and runs', { ...ssh, active: true }, false],
    ['another port', created('ssh', { ports: ports('23:22') }), false],
  ])('is not claimed by one that publishes it %s', (_, container, lapsed) => {
    for (const facts of [{ known: [all(22)] }, { judged: [all(22)] }]) {
      const [line = ''] = settled({ containers: [container], ...facts });
      expect(line.endsWith('lapsed')).toBe(lapsed);
    }
  });

  it('is Docker’s where a container that is being started claims it, unless it was known before', () => {
    const starting = { ...ssh, endpoints: [{ networkId: 'n', address: cidr('172.18.0.2') }] };
    expect(settled({ containers: [starting], judged: [all(22)] })).toEqual(['ssh 22 closed']);
    expect(settled({ containers: [starting], known: [all(22)] })).toEqual(['ssh 22 lapsed']);
  });

  it('on IPv6 is not claimed on IPv4 by one that needs both, but by one that needs IPv4 only', () => {
    expect(settled({ containers: [ssh], known: [all(22, 6)] })).toEqual(['ssh 22 lapsed']);
    const alone = created('ssh', { ports: ports('22:22').filter(({ family }) => family === 4) });
    expect(settled({ containers: [alone], known: [all(22, 6)] })).toEqual(['ssh 22 closed']);
    const any = created('any', {
      ports: ports('22:22').map((port) => ({ ...port, count: 2, oneOf: true as const })),
    });
    expect(settled({ containers: [any], known: [all(22, 6)] })).toEqual(['any 22 closed']);
  });

  it('on another address is claimed all the same', () => {
    const other: HostPort = { ...all(22), address: cidr('192.0.2.1') };
    const elsewhere = created('ssh', { ports: ports('192.0.2.2:22:22') });
    expect(settled({ containers: [elsewhere], known: [other] })).toEqual(['ssh 22 closed']);
  });

  it('in the middle of a range, is out of it', () => {
    const range = created('range', {
      ports: ports('20000:20000').map((port) => ({ ...port, count: 100 })),
      labels: everybody,
    });
    expect(settled({ containers: [range], known: [all(20_050)] })).toEqual([
      'range 20000 everybody',
      'range 20050 lapsed',
      'range 20051 everybody',
    ]);
  });

  it('is not taken by a container that declares it, whether it runs or not', () => {
    const greedy = declaring('greedy', '22/tcp', { labels: everybody });
    expect(settled({ containers: [greedy], known: [all(22)] })).toEqual(['greedy 22 lapsed']);
    expect(settled({ containers: [{ ...greedy, active: false }], judged: [all(22)] })).toEqual([
      'greedy 22 lapsed',
    ]);
  });

  it('is a container’s that declares it and runs where nobody knows who was there first', () => {
    const assistant = declaring('assistant', '8123/tcp');
    expect(settled({ containers: [assistant], judged: [all(8123)] })).toEqual(['assistant 8123 closed']);
  });

  it('is a container’s where the configuration says so', () => {
    const assistant = makeContainer('assistant', { networkMode: { kind: 'host' } });
    const config = makeConfig({ services: entriesOf({ assistant: { 'dockwall.ports': '8123/tcp' } }) });
    expect(settled({ containers: [assistant], known: [all(8123)], config })).toEqual([
      'assistant 8123 closed',
    ]);
  });

  it('is not where the configuration says so of whatever matches: that may be anybody', () => {
    const assistant = makeContainer('assistant', { networkMode: { kind: 'host' } });
    const entry = { labels: { 'dockwall.ports': '8123/tcp' }, match: { name: ['a*'] } };
    const config = makeConfig({ services: new Map([['home', entry]]) });
    expect(settled({ containers: [assistant], known: [all(8123)], config })).toEqual([
      'assistant 8123 lapsed',
    ]);
  });
});

it('a range is cut only where something else comes of it', () => {
  const singles = Array.from({ length: 100 }, (_, index) => ports(`${1000 + 2 * index}:80`)).flat();
  const several = ['a', 'b', 'c'].map((name) => declaring(name, '1-32767/tcp'));
  const publisher = makeContainer('publisher', { ports: singles });
  // they open nothing, so nothing changes anywhere
  expect(settled({ containers: [...several, publisher] })).toEqual([
    'a 1 closed',
    'b 1 closed',
    'c 1 closed',
    ...Array.from({ length: 100 }, (_, index) => `publisher ${1000 + 2 * index} closed`),
  ]);
  const open = several.map((one) => ({ ...one, labels: { ...one.labels, ...everybody } }));
  const lines = settled({ containers: [...open, publisher] });
  expect(lines).toHaveLength(3 * 201 + 100);
  expect(lines.slice(0, 4)).toEqual(['a 1 everybody', 'a 1000 closed', 'a 1001 everybody', 'a 1002 closed']);
});
