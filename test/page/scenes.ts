import type { Container } from '../../src/decide/inventory/model.ts';
import {
  cidr,
  groupsOf,
  makeConfig,
  makeContainer,
  makeInventory,
  peerList,
  ports,
} from '../unit/policy/inventories.ts';
import type { Scene } from './stage.ts';

const lan = { id: 'lan', name: 'lan', driver: 'macvlan', bridge: undefined, routed: [] };
const front = { id: 'front', name: 'front', driver: 'bridge', bridge: 'br-front', routed: [] };

const config = makeConfig({
  trusted: peerList(['198.51.100.10', '2001:db8:a::10']),
  deny: peerList(['192.0.2.66'], ['bans']),
  groups: groupsOf({
    office: ['198.51.100.0/24'],
    family: ['203.0.113.20', '203.0.113.21', '2001:db8:b::/48'],
    monitoring: ['192.0.2.12'],
    bans: ['192.0.2.128/26', '203.0.113.96/27', '203.0.113.200', '2001:db8:c::/48'],
  }),
});

function sceneOf(containers: readonly Container[], rest: Partial<Scene> = {}): Scene {
  return { inventory: makeInventory(containers, { networks: [lan, front] }), config, ...rest };
}

const proxy = makeContainer('nginx-proxy', {
  labels: { 'dockwall.public': 'http,https', 'dockwall.description': 'everything on the web comes in here' },
  ports: ports('80:80', '443:443', '443:443/udp'),
});
const wiki = makeContainer('wiki', {
  labels: { 'dockwall.allow': 'office', 'dockwall.description': 'the family wiki' },
  ports: ports('8080:80'),
});
const database = makeContainer('postgres', { ports: ports('5432:5432') });

export const three: Scene = sceneOf([proxy, wiki, database]);

export const ten: Scene = sceneOf(
  [
    proxy,
    wiki,
    database,
    makeContainer('gitea', {
      labels: { 'dockwall.public': '3000', 'dockwall.allow.22': 'office family' },
      ports: ports('3000:3000', '2222:22'),
    }),
    makeContainer('jellyfin', {
      labels: { 'dockwall.allow': 'family', 'dockwall.deny': '203.0.113.21' },
      ports: ports('8096:8096', '7359:7359/udp'),
    }),
    makeContainer('grafana', {
      labels: { 'dockwall.allow': 'office monitoring 203.0.113.7' },
      ports: ports('3001:3000'),
      active: false,
    }),
    makeContainer('adguard', { ports: ports('53:53', '53:53/udp', '127.0.0.1:3080:80') }),
    makeContainer('mosquitto', {
      labels: { 'dockwall.allow.1883': '192.0.2.40 192.0.2.41' },
      ports: ports('1883:1883', '9001:9001'),
    }),
    makeContainer('television', { endpoints: [{ networkId: 'lan', address: cidr('192.0.2.9') }] }),
    makeContainer('paperless', { labels: { 'dockwall.allow': 'ofice' }, ports: ports('8000:8000') }),
  ],
  {
    lists: [
      { name: 'home.example.org', networks: 2, ageSeconds: 12, error: null },
      {
        name: 'https://lists.example.org/bans.txt',
        networks: 4182,
        ageSeconds: 90_000,
        error: 'no answer within 10 s',
      },
      { name: 'file:lists/partners.txt', networks: null, ageSeconds: null, error: 'there is no such file' },
    ],
    blocked: [
      {
        source: '203.0.113.200',
        port: 5432,
        protocol: 'tcp',
        services: ['postgres'],
        packets: 4711,
        lastSeen: '2026-03-01T10:30:58Z',
      },
      {
        source: '2001:db8:c::200',
        port: 8080,
        protocol: 'tcp',
        services: ['wiki'],
        packets: 12,
        lastSeen: '2026-03-01T10:12:40Z',
      },
    ],
  },
);

const kinds = [
  { 'dockwall.public': '*' },
  { 'dockwall.allow': 'office' },
  {},
  { 'dockwall.allow': 'family,203.0.113.77' },
  {},
  {},
];

/** As many services as asked, of every kind. */
export function many(count: number): Scene {
  const containers = Array.from({ length: count }, (_, index) =>
    makeContainer(`service-${String(index + 1).padStart(3, '0')}`, {
      labels: kinds[index % kinds.length] ?? {},
      ports: ports(`${8000 + index}:80`, ...(index % 4 === 0 ? [`${18_000 + index}:9000`] : [])),
      active: index % 11 !== 5,
    }),
  );
  return sceneOf(containers);
}

