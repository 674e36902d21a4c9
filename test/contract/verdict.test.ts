import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { diff } from '../../src/decide/diff/diff.ts';
import type { Cidr, Family } from '../../src/decide/net/network.ts';
import { familyOf } from '../../src/decide/net/network.ts';
import type { GroupName } from '../../src/decide/policy/config.ts';
import { foreignSetNames, withForeignSets } from '../../src/decide/policy/foreign-sets.ts';
import type { PeerRule, Policy, PolicyMembers, Service, ServicePort } from '../../src/decide/policy/model.ts';
import { judge, type Packet, type Verdict } from '../../src/decide/policy/verdict.ts';
import { render } from '../../src/decide/wall/render.ts';
import { createKernel } from '../../src/reach/kernel/kernel.ts';
import { FakeKernel } from './fake-kernel.ts';
import { type FakePacket, walk } from './fake-packets.ts';

// The verdict as a function, held against the rules as rendered: random policies, written into the fake kernel, and random
// packets through its mangle table. A seed that fails is printed; FAST_CHECK_SEED plays it again.

const mark = 0x1000;
const connmark = 0x80;

/** Few values each, so that they meet. */
const sources: Readonly<Record<Family, readonly string[]>> = {
  4: ['198.51.100.1', '198.51.100.77', '203.0.113.9', '10.1.2.3'],
  6: ['2001:db8:a::1', '2001:db8:a::77', '2001:db8:b::9', 'fd00::3'],
};
const networks = [
  '198.51.100.0/24',
  '198.51.100.77',
  '203.0.113.8/29',
  '0.0.0.0/0',
  '2001:db8:a::/64',
  '2001:db8:a::77',
  '2001:db8:b::/48',
  '::/0',
] as const;
const hosts: Readonly<Record<Family, readonly string[]>> = {
  4: ['192.0.2.10', '192.0.2.11', '127.0.0.5'],
  6: ['2001:db8:1::10', '2001:db8:1::11', '::1'],
};
const inside: Readonly<Record<Family, readonly string[]>> = {
  4: ['172.18.0.2', '172.18.0.3'],
  6: ['fd18::2', 'fd18::3'],
};
const numbers = [80, 443, 5432];
const groupNames = ['office', 'web', 'a-group-with-a-name-that-is-long-1'] as GroupName[];
/** What labels name is a group to the policy, and no set of its own in the kernel. */
const wordNames = [
  'home.example.org',
  'crowd.example.org',
  'interface:wg0',
  'interface:gone0',
] as GroupName[];

const network = fc.constantFrom(...networks) as fc.Arbitrary<Cidr>;
const fewNetworks = fc.uniqueArray(network, { maxLength: 3 });
const fewGroups = fc.uniqueArray(fc.constantFrom(...groupNames), { maxLength: 2 });
const members: fc.Arbitrary<PolicyMembers> = fc.record({
  networks: fewNetworks,
  interfaces: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.constantFrom(['wg0'], ['eth0', 'wg0'])),
  ipsets: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    fc.subarray(['addresses', 'addresses6', 'networks', 'lists', 'absent', 'unfit'], { minLength: 1 }),
  ),
  origins: fc.constant([]),
});
const nobody: PolicyMembers = { networks: [], interfaces: [], ipsets: [], origins: [] };
const peers = fc.oneof(
  { weight: 2, arbitrary: fc.constant({ ...nobody, groups: [] }) },
  fc.tuple(members, fewGroups).map(([some, groups]) => ({ ...some, groups })),
);
const reason = { label: 'dockwall.allow', value: 'x' };

const peerRules: fc.Arbitrary<readonly PeerRule[]> = fc.array(
  fc.oneof(
    network.map((one): PeerRule => ({ peer: { kind: 'network', network: one }, reason })),
    fc
      .constantFrom(...groupNames, ...wordNames)
      .map((name): PeerRule => ({ peer: { kind: 'group', name }, reason })),
  ),
  { maxLength: 2 },
);

const single: fc.Arbitrary<ServicePort> = fc.constantFrom<Family>(4, 6).chain((family) =>
  fc.record({
    family: fc.constant(family),
    address: fc.constantFrom('any' as const, 'any' as const, ...(hosts[family].slice(0, 2) as Cidr[])),
    hostPort: fc.option(fc.constantFrom(...numbers), { nil: undefined, freq: 6 }),
    containerPort: fc.constantFrom(...numbers),
    protocol: fc.constantFrom('tcp', 'udp'),
    reach: fc.record({
      everyone: fc.option(fc.constant(reason), { nil: undefined, freq: 2 }),
      allow: peerRules,
      deny: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, peerRules),
    }),
    loopback: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    lapsed: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  }),
);

