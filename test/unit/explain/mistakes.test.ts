import { expect, it } from 'vitest';
import type { GroupName, LiveSource } from '../../../src/decide/policy/config.ts';
import { explanationText } from '../../../src/faces/cli/explanation-text.ts';
import { everyRight, groupsOf, makeContainer, membersOf, peerList, ports } from '../policy/inventories.ts';
import { ask, momentOf, type Scene } from './moments.ts';

// "It does not work": one command says why. Each is the text that a person reads.

const endpoints = [{ networkId: '0123456789abcdef', address: '172.18.0.2' }] as never;
const web = makeContainer('web', {
  endpoints,
  ports: ports('8080:80'),
  labels: { 'dockwall.allow': 'office' },
});
const config = { groups: groupsOf({ office: ['198.51.100.0/24'] }), trusted: peerList(['203.0.113.4']) };

const home: LiveSource = { kind: 'name', name: 'home.example.org' };

interface Staged {
  readonly name: string;
  readonly scene: Scene;
  readonly ask: readonly [source: string, target: string];
  readonly text: string;
}

const closed = 'published, and nothing lets this source in';
const turnedAway = `  way: gate; dockwall's rules in the kernel agree (rule "published, and nothing above lets this source in" in DOCKWALL-GATE)`;
const notPublished = "no container publishes this port; the host's own firewall decides";