/** With one more service. */
export function withAnother({ inventory, ...rest }: Scene, container: Container): Scene {
  return { ...rest, inventory: { ...inventory, containers: [...inventory.containers, container] } };
}

/** Texts that want to be more than text. */
export const hostileTexts: readonly string[] = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  'javascript:alert(1)',
  '</title></svg></style><script>alert(1)</script>',
  '<!--',
  ']]>',
  '&lt;script&gt;',
  '${alert(1)}',
  '\u202E\u2066gnp.exe\u200F',
  '\u0000\u001B[31m\u0007\r\n',
  '\uD800',
  'x'.repeat(10_000),
];

/** Each of them as name, description, label, value of a label, and network. */
export const hostile: Scene = {
  config,
  inventory: makeInventory(
    hostileTexts.flatMap((text, index) => [
      makeContainer(text, {
        id: `id-${index}`,
        labels: { 'dockwall.allow': text, 'dockwall.description': text, [`dockwall.${text}`]: text },
        ports: ports(`${9000 + index}:80`),
      }),
      makeContainer(`${index} ${text}`, {
        id: `bare-${index}`,
        labels: { 'dockwall.description': text },
        ports: ports(`${9100 + index}:80`),
        endpoints: [{ networkId: text, address: cidr('192.0.2.9') }],
      }),
    ]),
    {
      networks: hostileTexts.map((text) => ({
        id: text,
        name: text,
        driver: 'macvlan',
        bridge: undefined,
        routed: [],
      })),
    },
  ),
};

const long = {
  projects: ['nextcloud-production-cluster-north', 'paperless-ngx', 'immich-photo-library', 'observability'],
  parts: [
    'application-server',
    'db',
    'redis-cache-for-sessions',
    'worker',
    'reverse-proxy-with-certificates',
  ],
};

/** Two hundred services as compose names them, some alone, and all that can be wrong: lists, labels, sources that were turned away. */
export const crowded: Scene = sceneOf(
  Array.from({ length: 200 }, (_, index) => {
    const project = `${long.projects[index % 4] ?? ''}-${Math.floor(index / 20) + 1}`;
    const part = long.parts[Math.floor(index / 4) % 5] ?? '';
    const labels = [
      { 'dockwall.public': 'https' },
      { 'dockwall.allow': 'office,family,monitoring,203.0.113.77,2001:db8:dead:beef::/64' },
      {},
      { 'dockwall.allow': 'ofice' },
      { 'dockwall.allow': 'office', 'dockwall.deny': '203.0.113.21' },
    ][index % 5];
    return makeContainer(index % 9 === 8 ? `tool-${index}` : `${project}-${part}-1`, {
      id: `id-${index}`,
      labels: {
        ...labels,
        ...(index % 7 === 0
          ? { 'dockwall.description': 'keeps the sessions of people who have signed in' }
          : {}),
      },
      project: index % 9 === 8 ? undefined : project,
      ports: ports(`${20_000 + index}:443`, ...(index % 6 === 0 ? [`${30_000 + index}:53/udp`] : [])),
      active: index % 13 !== 5,
      ...(index % 50 === 7 ? { endpoints: [{ networkId: 'lan', address: cidr('192.0.2.9') }] } : {}),
    });
  }),
  {
    lists: [
      ...(ten.lists ?? []),
      {
        name: `https://lists.example.org/${'a-path-without-a-place-to-break'.repeat(3)}.txt`,
        networks: 12,
        ageSeconds: 400_000,
        error: 'the certificate of lists.example.org has expired on 2026-02-27',
      },
    ],
    blocked: Array.from({ length: 50 }, (_, index) => ({
      source:
        index % 3 === 0
          ? `2001:db8:1234:5678:9abc:def0:1234:${(0x5000 + index).toString(16)}`
          : `203.0.113.${index}`,
      port: 20_000 + index,
      protocol: 'tcp',
      services: [`nextcloud-production-cluster-north-1-application-server-${index}`],
      packets: 4711 * (index + 1),
      lastSeen: '2026-03-01T10:30:58Z',
    })),
  },
);