/** Now and then a row of ports that takes the next number in. */
const port: fc.Arbitrary<ServicePort> = fc
  .tuple(single, fc.integer({ min: 0, max: 9 }))
  .map(([one, n]) => (n === 0 ? { ...one, count: 400 } : one));

const plainService: fc.Arbitrary<Service> = fc.record({
  containerId: fc.constant('c1'),
  name: fc.constant('one'),
  composeService: fc.constant(undefined),
  swarmService: fc.constant(undefined),
  active: fc.boolean(),
  description: fc.constant(''),
  undeclared: fc.constant(false),
  portsFrom: fc.constant('docker'),
  ports: fc.array(port, { maxLength: 4 }),
  endpoints: fc.array(
    fc.record({
      networkId: fc.constant('0123456789abcdef'),
      address: fc.constantFrom(...inside[4], ...inside[6]) as fc.Arbitrary<Cidr>,
      routed: fc.boolean(),
      direct: fc.boolean(),
    }),
    { maxLength: 2 },
  ),
  unprotected: fc.constant([]),
});

const service: fc.Arbitrary<Service> = fc
  .tuple(plainService, fc.integer({ min: 0, max: 3 }))
  .map(([one, n]) => (n === 0 ? { ...one, wide: true as const } : one));

const policy: fc.Arbitrary<Policy> = fc.record({
  mark: fc.constant(mark),
  connmark: fc.constant(connmark),
  rememberBlocked: fc.boolean(),
  external: fc.constantFrom<Policy['external']>({ kind: 'auto' }, { kind: 'list', names: ['eth0', 'wg0'] }),
  inside: fc.constant(['br-0123456789ab', 'docker0']),
  foreignBridges: fc.constantFrom([], ['br-lan']),
  bridgedSeen: fc.boolean(),
  networks: fc.constant([{ id: '0123456789abcdef', name: 'net', bridge: 'br-0123456789ab' }]),
  trusted: peers,
  deny: peers,
  groups: fc
    .tuple(members, members, members, fewNetworks, fewNetworks)
    .map(([office, web, long, home, crowd]) => {
      const lists: readonly PolicyMembers[] = [office, web, long];
      const words: readonly PolicyMembers[] = [
        { ...nobody, networks: home },
        { ...nobody, networks: crowd, tooMany: 300 },
        { ...nobody, interfaces: ['wg0'] },
        nobody,
      ];
      return new Map([
        ...groupNames.map((name, index) => [name, lists[index] ?? nobody] as const),
        ...wordNames.map((name, index) => [name, words[index] ?? nobody] as const),
      ]);
    }),
  sources: fc.constant([]),
  services: fc.array(service, { maxLength: 3 }),
  problems: fc.constant([]),
});

const packet: fc.Arbitrary<Packet> = fc
  .record({
    family: fc.constantFrom<Family>(4, 6),
    towards: fc.constantFrom<Packet['towards']>('host', 'host', 'host', 'bridge', 'elsewhere'),
    protocol: fc.constantFrom('tcp', 'udp'),
    port: fc.constantFrom(...numbers),
  })
  .chain(({ family, towards, ...rest }) =>
    fc.record({
      interface: fc.constantFrom('eth0', 'wg0'),
      protocol: fc.constant(rest.protocol),
      port: fc.constant(rest.port),
      towards: fc.constant(towards),
      source: fc.constantFrom(...sources[family]),
      destination: fc.constantFrom(
        ...(towards === 'host' ? hosts[family] : towards === 'bridge' ? inside[family] : sources[family]),
      ),
    }),
  );

/** Sets that something else keeps, of every shape that matters. */
const foreign = `create addresses hash:ip family inet
create addresses6 hash:ip family inet6
create networks hash:net family inet
create unfit hash:net,port family inet
create lists list:set
add addresses 198.51.100.1
add addresses6 2001:db8:a::1
add networks 203.0.113.0/24
add unfit 10.0.0.0/8,tcp:80
add lists networks
add lists addresses6
`;

/** What their keepers do later, while we do nothing. */
const laterOn = `add addresses 10.1.2.3
flush networks
add networks 198.51.100.64/26
del addresses6 2001:db8:a::1
add addresses6 2001:db8:b::9
`;

/** The policy in a kernel where somebody else has sets. */
class Installed {
  readonly fake = new FakeKernel({ backends: ['nft'] });
  private readonly kernel = createKernel(this.fake.run, { readFile: this.fake.readFile });
  private readonly desired: Policy;

