import { describe, expect, it } from 'vitest';
import { becauseWords, wayWords } from '../../../src/decide/explain/words.ts';
import type { Network } from '../../../src/decide/inventory/model.ts';
import type { GroupName, LiveSource } from '../../../src/decide/policy/config.ts';
import { sourceKey } from '../../../src/decide/policy/config.ts';
import type { Answers } from '../../../src/decide/policy/model.ts';
import { groupsOf, makeContainer, membersOf, peerList, ports } from '../policy/inventories.ts';
import { ask, momentOf, type Scene } from './moments.ts';

const endpoints = [{ networkId: '0123456789abcdef', address: '172.18.0.2' }] as never;
const labelled = (labels: Record<string, string>, publish = ['8080:80']) =>
  makeContainer('web', { endpoints, ports: ports(...publish), labels });

/** The verdict, what decides and the way, of each path; the hints. */
async function told(scene: Scene, source: string, target: string): Promise<readonly string[]> {
  const { paths, notes } = ask(await momentOf(scene), source, target);
  return [
    ...paths.map(({ verdict, because, way, port, protocol, family }) =>
      [`${verdict} IPv${family} ${port}/${protocol}`, becauseWords(because), wayWords(way)].join(' | '),
    ),
    ...notes.map(({ text }) => `note: ${text}`),
    ...paths.flatMap(({ hints }) => hints.map(({ text }) => `hint: ${text}`)),
  ];
}

const list: LiveSource = {
  kind: 'url',
  url: 'https://lists.example.org/cdn',
  format: { kind: 'lines' },
  refresh: 1,
  mayShrink: false,
};
const file: LiveSource = {
  kind: 'file',
  path: 'lists/partners.txt',
  format: { kind: 'lines' },
  mayShrink: false,
};
const name: LiveSource = { kind: 'name', name: 'home.example.org' };
const answers = new Map([
  [sourceKey(list), ['198.51.100.0/24']],
  [sourceKey(file), ['198.51.100.77']],
  [sourceKey(name), ['203.0.113.9']],
]) as unknown as Answers;
const live = {
  ...membersOf('192.0.2.128/25'),
  interfaces: ['wg0'],
  sources: [list, name],
};
const groups = new Map([['office' as GroupName, live]]);
const dnat = "gate, Docker's DNAT to 172.18.0.2:80, front";

describe('where a member comes from', () => {
  it.each([
    ['192.0.2.200', 'group office, 192.0.2.128/25 (written in the configuration)'],
    ['198.51.100.7', 'group office, 198.51.100.0/24 (from the list https://lists.example.org/cdn)'],
    ['203.0.113.9', 'group office, 203.0.113.9 (an address of the DNS name home.example.org)'],
    ['10.8.0.7', 'group office, interface:wg0 (everything that arrives there)'],
    ['203.0.113.77%wg0', 'group office, interface:wg0 (everything that arrives there)'],
  ])('%s: %s', async (source, words) => {
    const scene = { containers: [labelled({ 'dockwall.allow': 'office' })], config: { groups }, answers };
    expect(await told(scene, source, '8080')).toEqual([
      `allowed IPv4 8080/tcp | dockwall.allow=office: ${words} | ${dnat}`,
    ]);
  });

  it.each([
    ['203.0.113.0/24', '203.0.113.9', '203.0.113.0/24 (written in the label)'],
    [
      'home.example.org',
      '203.0.113.9',
      'home.example.org, 203.0.113.9 (an address of the DNS name home.example.org)',
    ],
    ['private', '10.1.2.3', 'group private, 10.0.0.0/8 (a built-in group)'],
    ['connected', '192.0.2.50', 'group connected, 192.0.2.0/24 (a built-in group)'],
    ['interface:wg0', '10.8.0.7', 'interface:wg0 (everything that arrives there)'],
  ])('in a label: %s', async (value, source, words) => {
    const scene = { containers: [labelled({ 'dockwall.allow': value })], answers };
    expect(await told(scene, source, 'web')).toEqual([
      `allowed IPv4 8080/tcp | dockwall.allow=${value}: ${words} | ${dnat}`,
    ]);
  });

  it('says who is trusted, and by what', async () => {
    const trusted = { ...peerList(['203.0.113.4'], ['office']), sources: [file] };
    const scene = { containers: [labelled({})], config: { groups, trusted }, answers };
    const words = async (source: string): Promise<string> => (await told(scene, source, '8080'))[0] ?? '';
    expect(await words('203.0.113.4')).toContain('trusted: 203.0.113.4 (written in the configuration)');
    expect(await words('198.51.100.77')).toContain(
      'trusted: 198.51.100.77 (from the file lists/partners.txt)',
    );
    expect(await words('198.51.100.8')).toContain('trusted: group office, 198.51.100.0/24 (from the list');
  });

  it('says what is denied by a label, and for how long by hand', async () => {
    const scene: Scene = {
      containers: [labelled({ 'dockwall.public': '*', 'dockwall.deny': 'office' })],
      config: { groups: groupsOf({ office: ['198.51.100.0/24'] }) },
      after: [
        { program: 'ipset', input: 'add dockwall4-deny 203.0.113.66 timeout 90\n' },
        { program: 'ipset', input: 'add dockwall4-den-office 203.0.113.67 timeout 200000\n' },
      ],
    };
    const first =
      'hint: what is denied is refused first, whatever else would let it in; here dockwall.public=* would';
    expect(await told(scene, '198.51.100.1', '8080')).toEqual([
      'denied IPv4 8080/tcp | dockwall.deny=office: group office, 198.51.100.0/24 (written in the configuration) | gate',
      first,
    ]);
    expect(await told(scene, '203.0.113.66', '8080')).toEqual([
      'denied IPv4 8080/tcp | deny in the configuration: 203.0.113.66 (for a while, 1 min 30 s left) | gate',
      first,
    ]);
    expect(await told(scene, '203.0.113.67', '8080')).toEqual([
      'denied IPv4 8080/tcp | dockwall.deny=office: group office, 203.0.113.67 (for a while, 2 d 7 h left) | gate',
      first,
    ]);
  });
});

