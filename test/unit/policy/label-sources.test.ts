import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { foreignStates } from '../../../src/decide/diff/foreign.ts';
import type { Container } from '../../../src/decide/inventory/model.ts';
import type { SourceKey } from '../../../src/decide/policy/config.ts';
import { foreignSetNames } from '../../../src/decide/policy/foreign-sets.ts';
import { limits } from '../../../src/decide/policy/limits.ts';
import type { Answers, Policy } from '../../../src/decide/policy/model.ts';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import { verdict } from '../../../src/decide/policy/verdict.ts';
import { render } from '../../../src/decide/wall/render.ts';
import {
  cidr,
  entriesOf,
  everyRight,
  makeConfig,
  makeContainer,
  makeInventory,
  peerList,
  ports,
} from './inventories.ts';

// What one label may do to the sets and rules of everybody: nothing but members of sets that are there anyway.

const networks = [
  { id: 'n1', name: 'net', driver: 'bridge', bridge: 'br-0123456789ab', routed: [] },
  { id: 'n2', name: 'routed', driver: 'bridge', bridge: 'br-1123456789ab', routed: [4, 6] },
] as const;

function labelled(name: string, port: string, labels: Record<string, string>, networkId = 'n1'): Container {
  const address = cidr(`172.18.0.${port.split(':')[0]?.slice(-2)}`);
  return makeContainer(name, { labels, ports: ports(port), endpoints: [{ networkId, address }] });
}

function policyOf(
  containers: readonly Container[],
  answers: Readonly<Record<string, readonly string[]>> = {},
): Policy {
  const inventory = makeInventory(containers, {
    networks,
    interfaces: ['eth0', 'wg0'].map((name) => ({ name, networks: [] })),
  });
  const known: Answers = new Map(
    Object.entries(answers).map(([name, list]) => [name as SourceKey, list.map(cidr)]),
  );
  return resolve(inventory, makeConfig(), known);
}

function membersOf(policy: Policy, name: string): readonly string[] | 'keep' | undefined {
  return render(policy, 'asked').sets.find((set) => set.name === name)?.members;
}

function reaches(policy: Policy, source: string, port: number): boolean {
  const packet = { protocol: 'tcp', source, destination: '192.0.2.10', port, towards: 'host' } as const;
  return verdict(policy, packet).kind === 'allowed';
}

/** Two DNS names that made one set once: ten characters of a name and 24 bits of a digest. Some 6,000 tries. */
function collidingNames(): readonly [string, string] {
  const seen = new Map<string, string>();
  for (let number = 0; ; number += 1) {
    const name = `customers-${number}.example.org`;
    const hash = createHash('sha256').update(`src-${name}`).digest('hex').slice(0, 6);
    const other = seen.get(hash);
    if (other !== undefined) return [other, name];
    seen.set(hash, name);
  }
}

