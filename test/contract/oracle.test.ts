import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { explain } from '../../src/decide/explain/explain.ts';
import type { Asker, Moment, Target } from '../../src/decide/explain/model.ts';
import type { Container, Network } from '../../src/decide/inventory/model.ts';
import type { Cidr } from '../../src/decide/net/network.ts';
import { families, familyOf } from '../../src/decide/net/network.ts';
import { sourceKey } from '../../src/decide/policy/config.ts';
import type { Answers } from '../../src/decide/policy/model.ts';
import { config } from '../unit/config/loading.ts';
import { hostOf } from '../unit/explain/moments.ts';
import { makeContainer, ports } from '../unit/policy/inventories.ts';
import type { FakeKernel } from './fake-kernel.ts';
import { type Site, whatHappens } from './oracle-fake.ts';
import { documents, labelSets, oracleSeed, type Words } from './oracle-worlds.ts';

// S26 without an engine: from random containers, labels, configurations, answers of names and entries that somebody made for a
// while, to what `explain` says and what the rules as written do in a kernel that behaves; then once more after somebody has
// taken a rule or a member away behind our back. The same with real packets: test/lab/scenarios/oracle.test.ts.

const words: Words = {
  sources: [
    '198.51.100.0/24',
    '198.51.100.77',
    '203.0.113.8-203.0.113.11',
    '10.0.0.0/8',
    '2001:db8:a::/64',
    '2001:db8:b::9',
    'home.example.org',
    'interface:wg0',
    'ipset:others',
    'ipset:all',
    'ipset:missing',
  ],
  groups: ['office', 'web'],
  ports: ['80', '443', '443/udp', 'http', 'container:80', '8000-9000', '*'],
  services: ['one', 'shop'],
};

/** What something else keeps: a set of each family, and one that lists both. */
const others = `create others hash:net family inet
add others 198.51.100.0/26
add others 203.0.113.9
create others6 hash:ip family inet6
add others6 2001:db8:b::9
create all list:set
add all others
add all others6
`;

const askers: readonly Asker[] = [
  '198.51.100.1',
  '198.51.100.77',
  '203.0.113.9',
  '10.1.2.3',
  '10.8.0.7',
  '192.0.2.50',
  '172.18.0.2',
  '127.0.0.1',
  '2001:db8:a::1',
  '2001:db8:b::9',
  'fe80::7',
]
  .map((address): Asker => ({ address, interface: undefined, name: undefined }))
  .concat({ address: '203.0.113.9', interface: 'tun9', name: undefined });

const targets: readonly Target[] = [
  ...[80, 443, 8080, 9000].map((port): Target => ({ kind: 'port', port, protocol: undefined })),
  ...[
    '192.0.2.10',
    '192.0.2.11',
    '172.18.0.2',
    '192.0.2.77',
    '198.51.100.99',
    '2001:db8:1::10',
    'fd18::3',
    '::1',
  ].map((address): Target => ({ kind: 'address', address, port: 80, protocol: undefined })),
  ...['one', 'two', 'three'].map((name): Target => ({
    kind: 'service',
    containers: [`id-of-${name}`],
    selector: { kind: 'every' },
  })),
];

const plain = {
  id: '0123456789abcdef',
  name: 'plain',
  driver: 'bridge',
  bridge: 'br-0123456789ab',
  routed: [],
};
const routed = {
  ...plain,
  id: '1123456789abcdef',
  name: 'routed',
  bridge: 'br-1123456789ab',
  routed: families,
};
const beside = { id: '2123456789abcdef', name: 'lan', driver: 'macvlan', bridge: undefined, routed: [] };
const networks: readonly Network[] = [plain, routed, beside];

const published = [
  '80:80',
  '8080:80',
  '443:443',
  '443:443/udp',
  '192.0.2.10:80:80',
  '2001:db8:1::10:8080:80',
  '127.0.0.1:9000:9000',
  '9000:9000',
  ':81',
];

