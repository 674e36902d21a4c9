import { describe, expect, it } from 'vitest';
import type { Container, Network } from '../../../src/decide/inventory/model.ts';
import type { Config, LabelRights } from '../../../src/decide/policy/config.ts';
import { problemLine } from '../../../src/decide/policy/problem-line.ts';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import {
  cidr,
  entriesOf,
  everyRight,
  groupsOf,
  makeConfig,
  makeContainer,
  makeInventory,
  peerList,
  ports,
} from './inventories.ts';

const groups = groupsOf({ office: ['198.51.100.0/24'], home: ['203.0.113.0/24'] });

function configWith(rights: Partial<LabelRights>, rest: Partial<Config> = {}): Config {
  return makeConfig({ groups, labels: { ...everyRight, ...rights }, ...rest });
}

/** `web 80/tcp office -bans`, of IPv4: who is let in, and after a minus who is denied. */
function reaches(containers: readonly Container[], config: Config): readonly string[] {
  return resolve(makeInventory(containers), config).services.flatMap(({ name, ports: all }) =>
    all
      .filter(({ family }) => family === 4)
      .map(({ hostPort, protocol, reach }) => {
        const words = (rules: typeof reach.allow): readonly string[] =>
          rules.map(({ peer }) => (peer.kind === 'group' ? peer.name : peer.network));
        const open = reach.everyone === undefined ? words(reach.allow).join(',') || 'closed' : 'everybody';
        return [`${name} ${hostPort}/${protocol} ${open}`, ...words(reach.deny)].join(' -');
      }),
  );
}

function problems(containers: readonly Container[], config: Config): readonly string[] {
  return resolve(makeInventory(containers), config).problems.map(problemLine);
}

const web = (labels: Record<string, string>, ...published: string[]): Container =>
  makeContainer('web', { labels, ports: ports(...published) });
const other = makeContainer('other', { labels: { 'dockwall.allow': 'office' }, ports: ports('90:90') });
const sources = {
  ...peerList(['203.0.113.0/24', '2001:db8::/32'], ['office', 'private']),
  sources: [{ kind: 'name' as const, name: 'home.example.org' }],
  interfaces: ['wg0'],
  ipsets: [],
};