describe('DNS names in labels', () => {
  it('never share a set: each opens its own port', () => {
    const [one, other] = collidingNames();
    const policy = policyOf(
      [
        labelled('a', '8001:80', { 'dockwall.allow': one }),
        labelled('b', '8002:80', { 'dockwall.allow': other }),
      ],
      { [one]: ['203.0.113.1'], [other]: ['203.0.113.2'] },
    );
    const { sets } = render(policy, 'asked');
    expect(new Set(sets.map(({ name }) => name)).size).toBe(sets.length);
    expect(membersOf(policy, 'dockwall4-allow-pairs')).toEqual([
      '203.0.113.1,tcp:8001',
      '203.0.113.2,tcp:8002',
    ]);
    expect([reaches(policy, '203.0.113.1', 8001), reaches(policy, '203.0.113.2', 8001)]).toEqual([
      true,
      false,
    ]);
  });

  it('a thousand of them, and addresses, and interfaces that are not there, cost no set and no rule', () => {
    const world = (count: number): Policy =>
      policyOf(
        [...Array(8).keys()].map((index) => {
          const words = [...Array(count).keys()].flatMap((n) => [
            `n${n}.c${index}.example.org`,
            `198.51.${index}.${n}`,
            `interface:x${n}`,
          ]);
          const [key, value] = [index % 2 === 0 ? 'dockwall.allow' : 'dockwall.deny', words.join(',')];
          const routed = index % 4 > 1 ? 'n2' : 'n1';
          return labelled(`c${index}`, `80${10 + index}:80`, { [key]: value }, routed);
        }),
      );
    const count = (policy: Policy): unknown => {
      const { gate, front, sets } = render(policy, 'asked');
      const tables = [...gate, ...(front === 'keep' ? [] : front)];
      const rules = tables.flatMap(({ chains }) => chains.map(({ name, rules }) => [name, rules.length]));
      return { rules, sets: sets.map(({ name }) => name) };
    };
    const many = world(80);
    expect(many.problems).toEqual([]);
    expect(many.sources).toHaveLength(640);
    expect(count(many)).toEqual(count(world(1)));
  });

  it('with more addresses than a name may have lets nobody in, refuses the first, and says so once', () => {
    const list = (count: number): readonly string[] => [...Array(count).keys()].map((n) => `10.0.${n}.1`);
    const containers = [
      labelled('a', '8001:80', { 'dockwall.allow.8001': 'big.example.org', 'dockwall.allow': '203.0.113.9' }),
      labelled('b', '8002:80', { 'dockwall.public': '*', 'dockwall.deny': 'big.example.org' }),
    ];
    const full = policyOf(containers, { 'big.example.org': list(limits.nameAddresses) });
    expect(full.problems).toEqual([]);
    expect(reaches(full, '10.0.63.1', 8001)).toBe(true);
    const over = policyOf(containers, { 'big.example.org': list(limits.nameAddresses + 1) });
    expect(over.problems.map(({ container, problem, partly }) => [container, problem, partly])).toEqual(
      ['a', 'b'].map((container) => [
        container,
        'big.example.org has 65 addresses, more than the 64 of one name in a label: it lets nobody in, and only the first are refused',
        true,
      ]),
    );
    expect([reaches(over, '10.0.0.1', 8001), reaches(over, '203.0.113.9', 8001)]).toEqual([false, true]);
    expect([reaches(over, '10.0.0.1', 8002), reaches(over, '203.0.113.9', 8002)]).toEqual([false, true]);
    expect(membersOf(over, 'dockwall4-allow-pairs')).toEqual(['203.0.113.9,tcp:8001']);
    expect(membersOf(over, 'dockwall4-deny-pairs')).toHaveLength(limits.nameAddresses);
  });
});

describe('external sets in labels', () => {
  it.each(['ipset:nosuch', 'ipset:dockwall4-trusted', 'ipset:bans'])(
    '%s pins nothing and breaks nothing',
    (word) => {
      const policy = policyOf([
        labelled('hostile', '8001:80', {
          'dockwall.public': '*',
          'dockwall.deny': word,
          'dockwall.allow': word,
        }),
        labelled('other', '8002:80', { 'dockwall.public': '*' }),
      ]);
      expect(foreignSetNames(policy)).toEqual([]);
      expect(foreignStates(render(policy, 'asked'), { foreign: [] })).toEqual([]);
      expect(policy.problems.map(({ container, label }) => [container, label])).toEqual([
        ['hostile', 'dockwall.allow'],
        ['hostile', 'dockwall.deny'],
      ]);
      expect([reaches(policy, '203.0.113.1', 8001), reaches(policy, '203.0.113.1', 8002)]).toEqual([
        false,
        true,
      ]);
    },
  );

  it('says what to do instead, in a label and under services:', () => {
    const config = makeConfig({ services: entriesOf({ web: { 'dockwall.deny': 'ipset:bans' } }) });
    const { problems } = resolve(makeInventory([makeContainer('web', { ports: ports('80:80') })]), config);
    expect(problems).toMatchObject([
      {
        problem: 'a label cannot name an external set: `ipset:bans`',
        hint: 'name it in a group of the configuration, groups: {bans: ["ipset:bans"]}, and the group here',
      },
    ]);
  });
});

