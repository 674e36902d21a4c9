import { describe, expect, it } from 'vitest';
import type { Container } from '../../../src/decide/inventory/model.ts';
import type { Config, SourceKey } from '../../../src/decide/policy/config.ts';
import type { Answers } from '../../../src/decide/policy/model.ts';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import type { Ruleset } from '../../../src/decide/wall/model.ts';
import { render } from '../../../src/decide/wall/render.ts';
import {
  cidr,
  entriesOf,
  groupsOf,
  makeConfig,
  makeContainer,
  makeInventory,
  peerList,
  ports,
} from './inventories.ts';

/** Every open port of a policy as `service 80/tcp everybody` or `service 80/tcp web,203.0.113.7`, IPv4 only. */
function reaches(containers: readonly Container[], config: Config = makeConfig()): readonly string[] {
  const policy = resolve(makeInventory(containers), config);
  return policy.services.flatMap(({ name, ports }) =>
    ports
      .filter(({ family }) => family === 4)
      .map(({ hostPort, protocol, reach }) => {
        const peers = reach.allow.map(({ peer }) => (peer.kind === 'group' ? peer.name : peer.network));
        const who = reach.everyone === undefined ? peers.join(',') || 'closed' : 'everybody';
        return `${name} ${hostPort}/${protocol} ${who}`;
      }),
  );
}

function problems(containers: readonly Container[], config: Config = makeConfig()): readonly string[] {
  return resolve(makeInventory(containers), config).problems.map(
    ({ container, label, problem, hint }) =>
      `${container} ${label}: ${problem}${hint === undefined ? '' : ` [${hint}]`}`,
  );
}

const web = (labels: Record<string, string>, ...published: string[]): Container =>
  makeContainer('web', { labels, ports: ports(...published) });

const groups = makeConfig({ groups: groupsOf({ office: ['198.51.100.0/24'], home: ['203.0.113.0/24'] }) });

describe('what labels open', () => {
  it.each<[string, Record<string, string>, string[], string[]]>([
    ['nothing without a label', {}, ['80:80'], ['web 80/tcp closed']],
    [
      'a port by number',
      { 'dockwall.public': '80' },
      ['80:80', '443:443'],
      ['web 80/tcp everybody', 'web 443/tcp closed'],
    ],
    [
      'a port by name',
      { 'dockwall.public': 'http, https' },
      ['80:80', '443:443'],
      ['web 80/tcp everybody', 'web 443/tcp everybody'],
    ],
    [
      'a bare number in every protocol',
      { 'dockwall.public': '443' },
      ['443:443', '443:443/udp'],
      ['web 443/tcp everybody', 'web 443/udp everybody'],
    ],
    [
      'one protocol where it is named',
      { 'dockwall.public': '443/tcp' },
      ['443:443', '443:443/udp'],
      ['web 443/tcp everybody', 'web 443/udp closed'],
    ],
    ['8080:80 by host port', { 'dockwall.public': '8080' }, ['8080:80'], ['web 8080/tcp everybody']],
    ['8080:80 by container port', { 'dockwall.public': '80' }, ['8080:80'], ['web 8080/tcp everybody']],
    ['8080:80 by name', { 'dockwall.public': 'http' }, ['8080:80'], ['web 8080/tcp everybody']],
    [
      '8080:80 by container: prefix',
      { 'dockwall.public': 'container:80' },
      ['8080:80'],
      ['web 8080/tcp everybody'],
    ],
    [
      'the host port where both kinds match',
      { 'dockwall.public': '80' },
      ['8080:80', '80:3000'],
      ['web 8080/tcp closed', 'web 80/tcp everybody'],
    ],
    [
      'the container port where it is said',
      { 'dockwall.public': 'container:80' },
      ['8080:80', '80:3000'],
      ['web 8080/tcp everybody', 'web 80/tcp closed'],
    ],
    [
      'both publishes of one container port',
      { 'dockwall.public': '80' },
      ['8080:80', '8081:80'],
      ['web 8080/tcp everybody', 'web 8081/tcp everybody'],
    ],
    [
      'one of three',
      { 'dockwall.public': '81' },
      ['80:80', '81:81', '82:82'],
      ['web 80/tcp closed', 'web 81/tcp everybody', 'web 82/tcp closed'],
    ],
    [
      'a range',
      { 'dockwall.public': '8000-8001' },
      ['8000:1', '8001:2', '8002:3'],
      ['web 8000/tcp everybody', 'web 8001/tcp everybody', 'web 8002/tcp closed'],
    ],
    [
      'everything with a star',
      { 'dockwall.public': '*' },
      ['80:80', '53:53/udp'],
      ['web 80/tcp everybody', 'web 53/udp everybody'],
    ],
    [
      'every port to a group',
      { 'dockwall.allow': 'office' },
      ['80:80', '81:81'],
      ['web 80/tcp office', 'web 81/tcp office'],
    ],
    [
      'every port to addresses',
      { 'dockwall.allow': '203.0.113.7 198.51.100.9' },
      ['80:80'],
      ['web 80/tcp 203.0.113.7,198.51.100.9'],
    ],
    [
      'one port to a group',
      { 'dockwall.allow.81': 'office' },
      ['80:80', '81:81'],
      ['web 80/tcp closed', 'web 81/tcp office'],
    ],
    [
      'a mix',
      { 'dockwall.public': 'http', 'dockwall.allow.ssh': 'home' },
      ['80:80', '22:22'],
      ['web 80/tcp everybody', 'web 22/tcp home'],
    ],
    ['everybody by allow=any', { 'dockwall.allow': 'any' }, ['80:80'], ['web 80/tcp everybody']],
    ['an empty value opens nothing', { 'dockwall.public': '' }, ['80:80'], ['web 80/tcp closed']],
  ])('%s', (_, labels, published, expected) => {
    expect(reaches([web(labels, ...published)], groups)).toEqual(expected);
    expect(problems([web(labels, ...published)], groups)).toEqual([]);
  });
});