  constructor(desired: Policy) {
    this.desired = desired;
  }

  async restore(input: string): Promise<void> {
    const done = await this.fake.run({ program: 'ipset', args: ['restore'], input, timeoutMs: 1 });
    expect(done.stderr).toBe('');
  }

  async apply(): Promise<void> {
    await this.kernel.apply(diff(render(this.desired, 'asked'), await this.kernel.observe()));
  }

  /** The verdict as it is now, with what the external sets hold. */
  async judge(): Promise<ReturnType<typeof judge>> {
    const names = foreignSetNames(this.desired);
    return judge(withForeignSets(this.desired, await this.kernel.readSets(names)));
  }
}

function onTheWire({ towards, interface: port, ...rest }: Packet): FakePacket {
  const family = familyOf(rest.source);
  const local = towards === 'host';
  const types = local ? (family === 4 ? ['LOCAL'] : ['LOCAL', 'UNICAST']) : ['UNICAST'];
  // A mark that an outer packet left behind must not help.
  return { ...rest, family, types, in: port ?? 'eth0', state: 'ESTABLISHED', mark, connmark: 0 };
}

/** Each way that the packet may take after PREROUTING, and whether it should arrive. */
function ways(
  { towards }: Packet,
  { kind }: Verdict,
): readonly (readonly [string, string | undefined, boolean])[] {
  if (towards === 'elsewhere') return [['routed on', 'eth1', kind !== 'denied']];
  if (towards === 'bridge') return [['to the container', 'br-0123456789ab', kind === 'allowed']];
  return [
    ['to the host', undefined, kind !== 'denied'],
    // Docker translates, and its port is one that the policy does not know, or knows
    ['translated', 'docker0', kind === 'allowed'],
  ];
}

function check(fake: FakeKernel, sent: Packet, decided: Verdict): void {
  for (const [way, out, arrives] of ways(sent, decided)) {
    const seen = { ...onTheWire(sent), ...(out === undefined ? {} : { out }) };
    const hooks = ['PREROUTING', out === undefined ? 'INPUT' : 'FORWARD'];
    expect([way, walk({ kernel: fake, hooks }, seen)]).toEqual([way, arrives]);
    const remembered = !arrives && !(decided.kind === 'denied' && decided.because === 'loopback');
    expect([way, seen.connmark]).toEqual([way, remembered ? connmark : 0]);
    // the other direction
    const answer: FakePacket = {
      ...onTheWire(sent),
      source: sent.destination,
      destination: sent.source,
      sourcePort: sent.port,
      port: 40_000,
      types: ['UNICAST'],
      reply: true,
      connmark: seen.connmark,
      mark: 0,
      out: 'eth0',
    };
    expect([way, walk({ kernel: fake, hooks: ['POSTROUTING'] }, answer)]).toEqual([way, !remembered]);
    const back = { ...answer, out: 'docker0' };
    expect([way, walk({ kernel: fake, hooks: ['POSTROUTING'] }, back)]).toEqual([way, true]);
    // let in again, or left alone
    if (arrives && sent.towards !== 'elsewhere') {
      const again = { ...seen, connmark, mark: 0 };
      expect([way, walk({ kernel: fake, hooks }, again), again.connmark]).toEqual([way, true, 0]);
    }
  }
}

describe('the verdict is what the rules do', () => {
  test('for random policies and packets', async () => {
    const counts = new Map<string, number>();
    const seed = Number(process.env['FAST_CHECK_SEED'] ?? Date.now() % 2 ** 31);
    console.info(`seed ${seed}`);
    await fc.assert(
      fc.asyncProperty(
        policy,
        fc.array(packet, { minLength: 30, maxLength: 30 }),
        async (desired, packets) => {
          const installed = new Installed(desired);
          await installed.restore(foreign);
          await installed.apply();
          for (const later of ['', laterOn]) {
            await installed.restore(later);
            const decide = await installed.judge();
            for (const one of packets) {
              const decided = decide(one);
              const key =
                decided.kind === 'not managed' ? decided.kind : `${decided.kind}: ${decided.because}`;
              counts.set(key, (counts.get(key) ?? 0) + 1);
              check(installed.fake, one, decided);
            }
          }
        },
      ),
      { seed, numRuns: 300 },
    );
    // every way to decide was taken
    expect([...counts.keys()].sort()).toEqual([
      'allowed: allowed',
      'allowed: public',
      'allowed: trusted',
      'denied: denied',
      'denied: denied by a label',
      'denied: loopback',
      'denied: published',
      'denied: unpublished',
      'not managed',
    ]);
  });
});