describe('a label beyond what the configuration lets labels say closes its container, and no other', () => {
  it.each<[string, Partial<LabelRights>, Record<string, string>, string]>([
    [
      'public',
      { keys: ['allow'] },
      { 'dockwall.public': '80' },
      'web: dockwall.public=80: `public` is not for labels: `labels.keys` in the configuration is allow',
    ],
    [
      'public by another name',
      { keys: ['allow'] },
      { 'dockwall.allow': 'home,any' },
      'web: dockwall.allow=home,any: `any` is everybody, and `public` is not for labels: `labels.keys` in the configuration is allow',
    ],
    [
      'public as a network',
      { keys: ['allow'] },
      { 'dockwall.allow.80': '0.0.0.0/0' },
      'web: dockwall.allow.80=0.0.0.0/0: `0.0.0.0/0` is everybody, and `public` is not for labels: `labels.keys` in the configuration is allow',
    ],
    [
      'allow with a port',
      { keys: [] },
      { 'dockwall.allow.80': 'office' },
      'web: dockwall.allow.80=office: `allow` is not for labels: `labels.keys` in the configuration is empty',
    ],
    [
      'a deny beside an allow',
      { keys: ['allow'] },
      { 'dockwall.allow': 'office', 'dockwall.deny': '198.51.100.9' },
      'web: dockwall.deny=198.51.100.9: `deny` is not for labels: `labels.keys` in the configuration is allow',
    ],
    [
      'another group',
      { sources },
      { 'dockwall.allow': 'office,home' },
      'web: dockwall.allow=office,home: `home` is not for labels: `labels.sources` in the configuration is office, private, 203.0.113.0/24, 2001:db8::/32, home.example.org, interface:wg0',
    ],
    [
      'a built-in group',
      { sources },
      { 'dockwall.allow': 'connected' },
      'web: dockwall.allow=connected: `connected` is not for labels: `labels.sources` in the configuration is office, private, 203.0.113.0/24, 2001:db8::/32, home.example.org, interface:wg0',
    ],
    [
      'a port',
      { ports: [{ range: { from: 81, to: 90 }, protocol: undefined }] },
      { 'dockwall.allow.80': 'office' },
      'web: dockwall.allow.80=office: 80/tcp may not be opened by a label: `labels.ports` in the configuration is 81-90',
    ],
    [
      'a port among others',
      { ports: [{ range: { from: 443, to: 443 }, protocol: 'tcp' }] },
      { 'dockwall.public': '*' },
      'web: dockwall.public=*: 80/tcp may not be opened by a label: `labels.ports` in the configuration is 443/tcp (name the ports that may be: dockwall.public=PORT, dockwall.allow.PORT)',
    ],
  ])('%s', (_, rights, labels, expected) => {
    const container = web(labels, '80:80', '443:443');
    const config = configWith(rights, {
      services: entriesOf({ other: { 'dockwall.allow': 'office' } }),
    });
    expect(problems([container, other], config)).toEqual([expected]);
    expect(reaches([container, other], config)).toEqual([
      'web 80/tcp closed',
      'web 443/tcp closed',
      'other 90/tcp office',
    ]);
  });

  it('also where unlabelled containers are open', () => {
    const config = configWith({ keys: [] }, { default: 'open' });
    expect(reaches([web({ 'dockwall.allow': 'office' }, '80:80')], config)).toEqual(['web 80/tcp closed']);
  });

  it('says one thing about one label', () => {
    const config = configWith({ sources });
    expect(problems([web({ 'dockwall.allow': 'home,ofice' }, '80:80')], config)).toHaveLength(1);
  });
});

describe('what stays within', () => {
  it.each<[string, Partial<LabelRights>, Record<string, string>, string]>([
    ['a key', { keys: ['public'] }, { 'dockwall.public': '80' }, 'everybody'],
    ['`any`, with public', { keys: ['allow', 'public'], sources }, { 'dockwall.allow': 'any' }, 'everybody'],
    [
      'a description',
      { keys: ['public'] },
      { 'dockwall.public': '80', 'dockwall.description': 'x' },
      'everybody',
    ],
    ['an empty value', { keys: ['public'] }, { 'dockwall.public': '80', 'dockwall.ports': '' }, 'everybody'],
    ['a group', { sources }, { 'dockwall.allow': 'office private' }, 'office,private'],
    [
      'addresses inside',
      { sources },
      { 'dockwall.allow': '203.0.113.8/29,2001:db8::7' },
      '203.0.113.8/29,2001:db8::7',
    ],
    [
      'a name and an interface',
      { sources },
      { 'dockwall.allow': 'Home.example.org,interface:wg0' },
      'home.example.org,interface:wg0',
    ],
    [
      'ports of two ranges that touch',
      {
        ports: [
          { range: { from: 80, to: 99 }, protocol: undefined },
          { range: { from: 70, to: 79 }, protocol: 'tcp' },
        ],
      },
      { 'dockwall.public': '75-85/tcp' },
      'everybody',
    ],
  ])('%s', (_, rights, labels, expected) => {
    const config = configWith(rights);
    expect(problems([web(labels, '80:80')], config)).toEqual([]);
    expect(reaches([web(labels, '80:80')], config)).toEqual([`web 80/tcp ${expected}`]);
  });

  it.each([
    '203.0.112.0/23',
    '203.0.113.250-203.0.114.1',
    '2001:db9::1',
    'work.example.org',
    'interface:wg1',
    'ipset:others',
  ])('%s does not', (word) => {
    const config = configWith({ sources });
    expect(problems([web({ 'dockwall.allow': word }, '80:80')], config)).toHaveLength(1);
  });

  it('a port is the one that clients ask for', () => {
    const config = configWith({ ports: [{ range: { from: 8080, to: 8080 }, protocol: undefined }] });
    expect(reaches([web({ 'dockwall.public': '80' }, '8080:80')], config)).toEqual([
      'web 8080/tcp everybody',
    ]);
    expect(reaches([web({ 'dockwall.public': 'container:8080' }, '80:8080')], config)).toEqual([
      'web 80/tcp closed',
    ]);
    expect(problems([web({ 'dockwall.public': '*' }, '8080:80', '127.0.0.1:9000:9000')], config)).toEqual([]);
  });

  it('of a range that is published, the part that a label opens', () => {
    const config = configWith({ ports: [{ range: { from: 20_000, to: 20_009 }, protocol: undefined }] });
    const range = makeContainer('web', {
      labels: { 'dockwall.public': '20000-20004' },
      ports: [
        { family: 4, address: 'any', hostPort: 20_000, containerPort: 20_000, protocol: 'udp', count: 1000 },
      ],
    });
    expect(problems([range], config)).toEqual([]);
    expect(problems([{ ...range, labels: { 'dockwall.public': '20005-20010' } }], config)).toEqual([
      'web: dockwall.public=20005-20010: 20005-20010/udp may not be opened by a label: `labels.ports` in the configuration is 20000-20009',
    ]);
  });
});

