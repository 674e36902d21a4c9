import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Container, HostPort, PublishedPort } from '../../../src/decide/inventory/model.ts';
import { cut } from '../../../src/decide/net/port-run.ts';
import { limits } from '../../../src/decide/policy/limits.ts';
import type { Policy } from '../../../src/decide/policy/model.ts';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import { judge } from '../../../src/decide/policy/verdict.ts';
import { renderSets } from '../../../src/decide/wall/sets.ts';
import { cidr, entriesOf, groupsOf, makeConfig, makeContainer, makeInventory, ports } from './inventories.ts';

const config = makeConfig({ groups: groupsOf({ office: ['198.51.100.0/24'] }) });

const run = fc
  .record({
    family: fc.constantFrom(4 as const, 6 as const),
    hostPort: fc.integer({ min: 1, max: 60 }),
    containerPort: fc.integer({ min: 1, max: 60 }),
    count: fc.integer({ min: 1, max: 30 }),
    protocol: fc.constantFrom('tcp' as const, 'udp' as const),
    oneOf: fc.boolean(),
  })
  .map(({ oneOf, ...port }): PublishedPort => ({
    ...port,
    address: 'any',
    ...(oneOf ? { oneOf: true as const } : {}),
  }));

const range = fc
  .tuple(fc.integer({ min: 1, max: 90 }), fc.integer({ min: 0, max: 30 }))
  .map(([from, more]) => (more === 0 ? `${from}` : `${from}-${from + more}`));
const selector = fc
  .tuple(fc.constantFrom('', 'container:'), range, fc.constantFrom('', '/tcp', '/udp'))
  .map((parts) => parts.join(''));
const labels = fc
  .array(
    fc.oneof(
      selector.map((one) => ['dockwall.public', one] as const),
      selector.map((one) => [`dockwall.allow.${one}`, 'office,203.0.113.7'] as const),
      fc.constant(['dockwall.allow', '203.0.113.9'] as const),
      fc.constant(['dockwall.deny', 'office'] as const),
    ),
    { maxLength: 3 },
  )
  .map((entries) => Object.fromEntries(entries));

const containers = fc.array(fc.record({ port: run, labels, active: fc.boolean() }), {
  minLength: 1,
  maxLength: 3,
});

const single = (port: PublishedPort): readonly PublishedPort[] =>
  cut(
    port,
    Array.from({ length: port.count ?? 1 }, (_, index) => index),
  );