it.each<Staged>([
  {
    name: 'a wrong port number',
    scene: { containers: [web], config },
    ask: ['198.51.100.7', '8081'],
    text: [
      `not managed by dockwall: 198.51.100.7 -> port 8081/tcp: ${notPublished}`,
      `  way: gate, the host itself; dockwall's rules in the kernel agree`,
      '  hint: no container publishes 8081/tcp; published are 8080->80/tcp',
    ].join('\n'),
  },
  {
    name: "the container's port for the host's",
    scene: { containers: [web], config },
    ask: ['198.51.100.7', '80'],
    text: [
      `not managed by dockwall: 198.51.100.7 -> port 80/tcp: ${notPublished}`,
      `  way: gate, the host itself; dockwall's rules in the kernel agree`,
      '  hint: 80 of web is published as 8080: ask for 8080',
      '  hint: no container publishes 80/tcp; published are 8080->80/tcp',
    ].join('\n'),
  },
  {
    name: 'a port that only stopped containers will have, by numbers that Docker is still to choose',
    scene: {
      containers: [
        web,
        makeContainer('old', { active: false, ports: ports(':80') }),
        makeContainer('older', { active: false, ports: ports(':80', ':443') }),
      ],
      config,
    },
    ask: ['198.51.100.7', '80'],
    text: [
      `not managed by dockwall: 198.51.100.7 -> port 80/tcp: ${notPublished}`,
      `  way: gate, the host itself; dockwall's rules in the kernel agree`,
      '  hint: 80 of web is published as 8080: ask for 8080',
      '  hint: Docker chooses the host port for 80/tcp when it starts old, older',
      '  hint: no container publishes 80/tcp; published are 8080->80/tcp',
    ].join('\n'),
  },
  {
    name: 'a port where nothing is published at all, but for what a service of the host has taken over',
    scene: {
      containers: [makeContainer('old', { active: false, ports: ports('53:53/udp') })],
      config,
      hostListeners: [
        { family: 4, address: 'any', protocol: 'udp', port: 53 },
        { family: 6, address: 'any', protocol: 'udp', port: 53 },
      ],
    },
    ask: ['198.51.100.7', '80'],
    text: [
      `not managed by dockwall: 198.51.100.7 -> port 80/tcp: ${notPublished}`,
      `  way: gate, the host itself; dockwall's rules in the kernel agree`,
      '  hint: no container publishes 80/tcp; no port is published at all',
    ].join('\n'),
  },
  {
    name: 'a port of a host-network container that has not declared it',
    scene: {
      containers: [
        web,
        makeContainer('hass', { networkMode: { kind: 'host' }, labels: { 'dockwall.public': '*' } }),
      ],
      config,
    },
    ask: ['198.51.100.7', '8123'],
    text: [
      `not managed by dockwall: 198.51.100.7 -> port 8123/tcp: ${notPublished}`,
      `  way: gate, the host itself; dockwall's rules in the kernel agree`,
      '  hint: no container publishes 8123/tcp; published are 8080->80/tcp',
      "  hint: if a host-network container listens there (hass), declare the port with its label dockwall.ports: until then it is as open as the host's own",
    ].join('\n'),
  },
  {
    name: 'a network that is written with one of its addresses',
    scene: { containers: [{ ...web, labels: { 'dockwall.allow': '203.0.113.20/24' } }], config },
    ask: ['203.0.113.99', 'web'],
    text: [
      'allowed: 203.0.113.99 -> web, port 8080/tcp: dockwall.allow=203.0.113.20/24: 203.0.113.0/24 (written in the label)',
      `  way: gate, Docker's DNAT to 172.18.0.2:80, front; dockwall's rules in the kernel agree (rule "allow, address in a label" in DOCKWALL-GATE)`,
      '  hint: `203.0.113.20/24` is all of `203.0.113.0/24`: write that, or `203.0.113.20` for the one address',
    ].join('\n'),
  },
  {
    name: 'an interface that is misspelt',
    scene: { containers: [{ ...web, labels: { 'dockwall.allow': 'interface:wgO' } }], config },
    ask: ['10.8.0.7', 'web'],
    text: [
      `denied: 10.8.0.7 by wg0 -> web, port 8080/tcp: ${closed}`,
      turnedAway,
      '  hint: this host has no interface wgO now; it has wg0: is that meant?',
      '  hint: open to interface:wgO and the trusted, and 10.8.0.7 is in none of these',
    ].join('\n'),
  },
  {
    name: 'a stranger, while the walls only look',
    scene: {
      containers: [web],
      config,
      after: [
        {
          program: 'ipset',
          input: ['0.0.0.0/1', '128.0.0.0/1']
            .map((half) => `add dockwall4-observing ${half} timeout 7200\n`)
            .join(''),
        },
      ],
    },
    ask: ['198.51.101.7', 'web'],
    text: [
      `allowed: 198.51.101.7 -> web, port 8080/tcp: ${closed}`,
      `  way: gate, Docker's DNAT to 172.18.0.2:80, front; dockwall's rules in the kernel agree (rule "published, and nothing above lets this source in" in DOCKWALL-GATE)`,
      '  hint: observe mode lets it in for 2 h more, and remembers it (dockwall blocked); after that it is turned away',
      '  hint: open to office and the trusted, and 198.51.101.7 is in none of these (or its grant has run out; for a while: dockwall grant office 198.51.101.7 --for 2h)',
    ].join('\n'),
  },
  {
    name: "the container's port for the host's, by the service's name",
    scene: { containers: [web], config },
    ask: ['198.51.100.7', 'web:http'],
    text: [
      'allowed: 198.51.100.7 -> web, port 8080/tcp: dockwall.allow=office: group office, 198.51.100.0/24 (written in the configuration)',
      `  way: gate, Docker's DNAT to 172.18.0.2:80, front; dockwall's rules in the kernel agree (rule "allow office" in DOCKWALL-GATE)`,
      '  hint: 80 of web is published as 8080: ask for 8080',
    ].join('\n'),
  },
  {
    name: 'a port that a running container claims and does not hold, asked for by that container',
    scene: {
      containers: [
        { ...web, name: 'claimer', id: 'c', ports: web.ports.map((port) => ({ ...port, unbound: 'runs' })) },
        { ...web, labels: { 'dockwall.allow': '203.0.113.9' } },
      ],
      config,
    },
    ask: ['198.51.100.7', 'claimer'],
    text: [
      `denied: 198.51.100.7 -> claimer, port 8080/tcp: ${closed}`,
      turnedAway,
      '  hint: web publishes this port as well: it is opened as the running one says, and where none runs only as far as all of them say',
      '  hint: 8080->80/tcp: claimed by claimer, which does not hold it; nothing of it counts',
    ].join('\n'),
  },
  {
    name: 'a group that is misspelt in a label',
    scene: { containers: [{ ...web, labels: { 'dockwall.allow': 'offcie' } }], config },
    ask: ['198.51.100.7', 'web'],
    text: [
      `denied: 198.51.100.7 -> web, port 8080/tcp: ${closed}`,
      turnedAway,
      '  hint: web: dockwall.allow=offcie: no group is named "offcie" (did you mean "office"?); such a mistake closes the whole container',
    ].join('\n'),
  },
  {
    name: 'a peer of Tailscale, where private addresses may come in',
    scene: { containers: [{ ...web, labels: { 'dockwall.allow': 'private' } }], config },
    ask: ['100.100.1.7', 'web'],
    text: [
      `denied: 100.100.1.7 -> web, port 8080/tcp: ${closed}`,
      turnedAway,
      "  hint: 100.100.1.7 is in 100.64.0.0/10, which Tailscale and some providers use and `private` does not hold: allow interface:tailscale0 for Tailscale's peers",
      '  hint: open to private and the trusted, and 100.100.1.7 is in none of these',
    ].join('\n'),
  },
  {
    name: 'a label that the configuration forbids',
    scene: {
      containers: [{ ...web, labels: { 'dockwall.public': '80' } }],
      config: { ...config, labels: { ...everyRight, keys: ['allow'] } },
    },
    ask: ['198.51.100.7', 'web'],
    text: [
      `denied: 198.51.100.7 -> web, port 8080/tcp: ${closed}`,
      turnedAway,
      '  hint: web: dockwall.public=80: `public` is not for labels: `labels.keys` in the configuration is allow; such a mistake closes the whole container',
    ].join('\n'),
  },
  {
    name: "a label of a container in another's network, which the configuration forbids",
    scene: {
      containers: [
        { ...web, labels: {} },
        makeContainer('app', {
          labels: { 'dockwall.public': '80' },
          networkMode: { kind: 'container', id: web.id },
        }),
      ],
      config: { ...config, labels: { ...everyRight, guests: 'off' } },
    },
    ask: ['198.51.100.7', 'web'],
    text: [
      `denied: 198.51.100.7 -> web, port 8080/tcp: ${closed}`,
      turnedAway,
      "  hint: app: dockwall.public=80: a container in another's network does not speak for its ports: `labels.guests` is `off` in the configuration (label the container whose network it is in)",
    ].join('\n'),
  },
  {
    name: 'a container that was recreated without its label',
    scene: { containers: [{ ...web, labels: {} }], config },
    ask: ['198.51.100.7', '8080'],
    text: [
      `denied: 198.51.100.7 -> web, port 8080/tcp: ${closed}`,
      turnedAway,
      '  hint: web has no dockwall.public or dockwall.allow label (was it recreated without?): only the trusted reach it',
    ].join('\n'),
  },
  {
    name: 'a name that does not resolve',
    scene: { containers: [{ ...web, labels: { 'dockwall.allow': 'home.example.org' } }], config },
    ask: ['198.51.100.7', 'web'],
    text: [
      `denied: 198.51.100.7 -> web, port 8080/tcp: ${closed}`,
      turnedAway,
      '  hint: home.example.org does not resolve: no address is known for it, so it lets nobody in; see dockwall check',
      '  hint: open to home.example.org and the trusted, and 198.51.100.7 is in none of these',
    ].join('\n'),
  },
  {
    name: 'a name that does not resolve, in a group',
    scene: {
      containers: [web],
      config: {
        ...config,
        groups: new Map([['office' as GroupName, { ...membersOf('192.0.2.0/28'), sources: [home] }]]),
      },
    },
    ask: ['198.51.100.7', 'web'],
    text: [
      `denied: 198.51.100.7 -> web, port 8080/tcp: ${closed}`,
      turnedAway,
      '  hint: home.example.org (in office) does not resolve: no address is known for it, so it lets nobody in; see dockwall check',
      '  hint: open to office and the trusted, and 198.51.100.7 is in none of these (or its grant has run out; for a while: dockwall grant office 198.51.100.7 --for 2h)',
    ].join('\n'),
  },
  {
    name: 'an external set that is not there',
    scene: {
      containers: [{ ...web, labels: { 'dockwall.allow': 'admins' } }],
      config: { groups: new Map([['admins' as GroupName, { ...membersOf(), ipsets: ['admins'] }]]) },
    },
    ask: ['198.51.100.7', 'web'],
    text: [
      `denied: 198.51.100.7 -> web, port 8080/tcp: ${closed}`,
      turnedAway,
      '  hint: ipset:admins (in admins) is not there, so it lets nobody in; see dockwall doctor',
      '  hint: open to admins and the trusted, and 198.51.100.7 is in none of these (or its grant has run out; for a while: dockwall grant admins 198.51.100.7 --for 2h)',
    ].join('\n'),
  },
  {
    name: 'an external set that bans',
    scene: {
      containers: [web],
      config: { ...config, deny: { ...membersOf(), ipsets: ['bans'], groups: [] } },
      sets: 'create bans hash:net\nadd bans 198.51.100.0/28\n',
    },
    ask: ['198.51.100.7', 'web'],
    text: [
      'denied: 198.51.100.7 -> web, port 8080/tcp: deny in the configuration: 198.51.100.0/28 (in the ipset bans, which something else keeps)',
      `  way: gate; dockwall's rules in the kernel agree (rule "denied in external sets" in DOCKWALL-GATE)`,
      '  hint: what is denied is refused first, whatever else would let it in; here dockwall.allow=office would',
    ].join('\n'),
  },
  {
    name: 'a grant that has run out',
    scene: { containers: [web], config },
    ask: ['203.0.113.9', 'web'],
    text: [
      `denied: 203.0.113.9 -> web, port 8080/tcp: ${closed}`,
      turnedAway,
      '  hint: open to office and the trusted, and 203.0.113.9 is in none of these (or its grant has run out; for a while: dockwall grant office 203.0.113.9 --for 2h)',
    ].join('\n'),
  },
  {
    name: 'a grant that lasts',
    scene: {
      containers: [web],
      config,
      after: [
        {
          program: 'ipset',
          input: 'add dockwall4-src-office 203.0.113.9 timeout 7200 comment "Ana, on call"\n',
        },
      ],
    },
    ask: ['203.0.113.9', 'web'],
    text: [
      'allowed: 203.0.113.9 -> web, port 8080/tcp: dockwall.allow=office: group office, 203.0.113.9 (for a while, 2 h left: Ana, on call)',
      `  way: gate, Docker's DNAT to 172.18.0.2:80, front; dockwall's rules in the kernel agree (rule "allow office" in DOCKWALL-GATE)`,
    ].join('\n'),
  },
  {
    name: 'a banned address',
    scene: { containers: [web], config: { ...config, deny: peerList(['198.51.100.66']) } },
    ask: ['198.51.100.66', 'web'],
    text: [
      'denied: 198.51.100.66 -> web, port 8080/tcp: deny in the configuration: 198.51.100.66 (written in the configuration)',
      `  way: gate; dockwall's rules in the kernel agree (rule "denied" in DOCKWALL-GATE)`,
      '  hint: what is denied is refused first, whatever else would let it in; here dockwall.allow=office would',
    ].join('\n'),
  },
  {
    name: 'an IPv6 client where IPv4 networks are listed',
    scene: { containers: [web], config },
    ask: ['2001:db8:a::7', 'web'],
    text: [
      `denied: 2001:db8:a::7 -> web, port 8080/tcp: ${closed}`,
      turnedAway,
      "  hint: 2001:db8:a::7 is an IPv6 address, and office has only IPv4 ones: add the client's IPv6 network",
      '  hint: open to office and the trusted, and 2001:db8:a::7 is in none of these (or its grant has run out; for a while: dockwall grant office 2001:db8:a::7 --for 2h)',
    ].join('\n'),
  },
  {
    name: 'a test from the host itself',
    scene: { containers: [web], config },
    ask: ['192.0.2.10', 'web'],
    text: [
      'not managed by dockwall: 192.0.2.10 -> web, port 8080/tcp: never filtered: ask from another machine',
      "  hint: 192.0.2.10 is this host's own address: such packets are never filtered and prove nothing: ask from another machine",
    ].join('\n'),
  },
  {
    name: 'a test from loopback',
    scene: { containers: [web], config },
    ask: ['127.0.0.1', '8080'],
    text: [
      'not managed by dockwall: 127.0.0.1 -> web, port 8080/tcp: never filtered: ask from another machine',
      '  hint: 127.0.0.1 is this host itself: such packets are never filtered and prove nothing: ask from another machine',
    ].join('\n'),
  },
  {
    name: 'a test from a container',
    scene: { containers: [web], config },
    ask: ['172.18.0.2', '8080'],
    text: [
      'not managed by dockwall: 172.18.0.2 -> web, port 8080/tcp: never filtered: ask from another machine',
      '  hint: 172.18.0.2 is the container web on this host: such packets are never filtered and prove nothing: ask from another machine',
    ].join('\n'),
  },
  {
    name: 'a test from an address of a bridge network',
    scene: { containers: [web], config },
    ask: ['172.18.0.99', '8080'],
    text: [
      'not managed by dockwall: 172.18.0.99 -> web, port 8080/tcp: never filtered: ask from another machine',
      "  hint: 172.18.0.99 is in Docker's network shop_default on this host: such packets are never filtered and prove nothing: ask from another machine",
    ].join('\n'),
  },
  {
    name: 'a container on macvlan',
    scene: {
      containers: [
        makeContainer('nas', { endpoints: [{ networkId: 'mac', address: '192.0.2.77' }] as never }),
      ],
      networks: [{ id: 'mac', name: 'lan', driver: 'macvlan', bridge: undefined, routed: [] }],
      config,
    },
    ask: ['198.51.100.7', 'nas:445'],
    text: [
      'not managed by dockwall: 198.51.100.7 -> nas, port 445/tcp: NOT PROTECTED: lan (macvlan)',
      "  hint: nas is on the network lan (macvlan): packets to its own address there never pass this host's firewall, so nothing filters them",
    ].join('\n'),
  },
])('$name', async ({ scene, ask: [source, target], text }) => {
  expect(explanationText(ask(await momentOf(scene), source, target))).toBe(text);
});