function containers(index: number): fc.Arbitrary<Container> {
  const name = ['one', 'two', 'three'][index] ?? 'one';
  return fc
    .record({
      publish: fc.uniqueArray(fc.constantFrom(...published), { maxLength: 4 }),
      labels: labelSets(words),
      active: fc.integer({ min: 0, max: 4 }).map((n) => n > 0),
      mode: fc.constantFrom('own', 'own', 'own', 'own', 'host', 'mesh'),
      network: fc.constantFrom(plain, plain, routed, beside),
      compose: fc.constantFrom(undefined, 'shop'),
      portsKnown: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
    })
    .map(({ publish, labels, active, mode, network, compose, portsKnown }) => {
      const addresses = network === beside ? ['192.0.2.77'] : [`172.18.0.${index + 2}`, `fd18::${index + 2}`];
      const endpoints = addresses.map((address) => ({ networkId: network.id, address: address as Cidr }));
      return makeContainer(name, {
        composeService: compose,
        active,
        labels: mode === 'host' ? { ...labels, 'dockwall.ports': '9000,443' } : labels,
        networkMode: { kind: mode },
        ports: mode === 'host' ? [] : ports(...publish),
        endpoints: active && mode === 'own' ? endpoints : [],
        portsKnown,
      });
    });
}

const worlds = fc.record({
  document: documents(words),
  interfaces: fc.constantFrom('auto', 'auto', ['eth0', 'wg0']),
  containers: fc.tuple(containers(0), containers(1), containers(2)),
  answer: fc.option(fc.subarray(['203.0.113.9', '198.51.100.1', '2001:db8:a::1'])),
  // what somebody lets in, or shuts out, for a while
  forAWhile: fc.array(
    fc.tuple(
      fc.constantFrom('trusted', 'deny', 'src-office', 'src-web'),
      fc.constantFrom('198.51.100.77', '203.0.113.9', '2001:db8:b::9'),
    ),
    { maxLength: 2 },
  ),
  // who has a hand in the kernel afterwards, and where
  hand: fc.option(
    fc.record({ what: fc.constantFrom('rule', 'member', 'more', 'hook', 'set'), nth: fc.nat() }),
    {
      freq: 2,
    },
  ),
});

function answersOf(addresses: readonly string[] | null): Answers {
  const key = sourceKey({ kind: 'name', name: 'home.example.org' });
  return new Map(addresses === null ? [] : [[key, addresses as readonly Cidr[]]]);
}

const site: Site = {
  anyHost: { 4: '192.0.2.11', 6: '2001:db8:1::11' },
  bridgeOf: (address) => (/^(?:172\.18\.|fd18:)/.test(address) ? plain.bridge : undefined),
};

/** The chains that a packet meets which `explain` speaks of; any rule of theirs may be gone. */
const meddled = ['JUDGE', 'ROUTED', 'GATE', 'PASS', 'FORWARD', 'UNPASSED', 'BLOCKED', 'REFUSE'].map(
  (name) => `DOCKWALL-${name}`,
);

/** Takes something away, or adds something, behind our back. */
async function meddle(
  fake: FakeKernel,
  { what, nth }: { readonly what: string; readonly nth: number },
): Promise<void> {
  const family = nth % 2 === 0 ? 4 : 6;
  const restore = async (text: string): Promise<void> => {
    const program = family === 4 ? 'iptables-nft-restore' : 'ip6tables-nft-restore';
    await fake.run({ program, args: ['--noflush'], input: `*mangle\n${text}\nCOMMIT\n`, timeoutMs: 1000 });
  };
  const members = async (line: string): Promise<void> =>
    void (await fake.run({
      program: 'ipset',
      args: ['restore', '-exist'],
      input: `${line}\n`,
      timeoutMs: 1000,
    }));
  const [table] = fake.tablesNamed(family, 'mangle');
  const roles = [
    'published',
    'public',
    'trusted',
    'deny',
    'src-office',
    'src-web',
    'to-office',
    'to-web',
    'allow-pairs',
    'deny-pairs',
    'via-wg0',
    'nov-wg0',
    'deny-ext',
    'ext-office',
    'trusted-ext',
  ];
  const set = `dockwall${family}-${roles[nth % roles.length] ?? ''}`;
  const held = fake.members(set);
  if (what === 'rule') {
    // half of the numbers say the family already
    const half = Math.floor(nth / 2);
    const chain = meddled[half % meddled.length] ?? '';
    const count = table?.get(chain)?.rules.length ?? 0;
    if (count > 0) await restore(`-D ${chain} ${(Math.floor(half / meddled.length) % count) + 1}`);
  } else if (what === 'hook') await restore(`-D ${nth % 4 < 2 ? 'PREROUTING' : 'FORWARD'} 1`);
  else if (what === 'set')
    await Promise.all(held.map((member) => members(`del ${set} ${member.split(' ')[0]}`)));
  else if (what === 'member' && held.length > 0)
    await members(`del ${set} ${held[nth % held.length]?.split(' ')[0]}`);
  else if (what === 'more') {
    const port = family === 4 ? '0.0.0.0/1,tcp:80' : '::/1,tcp:80';
    const source = family === 4 ? '198.51.100.1' : '2001:db8:a::1';
    const member = /published|public|to-|via-|nov-/.test(set)
      ? port
      : set.endsWith('pairs')
        ? `${source},tcp:80`
        : source;
    await members(`add ${set} ${member}`);
  }
}

