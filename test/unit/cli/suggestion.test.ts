import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import { judge } from '../../../src/decide/policy/verdict.ts';
import type { Blocked } from '../../../src/decide/wall/blocked.ts';
import { suggestions, suggestionText } from '../../../src/faces/cli/suggestion.ts';
import { servicesField } from '../../../src/reach/config/services.ts';
import {
  groupsOf,
  makeConfig,
  makeContainer,
  makeInventory,
  peerList,
  ports,
} from '../policy/inventories.ts';

const inventory = makeInventory([
  makeContainer('wiki', { ports: ports('8080:80') }),
  makeContainer('dns', { ports: ports('53:53/udp') }),
]);
const config = makeConfig({
  deny: peerList(['198.51.100.66']),
  groups: groupsOf({ office: ['192.0.2.0/28'] }),
});

function seen(source: string, port = 8080, protocol = 'tcp'): Blocked {
  const services = port === 53 ? ['dns'] : ['wiki'];
  return { source, protocol, port, services, by: 'gate', packets: 1, firstSeen: 1, lastSeen: 1 };
}

const found = [
  ...['203.0.113.4', '203.0.113.5', '203.0.113.6', '198.51.100.7', '198.51.100.66'].map((one) => seen(one)),
  ...['2001:db8::1', '2001:db8::2', '2001:db8::3', '2001:db8:1::1'].map((one) => seen(one)),
  ...['192.0.2.3', '192.0.2.4'].map((one) => seen(one, 53, 'udp')),
];

describe('suggest', () => {
  const policy = resolve(inventory, config);

  it('groups sources into networks and known groups, and leaves out who is denied', () => {
    expect(suggestions(policy, found).map(({ service, port, allow }) => [service, port, ...allow])).toEqual([
      ['dns', '53/udp', 'office'],
      ['wiki', '8080', '198.51.100.7', '2001:db8:1::1', '2001:db8::/64', '203.0.113.0/24'],
    ]);
  });

  it('can be pasted: who was seen gets in, and others do not', () => {
    const text = suggestionText(suggestions(policy, found), true);
    const { services } = parse(text) as { services: unknown };
    const pasted = resolve(inventory, { ...config, services: servicesField().parse(services) });
    expect(pasted.problems).toEqual([]);
    const decide = judge(pasted);
    const gets = ({ source, protocol, port }: Blocked): string =>
      decide({
        source,
        destination: source.includes(':') ? '2001:db8:9::1' : '192.0.2.200',
        protocol: protocol as 'tcp',
        port,
        towards: 'host',
        interface: undefined,
      }).kind;
    const strangers = [
      seen('198.51.100.8'),
      seen('203.0.114.4'),
      seen('192.0.2.3'),
      seen('192.0.2.99', 53, 'udp'),
    ];
    expect(found.map(gets).filter((kind) => kind === 'denied')).toHaveLength(1);
    expect(strangers.map(gets)).toEqual(strangers.map(() => 'denied'));
  });

  it('says so where there is nothing', () => {
    expect(suggestionText([], false)).toContain('nothing to suggest');
  });
});