describe('ports in a row', () => {
  it('are judged as each of them by itself would be', () => {
    fc.assert(
      fc.property(
        containers,
        fc.array(fc.integer({ min: 1, max: 65_535 }), { maxLength: 3 }),
        (some, held) => {
          const listeners = held.map((port): HostPort => {
            const family = port % 2 === 0 ? 4 : 6;
            return { family, address: 'any', protocol: 'tcp', port: 1 + (port % 90) };
          });
          const policyOf = (change: (ports: readonly PublishedPort[]) => readonly PublishedPort[]): Policy =>
            resolve(
              makeInventory(
                some.map((one, index): Container =>
                  makeContainer(`c${index}`, {
                    labels: one.labels,
                    active: one.active,
                    ports: change([one.port]),
                  }),
                ),
                { hostListeners: listeners },
              ),
              config,
            );
          const [rows, singles] = [policyOf((ports) => ports), policyOf((ports) => ports.flatMap(single))];
          const sets = (policy: Policy): readonly unknown[] => renderSets(policy, true);
          expect(sets(rows)).toEqual(sets(singles));
          const [a, b] = [judge(rows), judge(singles)];
          for (let port = 1; port < 95; port += 7) {
            for (const source of ['198.51.100.9', '203.0.113.7', '192.0.2.200']) {
              const packet = {
                protocol: 'tcp',
                source,
                destination: '192.0.2.10',
                port,
                towards: 'host',
              } as const;
              expect(a(packet).kind).toEqual(b(packet).kind);
            }
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

const rows = (count: number, from = 10_000): PublishedPort => ({
  family: 4,
  address: 'any',
  protocol: 'udp',
  hostPort: from,
  containerPort: from,
  count,
});

describe('limits for one container', () => {
  const policyOf = (port: PublishedPort, rest: Partial<Container>): Policy =>
    resolve(makeInventory([makeContainer('big', { ports: [port], ...rest })]), config);

  it.each([
    ['ports', rows(limits.ports + 1, 1), { 'dockwall.public': '*' }, /32769 ports are more than/],
    [
      'ports times addresses',
      rows(10_000),
      { 'dockwall.allow': '203.0.113.7,192.0.2.7' },
      /20000 pairs .* are more than/,
    ],
  ])('%s: it opens nothing and says so', (_, port, words, problem) => {
    const { services, problems } = policyOf(port, { labels: words });
    expect(problems.map((one) => one.problem)).toEqual([expect.stringMatching(problem)]);
    expect(services[0]?.ports.map(({ reach, count }) => [reach.everyone, reach.allow, count])).toEqual([
      [undefined, [], port.count],
    ]);
  });

  it('ports that labels declare are limited together, for those who declare very many', () => {
    const declaring = (name: string, declared: string): Container =>
      makeContainer(name, {
        networkMode: { kind: 'host' },
        labels: { 'dockwall.ports': declared, 'dockwall.public': '*' },
      });
    const wide = ['a', 'b', 'c', 'd'].map((name) => declaring(name, '1-32768/tcp'));
    const small = declaring('small', '40000-40099/tcp');
    const open = (containers: readonly Container[], changes: Parameters<typeof makeConfig>[0] = {}) => {
      const { services, problems } = resolve(makeInventory(containers), makeConfig(changes));
      const names = services.filter(({ ports }) => ports.some(({ reach }) => reach.everyone !== undefined));
      return { names: names.map(({ name }) => name), problems: problems.map(({ problem }) => problem) };
    };
    expect(open([...wide, small])).toEqual({ names: ['a', 'b', 'c', 'd', 'small'], problems: [] });
    const fifth = declaring('e', '50000-51024/tcp');
    const over = open([...wide, fifth, small]);
    expect(over.names).toEqual(['small']);
    expect(over.problems).toHaveLength(5);
    expect(over.problems[0]).toMatch(
      /5 containers claim 132097 ports by ranges in labels \(`dockwall.ports`\) or ranges that Docker takes one of, more than the 131072/,
    );
    const made = wide.map((one) => ({ ...one, active: false }));
    expect(open([...made, fifth, small]).names).toEqual(['e', 'small']);
    const services = entriesOf({ e: { 'dockwall.ports': '50000-51024/tcp', 'dockwall.public': '*' } });
    expect(open([...wide, fifth, small], { services }).names).toEqual(['a', 'b', 'c', 'd', 'e', 'small']);
  });

  // a short text stands for very many ports, which every second port of somebody else's may cut into pieces
  it.each<[string, Partial<Container>]>([
    [
      'that labels declare and only deny somebody',
      {
        networkMode: { kind: 'host' },
        labels: { 'dockwall.ports': '1-32768/tcp', 'dockwall.deny': 'office' },
      },
    ],
    [
      'of which Docker is to take one',
      {
        active: false,
        labels: { 'dockwall.public': '*' },
        ports: ports('1:80').map((port) => ({ ...port, count: 32_768, oneOf: true as const })),
      },
    ],
  ])('so are ranges %s', (_, changes) => {
    const singles = Array.from({ length: 1000 }, (_none, index) => ports(`${1 + 2 * index}:80`)).flat();
    const cutInto = (count: number): number =>
      resolve(
        makeInventory([
          ...Array.from({ length: count }, (_none, index) => makeContainer(`w${index}`, changes)),
          makeContainer('singles', { ports: singles }),
        ]),
        config,
      ).services.reduce((sum, service) => sum + service.ports.length, 0);
    const most = cutInto(4);
    expect(most).toBeGreaterThan(4 * 2000);
    expect(cutInto(40)).toBeLessThan(most);
  });

  it('as many as the limit says are fine', () => {
    expect(policyOf(rows(limits.ports, 1), { labels: { 'dockwall.public': '*' } }).problems).toEqual([]);
  });

  describe('in routed networks', () => {
    const routed = (count: number, networks: number): Policy => {
      const all = Array.from({ length: networks }, (_, index) => `n${index}`);
      const endpoints = all.map((networkId, index) => ({ networkId, address: cidr(`172.18.${index}.2`) }));
      const big = makeContainer('big', {
        ports: [rows(count, 1)],
        endpoints,
        labels: { 'dockwall.public': '*' },
      });
      const inventory = makeInventory([big], {
        networks: all.map((id) => ({ id, name: id, driver: 'bridge', bridge: `br-${id}`, routed: [4] })),
      });
      return resolve(inventory, config);
    };
    const opened = (policy: Policy): readonly string[] =>
      renderSets(policy, true).flatMap(({ name, members }) =>
        /^dockwall4-r-public$/.test(name) && members !== 'keep' ? members : [],
      );

    it('ports times networks over the limit open nothing, and a problem says so', () => {
      const policy = routed(8193, 8);
      expect(policy.problems.map(({ problem }) => problem)).toEqual([
        '65544 ports on its addresses in routed networks are more than the 65536 that one container may have; none of them is opened',
      ]);
      expect(policy.services[0]?.ports.map(({ reach }) => reach.everyone)).toEqual([undefined]);
      expect(opened(policy)).toEqual([]);
    });

    it('over the limit what is closed on its addresses is within it, too', () => {
      const ports = Array.from({ length: 20_000 }, (_, index) => rows(1, 1 + 2 * index));
      const endpoints = Array.from({ length: 10 }, (_, index) => ({
        networkId: 'n',
        address: cidr(`172.18.${index}.2`),
      }));
      const networks = [{ id: 'n', name: 'n', driver: 'bridge', bridge: 'br-n', routed: [4 as const] }];
      const { services, problems } = resolve(
        makeInventory([makeContainer('big', { ports, endpoints })], { networks }),
        config,
      );
      expect(problems).toHaveLength(1);
      expect(services.map(({ ports: all, endpoints: few }) => [all.length, few.length])).toEqual([
        [20_000, 3],
      ]);
    });

    it('as many as the limit says are fine, and are not counted one by one', () => {
      const policy = routed(8192, 8);
      expect(policy.problems).toEqual([]);
      expect(opened(policy)).toHaveLength(8);
      expect(policy.services[0]?.wide).toBe(true);
      expect(routed(100, 12).services[0]?.wide).toBe(true);
      expect(routed(100, 2).services[0]?.wide).toBeUndefined();
    });

    it('each network is one way more to an address that a label names', () => {
      const [port, label] = [rows(5000, 1), { 'dockwall.allow': '203.0.113.7' }];
      const pairs = (networks: number): number => {
        const all = Array.from({ length: networks }, (_, index) => `n${index}`);
        const big = makeContainer('big', {
          ports: [port],
          labels: label,
          endpoints: all.map((networkId, index) => ({ networkId, address: cidr(`172.18.${index}.2`) })),
        });
        const inventory = makeInventory([big], {
          networks: all.map((id) => ({ id, name: id, driver: 'bridge', bridge: `br-${id}`, routed: [4] })),
        });
        return resolve(inventory, config).problems.length;
      };
      expect([pairs(2), pairs(3)]).toEqual([0, 1]);
    });
  });
});