interface Seen {
  cases: number;
  readonly kinds: Set<string>;
  readonly agreements: Set<string>;
}

/** All questions, held against the fake. */
function holdAgainst(fake: FakeKernel, moment: Moment, seen: Seen, touched: boolean): void {
  for (const family of families) {
    for (const target of targets) {
      if (target.kind === 'address' && familyOf(target.address) !== family) continue;
      const alike = askers.filter(({ address }) => familyOf(address) === family);
      for (const path of explain(moment, { askers: alike, target }).paths) {
        seen.cases += 1;
        seen.kinds.add(`${path.verdict}: ${path.because.kind}`);
        seen.agreements.add(`${path.verdict}: ${path.kernel.kind}`);
        const happens = whatHappens(fake, path, site);
        if (!touched) {
          expect({ path, happens }).toEqual({ path, happens: path.verdict });
          expect(path).not.toMatchObject({ kernel: { kind: 'differs' } });
        }
        if (path.kernel.kind === 'differs')
          expect({ path, happens }).toEqual({ path, happens: path.kernel.does });
        if (path.kernel.kind === 'agrees') expect({ path, happens }).toEqual({ path, happens: path.verdict });
      }
    }
  }
}

describe('S26: the oracle', () => {
  test('what explain says is what the rules do, and what it says of the kernel is what the kernel does', async () => {
    const seen: Seen = { cases: 0, kinds: new Set(), agreements: new Set() };
    await fc.assert(
      fc.asyncProperty(worlds, async ({ document, interfaces, answer, forAWhile, hand, ...world }) => {
        const host = await hostOf({
          containers: world.containers,
          networks,
          config: { ...config(JSON.stringify({ ...document, interfaces })) },
          answers: answersOf(answer),
          own: ['192.0.2.10', '192.0.2.11', '2001:db8:1::10', '2001:db8:1::11', '127.0.0.1', '::1'],
          sets: others,
          after: forAWhile.map(([role, address]) => ({
            program: 'ipset',
            input: `add dockwall${familyOf(address)}-${role} ${address} timeout 600\n`,
          })),
        });
        holdAgainst(host.fake, await host.look(), seen, false);
        if (hand === null) return;
        await meddle(host.fake, hand);
        holdAgainst(host.fake, await host.look(), seen, true);
      }),
      { seed: oracleSeed(), numRuns: 60 },
    );
    console.info(`${seen.cases} cases`);
    expect(seen.cases).toBeGreaterThan(10_000);
    // every way to decide was taken, and the kernel was found to differ in each
    expect([...seen.kinds].sort()).toEqual([
      'allowed: allowed',
      'allowed: public',
      'allowed: trusted',
      'denied: closed',
      'denied: denied',
      'denied: denied by a label',
      'denied: loopback',
      'denied: unpublished',
      'not managed: elsewhere',
      'not managed: inside',
      'not managed: not protected',
      'not managed: not published',
      'not managed: other interface',
    ]);
    expect([...seen.agreements].sort()).toEqual(
      ['allowed: ', 'not managed: ', 'denied: ']
        .flatMap((verdict) => [`${verdict}agrees`, `${verdict}differs`])
        .concat('not managed: no rule')
        .sort(),
    );
  }, 120_000);
});