describe('paths', () => {
  it('tells each family, protocol and address by itself', async () => {
    const scene = {
      containers: [
        labelled({ 'dockwall.public': '443/tcp' }, [
          '443:443',
          '443:443/udp',
          '192.0.2.10:9000:80',
          '127.0.0.1:9001:81',
        ]),
      ],
    };
    const closed = 'published, and nothing lets this source in';
    expect((await told(scene, '203.0.113.9', 'web')).filter((line) => !line.startsWith('hint'))).toEqual([
      "allowed IPv4 443/tcp | dockwall.public=443/tcp: everybody | gate, Docker's DNAT to 172.18.0.2:443, front",
      `denied IPv4 443/udp | ${closed} | gate`,
      `denied IPv4 9000/tcp | ${closed} | gate`,
      'denied IPv4 9001/tcp | bound to loopback: nothing from outside is let through to it | gate',
    ]);
    expect((await told(scene, '2001:db8::9', '443'))[0]).toBe(
      'allowed IPv6 443/tcp | dockwall.public=443/tcp: everybody | gate, docker-proxy',
    );
    expect((await told(scene, '2001:db8::9', 'web:9000')).slice(1)).toEqual([
      'hint: web publishes 9000 for the other IP version only',
    ]);
  });

  it.each<readonly [string, Partial<Parameters<typeof makeContainer>[1]>, readonly [string, string], string]>(
    [
      [
        'the host network',
        {
          networkMode: { kind: 'host' },
          endpoints: [],
          ports: [],
          labels: { 'dockwall.ports': '8123/tcp', 'dockwall.public': '*' },
        },
        ['203.0.113.9', 'web'],
        "allowed IPv4 8123/tcp | dockwall.public=*: everybody | gate, the host's network, which the container shares",
      ],
      [
        "Swarm's mesh",
        {
          networkMode: { kind: 'mesh' },
          endpoints: [],
          ports: ports('8080:80'),
          labels: { 'dockwall.public': '*' },
        },
        ['203.0.113.9', 'web'],
        "allowed IPv4 8080/tcp | dockwall.public=*: everybody | gate, Swarm's mesh",
      ],
      [
        'a neighbour by its link-local address',
        { labels: { 'dockwall.public': '*' } },
        ['fe80::7%eth0', '8080'],
        'allowed IPv6 8080/tcp | dockwall.public=*: everybody | gate, docker-proxy',
      ],
      [
        "a container's own address",
        { labels: { 'dockwall.public': '*' } },
        ['203.0.113.9', '172.18.0.2:80'],
        "denied IPv4 80/tcp | a container's own address, where nothing is open to this source | gate",
      ],
    ],
  )('%s', async (_, changes, [source, target], line) => {
    const container = makeContainer('web', { endpoints, ports: ports('8080:80'), ...changes });
    expect((await told({ containers: [container] }, source, target))[0]).toBe(line);
  });

  it('a network that is reached without NAT', async () => {
    const routed: Network = {
      id: 'r',
      name: 'r',
      driver: 'bridge',
      bridge: 'br-0123456789ab',
      routed: [4, 6],
    };
    const container = makeContainer('web', {
      endpoints: [{ networkId: 'r', address: '172.18.0.9' }] as never,
      ports: ports(':80'),
      labels: { 'dockwall.public': '*' },
    });
    const scene = { containers: [container], networks: [routed] };
    expect(await told(scene, '203.0.113.9', 'web')).toEqual([
      'allowed IPv4 80/tcp | dockwall.public=*: everybody | gate, routed to 172.18.0.9, front',
    ]);
  });

  it('asks for the neighbours of an interface', async () => {
    const scene = { containers: [labelled({ 'dockwall.allow': 'interface:wg0' })] };
    const { paths } = ask(await momentOf(scene), 'interface:wg0', '8080');
    // .1 is the host's own
    expect(paths.map(({ source, interface: by, verdict }) => [source, by, verdict])).toEqual([
      ['10.8.0.2', 'wg0', 'allowed'],
    ]);
  });

  it('says what `interfaces` leaves out', async () => {
    const scene = { containers: [labelled({})], config: { interfaces: ['eth0'] } };
    expect(await told(scene, '10.8.0.7', '8080')).toEqual([
      'not managed IPv4 8080/tcp | what comes in by wg0 is not judged | ',
      'hint: what comes in by wg0 is never judged: `interfaces` in the configuration leaves it out',
    ]);
  });

  it('says what is no address of this host', async () => {
    expect(await told({ containers: [labelled({})] }, '203.0.113.9', '198.51.100.9:8080')).toEqual([
      'not managed IPv4 8080/tcp | not an address of this host or of a container on it | ',
      'hint: 198.51.100.9 is neither an address of this host nor of a container on it; where a router translates it to this host, ask for the port alone (8080)',
    ]);
  });
});