describe('what is left of a label', () => {
  it('a deny refuses whom it may name, in a container that opens nothing', () => {
    const container = web({ 'dockwall.deny': 'home,office', 'dockwall.public': '80' }, '80:80');
    const config = configWith({ sources: peerList([], ['office']) });
    expect(reaches([container], config)).toEqual(['web 80/tcp closed -office']);
    expect(reaches([container], configWith({ keys: ['public'] }))).toEqual(['web 80/tcp closed']);
  });

  const host = (value: string): Container =>
    makeContainer('ha', { networkMode: { kind: 'host' }, labels: { 'dockwall.ports': value } });
  const lowPorts = configWith({ ports: [{ range: { from: 80, to: 89 }, protocol: undefined }] });

  it('ports that may be declared are closed, others are not even claimed', () => {
    expect(reaches([host('80-81/tcp,22/tcp')], lowPorts)).toEqual(['ha 80/tcp closed', 'ha 81/tcp closed']);
    expect(problems([host('80-81/tcp,22/tcp')], lowPorts)).toEqual([
      'ha: dockwall.ports=80-81/tcp,22/tcp: `22/tcp` may not be declared by a label: `labels.ports` in the configuration is 80-89',
    ]);
  });

  it.each<[string, Config]>([
    ['no port', lowPorts],
    ['no key', configWith({ keys: ['public'] })],
  ])('with %s, a host-network container is one that declares nothing', (_, config) => {
    const policy = resolve(makeInventory([host('22')]), config);
    expect(policy.services).toMatchObject([{ ports: [], undeclared: true }]);
    expect(policy.problems).toHaveLength(1);
  });
});

describe('services: entries are the author of the configuration', () => {
  it('and may say everything', () => {
    const entry = { 'dockwall.public': '80', 'dockwall.allow.443': 'home' };
    const config = configWith(
      { keys: [], sources: peerList(), ports: [], guests: 'off' },
      { services: entriesOf({ web: entry }) },
    );
    const container = web({ 'dockwall.public': '*' }, '80:80', '443:443');
    expect(problems([container], config)).toEqual([]);
    expect(reaches([container], config)).toEqual(['web 80/tcp everybody', 'web 443/tcp home']);
  });
});

