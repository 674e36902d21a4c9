import { expect, it } from 'vitest';
import type { GroupName } from '../../../src/decide/policy/config.ts';
import { foreignSetNames, withForeignSets } from '../../../src/decide/policy/foreign-sets.ts';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import { verdict } from '../../../src/decide/policy/verdict.ts';
import { withLiveMembers } from '../../../src/decide/wall/live.ts';
import { cidr, makeConfig, makeContainer, makeInventory, membersOf, peerList, ports } from './inventories.ts';

const config = makeConfig({
  trusted: peerList(['203.0.113.4']),
  deny: { ...membersOf(), ipsets: ['bans'], groups: [] },
  groups: new Map(['admins', 'pests'].map((name) => [name as GroupName, { ...membersOf(), ipsets: [name] }])),
});
const policy = resolve(
  makeInventory([
    makeContainer('web', {
      labels: { 'dockwall.public': '*', 'dockwall.deny': 'pests' },
      ports: ports('80:80'),
    }),
    makeContainer('wiki', { labels: { 'dockwall.allow': 'admins' }, ports: ports('81:81') }),
  ]),
  config,
);
const contents = new Map([
  ['admins', [cidr('198.51.100.0/24'), cidr('2001:db8::/48')]],
  ['bans', [cidr('203.0.113.4'), cidr('198.51.100.66')]],
  ['pests', [cidr('192.0.2.7')]],
]);

function asked(source: string, port: number, sets = contents): string {
  const packet = { protocol: 'tcp', source, destination: '192.0.2.10', port, towards: 'host' } as const;
  const decided = verdict(withForeignSets(policy, sets), packet);
  return decided.kind === 'not managed' ? decided.kind : `${decided.kind}: ${decided.because}`;
}

it('names every external set that a list or a group names', () => {
  expect(foreignSetNames(policy)).toEqual(['admins', 'bans', 'pests']);
});

it('the verdict goes by what they hold, bans first', () => {
  expect(asked('198.51.100.7', 81)).toBe('allowed: allowed');
  expect(asked('198.51.100.66', 81)).toBe('denied: denied');
  expect(asked('203.0.113.4', 80)).toBe('denied: denied');
  expect(asked('192.0.2.7', 80)).toBe('denied: denied by a label');
  expect(asked('192.0.2.8', 80)).toBe('allowed: public');
  expect(asked('198.51.100.7', 81, new Map())).toBe('denied: published');
  expect(asked('203.0.113.4', 80, new Map())).toBe('allowed: trusted');
});

it('says of each network which set it comes from', () => {
  const { deny, groups } = withForeignSets(policy, contents);
  expect(deny.origins).toEqual([{ source: undefined, ipset: 'bans', networks: contents.get('bans') }]);
  expect([...groups.values()].flatMap(({ origins }) => origins.map(({ ipset }) => ipset))).toEqual([
    'admins',
    'pests',
  ]);
});

it('stands beside what somebody has put into a set of ours for a while', () => {
  const sets = [{ name: 'dockwall4-src-pests', members: new Map([['192.0.2.9', 60]]) }];
  const live = withForeignSets(withLiveMembers(policy, sets), contents);
  const packet = { protocol: 'tcp', destination: '192.0.2.10', port: 80, towards: 'host' } as const;
  expect(verdict(live, { ...packet, source: '192.0.2.7' })).toMatchObject({ because: 'denied by a label' });
  expect(verdict(live, { ...packet, source: '192.0.2.9' })).toMatchObject({ because: 'public' });
});
