import { describe, expect, it } from 'vitest';
import { diffTable } from '../../../src/decide/diff/table.ts';
import type { HostInterface, Network } from '../../../src/decide/inventory/model.ts';
import type { Policy } from '../../../src/decide/policy/model.ts';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import { renderFront } from '../../../src/decide/wall/front.ts';
import { renderGate } from '../../../src/decide/wall/gate.ts';
import { renderTables } from '../../../src/reach/kernel/iptables/render.ts';
import { cidr, makeConfig, makeContainer, makeInventory, ports } from './inventories.ts';

const usual: readonly HostInterface[] = [
  { name: 'lo', networks: [], kind: 'device' },
  { name: 'eth0', networks: [cidr('198.51.100.0/24')], kind: 'device' },
];
const lan: Network = { id: 'n', name: 'lan', driver: 'bridge', bridge: undefined, routed: [] };
const container = makeContainer('web', {
  ports: ports('80:80'),
  endpoints: [{ networkId: 'n', address: cidr('172.18.0.2') }],
});

function bridge(name: string): HostInterface {
  return { name, networks: [], kind: 'bridge' };
}

function port(master: string, name: string, kind = 'veth'): HostInterface {
  return { name, networks: [], kind, master };
}

/** A host with a container on a network whose bridge has this name. */
function policyFor(name: string, interfaces: readonly HostInterface[]): Policy {
  const inventory = makeInventory([container], {
    networks: [{ ...lan, bridge: name }],
    interfaces: [...usual, ...interfaces],
  });
  return resolve(inventory, makeConfig());
}

function rulesOf(policy: Policy): string {
  return renderTables(
    ([4, 6] as const).flatMap((family) =>
      [renderGate(policy, family), renderFront(policy, family)].map((table) => ({
        family,
        backend: 'nft' as const,
        table: table.table,
        changes: diffTable({ ...table, hooks: [] }, undefined),
      })),
    ),
  );
}

describe('which bridges are inside', () => {
  const hex = 'br-0123456789ab';
  it.each<[string, string, readonly HostInterface[], readonly string[], string | undefined]>([
    ['one that Docker named', hex, [bridge(hex)], [hex], undefined],
    ['with a container on it', hex, [bridge(hex), port(hex, 'veth0a1b2c3')], [hex], undefined],
    ['one that a network names', 'yard0', [bridge('yard0')], ['yard0'], undefined],
    ['one called like the bridges of the host', 'br-lan', [bridge('br-lan')], ['br-lan'], undefined],
    ['one that is not there', 'yard0', [], [], undefined],
    ['Docker’s, not there', hex, [], [], undefined],
    ['a network card', 'eth0', [], [], 'eth0 is not a bridge'],
    [
      'a LAN behind it',
      'br0',
      [bridge('br0'), port('br0', 'eth1', 'device')],
      [],
      'bridge br0 is shared with eth1',
    ],
    [
      'a virtual machine beside a container',
      'virbr0',
      [bridge('virbr0'), port('virbr0', 'veth0a1b2c3'), port('virbr0', 'vnet0', 'tun')],
      [],
      'bridge virbr0 is shared with vnet0',
    ],
    [
      'somebody else’s veth (LXC)',
      'lxcbr0',
      [bridge('lxcbr0'), port('lxcbr0', 'vethA1b2C3')],
      [],
      'bridge lxcbr0 is shared with vethA1b2C3',
    ],
    [
      'a tap called as Docker calls a veth',
      'br0',
      [bridge('br0'), port('br0', 'veth0a1b2c3', 'tun')],
      [],
      'bridge br0 is shared with veth0a1b2c3',
    ],
    [
      'a port of the host on Docker’s own',
      hex,
      [bridge(hex), port(hex, 'eth1', 'device')],
      [],
      `bridge ${hex} is shared with eth1`,
    ],
    [
      'a VLAN on one called like Docker’s',
      'br-lan',
      [bridge('br-lan'), port('br-lan', 'eth0.7', 'vlan')],
      [],
      'bridge br-lan is shared with eth0.7',
    ],
  ])('%s', (_, name, interfaces, inside, unprotected) => {
    const policy = policyFor(name, interfaces);
    expect(policy.inside).toEqual(inside);
    expect(policy.problems).toEqual([]);
    expect(policy.services[0]?.unprotected).toEqual(
      unprotected === undefined ? [] : [`lan (${unprotected})`],
    );
    const rules = rulesOf(policy);
    const passed = [...rules.matchAll(/-A DOCKWALL-GATE -i (\S+) .* -j RETURN/g)].map(([, one]) => one);
    expect(new Set(passed)).toEqual(new Set(['lo', ...inside]));
  });

  it('not a bridge of the host that no network of Docker names, and it is not closed either', () => {
    const policy = policyFor(hex, [bridge(hex), bridge('br-lan'), bridge('virbr0')]);
    expect([policy.inside, policy.foreignBridges]).toEqual([[hex], ['br-lan']]);
    const forward = [...rulesOf(policy).matchAll(/-A DOCKWALL-FORWARD -o (\S+) .* (\S+ \S+)$/gm)].slice(0, 4);
    expect(forward.map(([, name, target]) => `${name} ${target}`)).toEqual([
      'br-lan -j RETURN',
      'br-+ -g DOCKWALL-REFUSE',
      'docker0 -g DOCKWALL-REFUSE',
      'docker_gwbridge -g DOCKWALL-REFUSE',
    ]);
  });

  it('what is shared and called as Docker calls its own stays closed, what a network named does not become so', () => {
    const shared = (name: string): string =>
      rulesOf(policyFor(name, [bridge(name), port(name, 'eth1', 'device')]));
    expect(shared(hex)).not.toMatch(/-A DOCKWALL-FORWARD -o \S+ .* -j RETURN/);
    expect(shared('br-lan')).toMatch(/-A DOCKWALL-FORWARD -o br-lan .* -j RETURN/);
    expect(shared('br0')).not.toMatch(/-[io] br0 /);
  });

  it('where the kinds of interfaces cannot be read, names of Docker’s own shape have to do', () => {
    const names = [hex, 'docker0', 'yard0', 'br-lan', 'br-mine'].map((name) => ({ name, networks: [] }));
    const inventory = makeInventory([], {
      networks: ['yard0', 'br-mine'].map((name) => ({ ...lan, bridge: name })),
      interfaces: names,
    });
    const policy = resolve(inventory, makeConfig());
    expect([policy.inside, policy.foreignBridges]).toEqual([[hex, 'docker0'], ['br-lan']]);
  });
});