describe('a bad label closes its container, and no other', () => {
  it.each<[string, Record<string, string>, RegExp]>([
    ['unknown key', { 'dockwall.publik': 'http' }, /no such label \[dockwall\.public\]/],
    ['misspelt prefix', { 'dockwal.public': 'http' }, /begin with "dockwall\." .*\[dockwall\.public\]/],
    ['another sign', { dockwall_allow_80: 'office' }, /begin with "dockwall\." .*\[dockwall\.allow\.80\]/],
    ['upper case key', { 'Dockwall.Public': 'http' }, /lower case \[dockwall\.public\]/],
    ['bare prefix', { dockwall: 'public' }, /begin with "dockwall\."/],
    [
      'port that is not published',
      { 'dockwall.public': '81' },
      /port 81 is not published \[published: 80->80\/tcp\]/,
    ],
    ['unknown group', { 'dockwall.allow': 'ofice' }, /no group is named "ofice" \[office\]/],
    [
      'country',
      { 'dockwall.allow': 'DE' },
      /cannot name a country: `DE` \[name it in a group of the configuration, groups: \{de: \["country:DE"\]\}, and the group here\]/,
    ],
    ['country by its word', { 'dockwall.allow': 'country:de' }, /cannot name a country: `country:de` \[/],
    ['bad address', { 'dockwall.allow': '300.1.1.1' }, /300\.1\.1\.1/],
    ['octal address', { 'dockwall.allow': '010.0.0.1' }, /010\.0\.0\.1/],
    ['bad prefix', { 'dockwall.allow': '203.0.113.0/33' }, /33/],
    ['pattern of interfaces', { 'dockwall.allow': 'interface:wg+' }, /is a pattern/],
    ['unknown service name', { 'dockwall.public': 'htttp' }, /http/],
    ['denying everybody', { 'dockwall.deny': 'any' }, /"any" cannot be denied/],
    [
      'denying everybody in other words',
      { 'dockwall.deny': '10.0.0.1, 0.0.0.0/0' },
      /"0\.0\.0\.0\/0" cannot be denied/,
    ],
    ['denying everybody in halves', { 'dockwall.deny': '::/1 8000::/1' }, /"::\/0" cannot be denied/],
    ['newline and option', { 'dockwall.allow': 'office\n-j ACCEPT' }, /no group is named "-j"/],
    ['bad port list', { 'dockwall.ports': 'eighty' }, /eighty/],
    ['10 kB', { 'dockwall.allow': 'x'.repeat(10_000) }, /10000 bytes is longer than the 4096/],
  ])('%s', (_, labels, expected) => {
    const bad = web({ 'dockwall.public': '80', ...labels }, '80:80');
    const good = makeContainer('good', { labels: { 'dockwall.public': '90' }, ports: ports('90:90') });
    expect(problems([bad, good], groups).join('\n')).toMatch(expected);
    expect(reaches([bad, good], groups)).toEqual(['web 80/tcp closed', 'good 90/tcp everybody']);
  });

  it('also where unlabelled containers are open', () => {
    expect(reaches([web({ 'dockwall.publik': 'http' }, '80:80')], makeConfig({ default: 'open' }))).toEqual([
      'web 80/tcp closed',
    ]);
  });

  it('waits, without complaint, for ports that Docker has not told yet', () => {
    const starting = makeContainer('web', { labels: { 'dockwall.public': '80' }, portsKnown: false });
    expect(problems([starting])).toEqual([]);
  });
});

describe('default: open', () => {
  const open = makeConfig({ default: 'open' });
  it('opens what says nothing, and leaves what speaks alone', () => {
    const silent = makeContainer('silent', { ports: ports('1:1') });
    const described = makeContainer('described', {
      labels: { 'dockwall.description': 'x' },
      ports: ports('2:2'),
    });
    const closed = makeContainer('closed', { labels: { 'dockwall.public': '' }, ports: ports('3:3') });
    expect(reaches([silent, described, closed], open)).toEqual([
      'silent 1/tcp everybody',
      'described 2/tcp everybody',
      'closed 3/tcp closed',
    ]);
  });
});

describe('services in the configuration', () => {
  it('replace labels key by key, by container or compose service name', () => {
    const config = makeConfig({
      services: entriesOf({
        web: { 'dockwall.public': '81' },
        db: { 'dockwall.allow': '203.0.113.7' },
      }),
    });
    const db = makeContainer('stack-db-1', { composeService: 'db', ports: ports('5432:5432') });
    expect(reaches([web({ 'dockwall.public': '*' }, '80:80', '81:81'), db], config)).toEqual([
      'web 80/tcp closed',
      'web 81/tcp everybody',
      'stack-db-1 5432/tcp 203.0.113.7',
    ]);
  });
});

describe('several claims to one host port', () => {
  const open = { 'dockwall.public': '80' };
  const running = makeContainer('running', { ports: ports('80:80') });
  const stopped = makeContainer('stopped', { ports: ports('80:80'), active: false, labels: open });

  it('a stopped container opens nothing for the running one', () => {
    expect(reaches([running, stopped])).toEqual(['running 80/tcp closed', 'stopped 80/tcp closed']);
  });

  it('a stopped container closes nothing for the running one', () => {
    const serving = { ...running, labels: open };
    expect(reaches([serving, { ...stopped, labels: {} }])).toEqual([
      'running 80/tcp everybody',
      'stopped 80/tcp closed',
    ]);
  });

  it('of stopped ones, only what all of them open is open', () => {
    const other = makeContainer('waiting', { ports: ports('80:80'), active: false });
    expect(reaches([stopped, other])).toEqual(['stopped 80/tcp closed', 'waiting 80/tcp closed']);
    expect(reaches([stopped, { ...other, labels: open }])).toEqual([
      'stopped 80/tcp everybody',
      'waiting 80/tcp everybody',
    ]);
    expect(reaches([stopped, { ...other, labels: { 'dockwall.allow': '203.0.113.7' } }])).toEqual([
      'stopped 80/tcp 203.0.113.7',
      'waiting 80/tcp 203.0.113.7',
    ]);
  });

  it('a wildcard and one address overlap, two addresses do not', () => {
    const narrow = { ...stopped, ports: ports('192.0.2.1:80:80') };
    expect(reaches([running, narrow])).toEqual(['running 80/tcp closed', 'stopped 80/tcp closed']);
    const apart = makeContainer('apart', { ports: ports('192.0.2.2:80:80') });
    expect(reaches([apart, narrow])).toEqual(['apart 80/tcp closed', 'stopped 80/tcp everybody']);
  });

  it('lapses where a host service is known to hold the port, also while the container is being started', () => {
    const inventory = makeInventory([stopped], {
      hostListeners: [{ family: 4, address: 'any', protocol: 'tcp', port: 80 }],
    });
    const lapsed = resolve(inventory, makeConfig()).services[0]?.ports.map((port) => port.lapsed);
    expect(lapsed).toEqual([true, true]);
    const starting = { ...stopped, endpoints: [{ networkId: 'n', address: cidr('172.18.0.2') }] };
    const network = { id: 'n', name: 'n', driver: 'bridge', bridge: 'br-n', routed: [] };
    const again = resolve({ ...inventory, containers: [starting], networks: [network] }, makeConfig());
    expect(again.services[0]?.ports.map((port) => port.lapsed)).toEqual([true, true]);
  });
});

describe('containers without ports of their own', () => {
  it('a guest speaks for the ports of the container whose network it shares, while it runs', () => {
    const owner = makeContainer('vpn', { ports: ports('8080:8080') });
    const guest = makeContainer('app', {
      labels: { 'dockwall.public': '8080' },
      networkMode: { kind: 'container', id: owner.id },
    });
    expect(reaches([owner, guest])).toEqual(['vpn 8080/tcp everybody']);
    expect(reaches([owner, { ...guest, active: false }])).toEqual(['vpn 8080/tcp closed']);
  });

  it('a host-network container declares its ports', () => {
    const host = makeContainer('ha', {
      networkMode: { kind: 'host' },
      labels: { 'dockwall.ports': '8123/tcp', 'dockwall.allow': 'office' },
    });
    expect(reaches([host], groups)).toEqual(['ha 8123/tcp office']);
  });

  it.each([
    ['macvlan', ['lan (macvlan)']],
    ['ipvlan', ['lan (ipvlan)']],
    ['weave', ['lan (weave, a driver that dockwall does not know)']],
    ['overlay', []],
    ['bridge', []],
  ])('on a network of driver %s, not protected: %j', (driver, expected) => {
    const network = { id: 'm', name: 'lan', driver, bridge: undefined, routed: [] };
    const container = makeContainer('tv', { endpoints: [{ networkId: 'm', address: cidr('192.0.2.9') }] });
    const policy = resolve(makeInventory([container], { networks: [network] }), makeConfig());
    expect(policy.services[0]?.unprotected).toEqual(expected);
  });
});

describe('interfaces', () => {
  const hex = { id: 'abc', name: 'n', driver: 'bridge', bridge: 'br-0123456789ab', routed: [] } as const;
  it('connected holds the networks of outside interfaces only', () => {
    const inventory = makeInventory([web({ 'dockwall.allow': 'connected' }, '80:80')], {
      networks: [hex],
      interfaces: [
        { name: 'lo', networks: [cidr('127.0.0.0/8')] },
        { name: 'eth0', networks: [cidr('198.51.100.0/24')] },
        { name: 'br-0123456789ab', networks: [cidr('172.18.0.0/16')] },
      ],
    });
    const policy = resolve(inventory, makeConfig());
    expect([...policy.groups].map(([name, { networks }]) => [name, networks])).toEqual([
      // who asks for an address by DHCP has none
      ['connected', ['0.0.0.0', '198.51.100.0/24']],
    ]);
  });
});

describe('sources whose networks are found out later', () => {
  const answers = (networks: readonly string[]): Answers =>
    new Map([['home.example.org' as SourceKey, networks.map(cidr)]]);
  const labelled = web({ 'dockwall.allow': 'Home.example.org,interface:wg0,interface:gone0' }, '80:80');
  const host = makeInventory([labelled], { interfaces: [{ name: 'wg0', networks: [] }] });

  it('a label may name them; each is a group of its own', () => {
    const policy = resolve(host, makeConfig(), answers(['203.0.113.9']));
    expect(policy.problems).toEqual([]);
    expect([...policy.groups]).toEqual([
      ['home.example.org', expect.objectContaining({ networks: ['203.0.113.9'] })],
      ['interface:gone0', expect.objectContaining({ networks: [], interfaces: [] })],
      ['interface:wg0', expect.objectContaining({ networks: [], interfaces: ['wg0'] })],
    ]);
    expect(policy.sources).toEqual([{ kind: 'name', name: 'home.example.org' }]);
  });

  it('a new answer changes members of sets, and no rule', () => {
    const config = makeConfig({
      trusted: { ...peerList(), sources: [{ kind: 'name', name: 'home.example.org' }] },
    });
    const at = (networks: readonly string[]): Ruleset =>
      render(resolve(host, config, answers(networks)), 'asked');
    const [before, after] = [at([]), at(['203.0.113.9', '2001:db8::9'])];
    expect([after.gate, after.front]).toEqual([before.gate, before.front]);
    const members = (name: string): unknown => after.sets.find((set) => set.name === name)?.members;
    expect(members('dockwall4-trusted')).toEqual(['203.0.113.9']);
    expect(members('dockwall6-allow-pairs')).toEqual(['2001:db8::9,tcp:80']);
    expect(members('dockwall6-via-wg0')).toEqual(['8000::/1,tcp:80', '::/1,tcp:80']);
    expect(members('dockwall6-via-gone0')).toBeUndefined();
  });
});
