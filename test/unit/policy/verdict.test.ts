import { expect, it } from 'vitest';
import type { Inventory } from '../../../src/decide/inventory/model.ts';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import { type Packet, verdict, type Verdict, type Who } from '../../../src/decide/policy/verdict.ts';
import { groupsOf, makeConfig, makeContainer, makeInventory, peerList, ports } from './inventories.ts';

// What decides, in words; that it is what the rules do, for any policy and packet, is test/contract/verdict.test.ts.

const config = makeConfig({
  trusted: peerList(['198.51.100.10'], ['office']),
  deny: peerList(['203.0.113.66'], ['bans']),
  groups: groupsOf({ office: ['198.51.100.128/25'], web: ['203.0.113.0/25'], bans: ['192.0.2.0/24'] }),
});

const inventory: Inventory = makeInventory([
  makeContainer('front', {
    ports: ports('80:80', '8080:8080', '127.0.0.1:9000:9000', '192.0.2.10:9001:9001'),
    labels: {
      'dockwall.public': '80',
      'dockwall.allow': 'web,203.0.113.200',
      'dockwall.deny': '203.0.113.77,fd00::/8',
    },
  }),
]);

function whoWords(who: Who): string {
  if (who.kind === 'group') return who.name;
  return who.kind === 'network' ? who.network : [who.group, 'by', who.interface].filter(Boolean).join(' ');
}

function words(decided: Verdict): string {
  if (decided.kind === 'not managed') return decided.kind;
  const { because } = decided;
  const who = 'who' in decided ? whoWords(decided.who) : '';
  const reason = 'reason' in decided ? `${decided.reason.label}=${decided.reason.value}` : '';
  return [decided.kind, because, who, reason].filter(Boolean).join(' ');
}

const deny = 'dockwall.deny=203.0.113.77,fd00::/8';
const allow = 'dockwall.allow=web,203.0.113.200';

it.each<[string, number, string, Partial<Packet>?]>([
  ['203.0.113.1', 80, 'allowed public dockwall.public=80'],
  ['198.51.100.10', 80, 'allowed trusted 198.51.100.10'],
  ['198.51.100.200', 8080, 'allowed trusted office'],
  ['203.0.113.1', 8080, `allowed allowed web ${allow}`],
  ['203.0.113.200', 8080, `allowed allowed 203.0.113.200 ${allow}`],
  ['203.0.113.200', 9001, `allowed allowed 203.0.113.200 ${allow}`],
  ['203.0.113.201', 8080, 'denied published'],
  ['203.0.113.66', 80, 'denied denied 203.0.113.66'],
  ['192.0.2.7', 80, 'denied denied bans'],
  ['192.0.2.7', 22, 'not managed'],
  ['203.0.113.77', 80, `denied denied by a label 203.0.113.77 ${deny}`],
  ['203.0.113.1', 22, 'not managed'],
  // bound to loopback: no packet from outside is meant for it, and the host may use the port elsewhere
  ['203.0.113.201', 9000, 'not managed'],
  ['203.0.113.201', 9001, 'not managed', { destination: '192.0.2.11' }],
  ['203.0.113.1', 80, 'denied loopback', { destination: '127.0.0.1' }],
  ['203.0.113.1', 80, 'denied unpublished', { destination: '172.17.0.2', towards: 'bridge' }],
  ['198.51.100.10', 80, 'allowed trusted 198.51.100.10', { destination: '172.17.0.2', towards: 'bridge' }],
  ['203.0.113.66', 80, 'not managed', { destination: '198.51.100.99', towards: 'elsewhere' }],
  ['fd00::1', 80, `denied denied by a label fd00::/8 ${deny}`, { destination: '2001:db8:1::10' }],
  ['2001:db8::1', 8080, 'denied published', { destination: '2001:db8:1::10' }],
])('%s to port %i: %s', (source, port, expected, changes = {}) => {
  const packet: Packet = {
    protocol: 'tcp',
    source,
    destination: '192.0.2.10',
    port,
    towards: 'host',
    ...changes,
  };
  expect(words(verdict(resolve(inventory, config), packet))).toBe(expected);
});