describe('a name that no rule can hold', () => {
  const names = [
    'e+',
    '+',
    'br-+',
    'a,b',
    'q"x',
    '$(id)',
    'ü',
    'a b',
    'a/b',
    'lo',
    '.',
    '..',
    '-j',
    '',
    'a\nb',
  ];
  it.each([...names, 'sixteen-letters-', 'e*', 'a:b'])(
    '%j: left out, told once, and every pass goes on',
    (name) => {
      const policy = policyFor(name, [bridge('docker0'), bridge(name), port(name, 'veth0a1b2c3')]);
      expect(policy.inside).toEqual(['docker0']);
      expect(policy.problems).toEqual([
        expect.objectContaining({ of: 'network', container: 'network lan', value: name }),
      ]);
      expect(policy.services[0]?.unprotected).toEqual(['lan (no rule can name its bridge)']);
      const rules = rulesOf(policy);
      const used = [...rules.matchAll(/ -[io] (\S+)/g)].map(([, one]) => one);
      expect(new Set(used)).toEqual(new Set(['lo', 'docker0', 'docker_gwbridge', 'br-+']));
      expect(rules.match(/ -i \S*\+/)).toBeNull();
    },
  );
});

describe('the group `connected`', () => {
  const connected = (networks: readonly Network[], interfaces: readonly HostInterface[]): unknown => {
    const inventory = makeInventory(
      [makeContainer('web', { labels: { 'dockwall.allow': 'connected' }, ports: ports('80:80') })],
      { networks, interfaces: [...usual, ...interfaces] },
    );
    return resolve(inventory, makeConfig()).groups.get('connected' as never)?.networks;
  };
  const given = cidr('203.0.113.0/24');

  it.each(['br-0123456789ab', 'yard0', 'e+'])('is not what a network option gives to %s', (name) => {
    const subnets = [given];
    const interfaces = [{ ...bridge(name), networks: [given] }, port(name, 'veth0a1b2c3')];
    expect(connected([{ ...lan, bridge: name, subnets }], interfaces)).toEqual([
      '0.0.0.0',
      '198.51.100.0/24',
    ]);
    // Docker has made it, and not told of it yet
    expect(connected([], interfaces)).toEqual(['0.0.0.0', '198.51.100.0/24']);
  });

  it('is the LAN behind a bridge of the host, also where a network of Docker names that', () => {
    const own = cidr('192.0.2.0/24');
    const interfaces = [{ ...bridge('br0'), networks: [own, given] }, port('br0', 'eth1', 'device')];
    const all = ['192.0.2.0/24', '198.51.100.0/24'];
    expect(connected([{ ...lan, bridge: 'br0', subnets: [given] }], interfaces)).toEqual(['0.0.0.0', ...all]);
    expect(connected([{ ...lan, bridge: 'br0' }], interfaces)).toEqual(['0.0.0.0', '198.51.100.0/24']);
  });
});
