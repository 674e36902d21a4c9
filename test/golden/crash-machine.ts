import { isEmpty } from '../../src/decide/diff/diff.ts';
import { createKernel } from '../../src/reach/kernel/kernel.ts';
import { mergeNetworks } from '../../src/decide/net/merge-networks.ts';
import { type Cidr, families } from '../../src/decide/net/network.ts';
import { decide } from '../../src/decide/pass/decide.ts';
import { bootstrapGate } from '../../src/daemon/bootstrap.ts';
import { FakeKernel } from '../contract/fake-kernel.ts';
import { type FakePacket, walk } from '../contract/fake-packets.ts';
import { type Moment, readScenarios, type Scenario } from './scenario.ts';

// S20 without packets: from one state of Docker and the configuration to any other, stopped after every change that
// the kernel makes in one piece. Whom the old and the new policy both keep out never gets in between. Here is what the two
// files of tests share: two, so that two workers share the time.

/** What Docker 28 has put there before us. */
const dockers = `*nat
:PREROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -j DOCKER
COMMIT
*filter
:FORWARD ACCEPT [0:0]
:DOCKER - [0:0]
-A FORWARD -j DOCKER
COMMIT
`;

/** One state of the world that a pass brings the kernel to. */
export interface State {
  readonly name: string;
  readonly config: Scenario['config'];
  readonly moment: Moment;
}

/** External sets that any of them names. */
const foreign = readScenarios()
  .map((scenario) => scenario.foreign)
  .join('');

/** Group names mean something else in each scenario, so going from one to another changes roles of groups as well. */
const states: readonly State[] = readScenarios().flatMap(({ name, config, moments }) =>
  moments.map((moment, index): State => ({ name: `${name} ${index + 1}`, config, moment })),
);

/** The same stack with a group and a ban list of a thousand networks and more, for which sets are swapped. */
export const large: readonly State[] = (() => {
  const state = states.find(({ name }) => name.startsWith('deny'));
  if (state === undefined) throw new Error('the scenario `deny` is gone');
  const list = (second: number): readonly string[] =>
    Array.from({ length: 1100 }, (_, index) => `10.${second}.${index >> 7}.${(index & 127) * 2}`);
  const other = (name: string, lists: Readonly<Record<string, readonly string[]>>): State => {
    const { config } = state.config;
    const groups = new Map(
      [...config.groups].map(([group, members]) => {
        const more = Object.values(lists).flat() as Cidr[];
        return [group, { ...members, networks: mergeNetworks([...(name === 'none' ? [] : members.networks), ...more]) }];
      }),
    );
    return { ...state, name: `${state.name} with ${name}`, config: { ...state.config, config: { ...config, groups } } };
  };
  return [
    state,
    other('one list', { a: list(1) }),
    other('another', { b: [...list(2), '198.51.100.0/24'] }),
    other('none', {}),
  ];
})();

export class Machine {
  onStep: () => void = () => {};
  readonly fake = new FakeKernel({ onStep: () => this.onStep() });

  async prepare(): Promise<this> {
    for (const program of ['iptables-nft-restore', 'ip6tables-nft-restore'])
      await this.fake.run({ program, args: ['--noflush'], input: dockers, timeoutMs: 1000 });
    await this.fake.run({ program: 'ipset', args: ['restore'], input: foreign, timeoutMs: 1000 });
    return this;
  }

  /** A fresh process: the gate first, then a pass. */
  async start({ config, moment }: State): Promise<void> {
    this.fake.restart();
    const kernel = createKernel(this.fake.run, { readFile: this.fake.readFile });
    await bootstrapGate(kernel, { host: moment.host, inForce: config, answers: new Map() });
    await this.pass({ name: '', config, moment });
  }

  async pass({ config, moment }: State): Promise<void> {
    const kernel = createKernel(this.fake.run, { readFile: this.fake.readFile });
    const { plan } = decide({ ...moment, observed: await kernel.observe() }, config);
    if (!isEmpty(plan)) await kernel.apply(plan);
  }
}