describe('the limits of one container', () => {
  const problemsOf = (labels: Record<string, string>): Policy =>
    policyOf([labelled('web', '8001:80', labels)]);
  const list = (count: number, word: (n: number) => string): string =>
    [...Array(count).keys()].map(word).join(' ');
  const address = (n: number): string => `10.0.${n >> 6}.${(n & 63) * 2}`;

  it.each<[string, Record<string, string>, RegExp]>([
    [
      'labels',
      Object.fromEntries(
        [...Array(65).keys()].map((n) => [
          `dockwall.allow.${n < 1 ? 8001 : 'container:80'}${' '.repeat(n)}`,
          'any',
        ]),
      ),
      /66 labels are more than the 64/,
    ],
    [
      'the name of a label',
      { [`dockwall.allow.${'8001 '.repeat(60)}`]: 'any' },
      /315 bytes is longer than the 256/,
    ],
    ['a value', { 'dockwall.public': '8001'.padEnd(4097) }, /4097 bytes is longer than the 4096/],
    ['a description', { 'dockwall.public': '*', 'dockwall.description': 'é'.repeat(2049) }, /4098 bytes/],
    ['ports', { 'dockwall.public': list(256, () => '8001'), 'dockwall.allow.8001': 'any' }, /name 257 ports/],
    [
      'sources',
      { 'dockwall.allow': list(200, address), 'dockwall.allow.80': list(57, address) },
      /name 258 sources/,
    ],
    [
      'a range of IPv6',
      {
        'dockwall.allow':
          '2001:db8::1-2001:db8:ffff:ffff:ffff:ffff:ffff:fffe 2001:db9::1-2001:db9:ffff:ffff:ffff:ffff:ffff:fffe',
      },
      /name \d+ sources/,
    ],
  ])('%s', (_, labels, expected) => {
    const policy = problemsOf({ 'dockwall.allow.container:80': '203.0.113.9', ...labels });
    expect(policy.problems).toHaveLength(1);
    expect(policy.problems[0]?.problem).toMatch(expected);
    expect(policy.problems[0]?.hint).toBeDefined();
    expect(policy.problems[0]?.value.length).toBeLessThan(200);
    for (const source of ['203.0.113.9', '10.0.0.2']) expect(reaches(policy, source, 8001)).toBe(false);
  });

  it('are kept by what is just within them', () => {
    const policy = problemsOf({
      'dockwall.public': list(255, () => '8001').padEnd(4096),
      'dockwall.allow.8001': list(256, address),
    });
    expect(policy.problems).toEqual([]);
    expect(reaches(policy, '192.0.2.1', 8001)).toBe(true);
  });

  it('what is denied within them still counts, for the trusted too', () => {
    const labels = { 'dockwall.allow': list(300, address), 'dockwall.deny': '203.0.113.4' };
    const inventory = makeInventory([labelled('web', '8001:80', labels)]);
    const policy = resolve(
      inventory,
      makeConfig({ trusted: { ...makeConfig().trusted, networks: [cidr('203.0.113.0/24')] } }),
    );
    expect([reaches(policy, '203.0.113.4', 8001), reaches(policy, '203.0.113.5', 8001)]).toEqual([
      false,
      true,
    ]);
  });

  it.each([
    ['free', {}],
    ['bound by the configuration', { keys: ['allow'] as const, sources: peerList(['10.0.0.0/8']) }],
  ])('are read in no time, however much somebody writes, where labels are %s', (_, rights) => {
    const labels = Object.fromEntries(
      [...Array(5000).keys()].map((n) => [`dockwall.allow.${n}`, 'offcie 10.1.2.3 '.repeat(5_000)]),
    );
    const config = makeConfig({ labels: { ...everyRight, ...rights } });
    const from = performance.now();
    const { problems } = resolve(makeInventory([labelled('web', '8001:80', labels)]), config);
    expect(problems.length).toBeLessThan(3);
    expect(performance.now() - from).toBeLessThan(500);
  });
});