describe('hints', () => {
  const public80 = { 'dockwall.public': '*' };
  it.each<readonly [string, Scene, readonly [string, string], readonly string[]]>([
    [
      'a stopped container',
      { containers: [{ ...labelled(public80), active: false, endpoints: [] }] },
      ['203.0.113.9', '8080'],
      ['hint: web is stopped: nobody answers there until it runs'],
    ],
    [
      "a stopped container's port that the host has taken over",
      {
        containers: [{ ...labelled(public80), active: false, endpoints: [] }],
        hostListeners: [{ family: 4, address: 'any', protocol: 'tcp', port: 8080 }],
      },
      ['203.0.113.9', '8080'],
      ['hint: web would publish it, but is stopped and a service of the host itself listens there'],
    ],
    [
      'two containers that claim one port',
      {
        containers: [
          labelled({}),
          makeContainer('old', { ports: ports('8080:80'), active: false, labels: public80 }),
        ],
      },
      ['203.0.113.9', 'old'],
      [
        'hint: old (stopped) publishes this port as well: it is opened as the running one says, and where none runs only as far as all of them say',
      ],
    ],
    [
      'a label for another port',
      { containers: [labelled({ 'dockwall.public': '9000' }, ['8080:80', '9000:90'])] },
      ['203.0.113.9', '8080'],
      [
        'hint: no label of web opens this port: only the trusted reach it; open it with dockwall.public or dockwall.allow.8080',
      ],
    ],
    [
      'ports that Docker has still to choose',
      { containers: [labelled(public80, [':80'])] },
      ['203.0.113.9', 'web'],
      ['note: Docker chooses the host ports of web (80/tcp) when it starts: ask again when it runs'],
    ],
    [
      'a container without ports',
      { containers: [makeContainer('worker')] },
      ['203.0.113.9', 'worker'],
      ['note: worker publishes no port: add it under ports: in the compose file, and ask again'],
    ],
    [
      'a host-network container that declares nothing',
      { containers: [makeContainer('agent', { networkMode: { kind: 'host' } })] },
      ['203.0.113.9', 'agent'],
      [
        "note: agent is on the host's network and declares no ports: they are as open as the host's own; declare them with the label dockwall.ports",
      ],
    ],
  ])('%s', async (_, scene, [source, target], hints) => {
    expect((await told(scene, source, target)).filter((line) => /^(?:hint|note)/.test(line))).toEqual(hints);
  });
});