/** Whether the first packet of a connection gets through `mangle`, and on its way out or to the host. */
export function passesMangle(kernel: FakeKernel, packet: FakePacket): boolean {
  return walk({ kernel, hooks: ['PREROUTING', packet.out === undefined ? 'INPUT' : 'FORWARD'] }, { ...packet });
}

const sources = {
  4: ['203.0.113.4', '198.51.100.7', '198.51.100.66', '203.0.113.66', '203.0.113.200', '192.0.2.77', '10.1.2.3'],
  6: ['2001:db8:203::4', '2001:db8:198::7', '2001:db8:bad::7', '2001:db8:ffff::1', 'fd00::7'],
} as const;

/** Every port and bridge that a rule or a set of either state names, asked for by everybody who is anybody. */
function packetsFor(texts: readonly string[]): readonly FakePacket[] {
  const text = texts.join('\n');
  const found = (pattern: RegExp): readonly string[] => [
    ...new Set([...text.matchAll(pattern)].map(([, word = '']) => word)),
  ];
  const ports = found(/(?:,|^)((?:tcp|udp):\d+)/gm).slice(0, 12);
  const bridges = found(/-o (\S+)/g).slice(0, 3);
  const inside = found(/add dockwall\d-r-\S+ ([0-9a-f.:]+),/g);
  return families.flatMap((family) =>
    sources[family].flatMap((source) =>
      ports.flatMap((port) => {
        const [protocol = '', number = ''] = port.split(':');
        const sent = { family, in: 'eth0', source, protocol, port: Number(number) };
        const packet = { ...sent, state: 'NEW', mark: 0, connmark: 0 } as const;
        const here = family === 4 ? ['LOCAL'] : ['LOCAL', 'UNICAST'];
        const host = family === 4 ? '192.0.2.1' : '2001:db8:1::1';
        const routed = inside.find((address) => address.includes(':') === (family === 6)) ?? host;
        return [undefined, ...bridges].flatMap((out): FakePacket[] => [
          { ...packet, destination: host, types: here, ...(out === undefined ? {} : { out }) },
          ...(out === undefined ? [] : [{ ...packet, destination: routed, types: ['UNICAST'], out }]),
        ]);
      }),
    ),
  );
}

/** The packets that neither lets in; of those for long lists a few, for the fake looks at every member. */
export function shutOf(
  texts: readonly string[],
  { from, to }: { readonly from: State; readonly to: State },
  passes: (packet: FakePacket) => boolean,
): readonly FakePacket[] {
  const isLarge = large.includes(from) && large.includes(to);
  const all = packetsFor(texts);
  return (isLarge ? shuffled(all, 3).slice(0, 40) : all).filter((packet) => !passes(packet)).slice(0, isLarge ? 8 : all.length);
}

/** Of thousands of steps that add or delete one member of a list: some, and each that changes many at once. */
export function sampling(fake: FakeKernel): () => boolean {
  let steps = 0;
  let last = 0;
  return () => {
    steps += 1;
    const now = fake.memberCount();
    const many = Math.abs(now - last) > 100;
    last = now;
    return many || steps % 97 === 0;
  };
}

/** Numbers of our own, so that a run can be repeated. */
function shuffled<T>(items: readonly T[], seed: number): readonly T[] {
  let state = seed;
  const next = (): number => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
  return items.map((item) => ({ item, key: next() })).toSorted((a, b) => a.key - b.key).map(({ item }) => item);
}

const pairs = states.flatMap((from) => states.map((to) => ({ from, to }))).filter(({ from, to }) => from !== to);
/** From one of the large ones to another. */
export const between = [[0, 1], [1, 2], [2, 1], [1, 3], [2, 0]].flatMap(([from = 0, to = 0]) => {
  const [one, other] = [large[from], large[to]];
  return one === undefined || other === undefined ? [] : [{ from: one, to: other }];
});
/** Pairs by chance, the same in every run. */
export const chosen = shuffled(pairs, 7).slice(0, Number(process.env['DOCKWALL_CRASH_PAIRS'] ?? '24'));