describe('ports of a container that is reached at its own address', () => {
  const net = { id: 'n', name: 'n', driver: 'bridge', bridge: 'br-n' };
  const endpoints = [{ networkId: 'n', address: cidr('172.18.0.2') }];
  const config = configWith({ ports: [{ range: { from: 80, to: 80 }, protocol: undefined }] });
  const problemsOn = (network: Partial<Network>, ...published: string[]): readonly string[] =>
    resolve(
      makeInventory([{ ...web({ 'dockwall.public': '*' }, ...published), endpoints }], {
        networks: [{ ...net, routed: [], ...network }],
      }),
      config,
    ).problems.map(problemLine);

  it.each<[string, Partial<Network>]>([
    ['in routed mode', { routed: [4] }],
    ['by an interface that Docker trusts', { direct: true }],
  ])('are what a label opens as well, %s', (_, network) => {
    expect(problemsOn(network, '80:9999')).toEqual([
      expect.stringMatching(/^web: dockwall.public=\*: 9999\/tcp may not be opened by a label/),
    ]);
    expect(problemsOn(network, '80:80')).toEqual([]);
    expect(problemsOn({}, '80:9999')).toEqual([]);
  });
});

describe('guests: off', () => {
  const owner = makeContainer('vpn', { ports: ports('80:80') });
  const guest = makeContainer('app', {
    labels: { 'dockwall.description': 'x', 'dockwall.public': '80', 'dockwall.deny': 'home' },
    networkMode: { kind: 'container', id: owner.id },
  });
  const off = configWith({ guests: 'off' });

  it('a guest neither opens nor closes, and is told why', () => {
    expect(reaches([owner, guest], off)).toEqual(['vpn 80/tcp closed']);
    expect(reaches([owner, guest], configWith({}))).toEqual(['vpn 80/tcp everybody -home']);
    expect(problems([owner, guest], off)).toEqual([
      "app: dockwall.public=80: a container in another's network does not speak for its ports: `labels.guests` is `off` in the configuration (label the container whose network it is in)",
    ]);
  });

  it('what it says wrong is no matter to the other', () => {
    const open = configWith({ guests: 'off' }, { default: 'open' });
    const wrong = { ...guest, labels: { 'dockwall.publik': '80', 'dockwall.allow': 'nobody' } };
    expect(reaches([owner, wrong], open)).toEqual(['vpn 80/tcp everybody']);
    expect(problems([owner, { ...guest, labels: { 'dockwall.description': 'x' } }], open)).toEqual([]);
  });

  it('an entry that means it by its name is silent as well: anybody may call a container so', () => {
    const services = entriesOf({ app: { 'dockwall.allow': 'office', 'dockwall.deny': 'home' } });
    const config = configWith({ guests: 'off' }, { services });
    for (const app of [
      { ...guest, labels: {} },
      makeContainer('other', { composeService: 'app', networkMode: guest.networkMode }),
    ]) {
      expect(reaches([owner, app], config)).toEqual(['vpn 80/tcp closed']);
      expect(problems([owner, app], config)).toEqual([
        `${app.name}: services=app: a container in another's network does not speak for its ports: \`labels.guests\` is \`off\` in the configuration (write the entry for the container whose network it is in)`,
      ]);
    }
    expect(reaches([owner, { ...guest, labels: {} }], configWith({}, { services }))).toEqual([
      'vpn 80/tcp office -home',
    ]);
  });
});

describe('whose guest a container is', () => {
  const owner = makeContainer('vpn', { ports: ports('80:80') });
  const guest = (of: string): Container =>
    makeContainer('app', {
      labels: { 'dockwall.public': '*' },
      networkMode: { kind: 'container', id: of },
    });

  // Docker writes the id down at `create`. Whose a name is, others decide.
  it('is said by the id, and never by a name', () => {
    expect(reaches([owner, guest(owner.id)], makeConfig())).toEqual(['vpn 80/tcp everybody']);
    expect(reaches([owner, guest('vpn')], makeConfig())).toEqual(['vpn 80/tcp closed']);
  });
});
