import { describe, expect, it } from 'vitest';
import type { Observed, ObservedSet } from '../../../src/decide/diff/model.ts';
import type { Container, Network } from '../../../src/decide/inventory/model.ts';
import type { EngineView } from '../../../src/decide/pass/engine-check.ts';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import { readStatus, type Status } from '../../../src/decide/report/status.ts';
import { render } from '../../../src/decide/wall/render.ts';
import { statusText } from '../../../src/faces/cli/status-text.ts';
import { cidr, groupsOf, makeConfig, makeContainer, makeInventory, ports } from '../policy/inventories.ts';

const counted = (name: string, packets: Readonly<Record<string, number>>): ObservedSet => ({
  name,
  type: 'hash:net,port',
  family: 4,
  expiring: false,
  members: new Map(Object.keys(packets).map((member) => [member, 0])),
  packets: new Map(Object.entries(packets)),
});
const halves = { '0.0.0.0/1,tcp:80': 4, '128.0.0.0/1,tcp:80': 8 };
const sets = [
  counted('dockwall4-count-passed', { ...halves, '192.0.2.1,tcp:8080': 0 }),
  counted('dockwall4-count-begun', {
    '0.0.0.0/1,tcp:80': 1,
    '128.0.0.0/1,tcp:80': 2,
    '192.0.2.1,tcp:8080': 0,
  }),
  counted('dockwall4-count-refused', { '0.0.0.0/1,tcp:80': 0, '192.0.2.1,tcp:8080': 7 }),
];
const observed: Observed = { backends: ['nft'], families: [4, 6], tables: [], sets, foreign: [] };

const silent: EngineView = { facts: undefined, findings: [] };

function statusOf(
  containers: readonly Container[],
  networks: readonly Network[] = [],
  engine = silent,
): Status {
  const config = makeConfig({ groups: groupsOf({ office: ['198.51.100.0/24'] }) });
  const inventory = makeInventory(containers, { networks });
  const policy = resolve(inventory, config);
  const plan = { sets: [], tables: [], destroy: [] };
  const ruleset = render(policy, 'asked');
  return readStatus({ observed, policy, ruleset, plan, engine, foreign: [] }, { now: Date.now() });
}

describe('status', () => {
  it('says what is claimed by a running container that does not hold it, and whether that counts', () => {
    const unbound = (...texts: readonly string[]): Container['ports'] =>
      ports(...texts).map((port) => ({ ...port, unbound: 'runs' }));
    const status = statusOf([
      makeContainer('holder', { labels: { 'dockwall.public': '*' }, ports: ports('8090:80') }),
      makeContainer('claimer', { labels: { 'dockwall.public': '*' }, ports: unbound('8090:80', '8091:80') }),
      makeContainer('again', { ports: ports('8092:80').map((port) => ({ ...port, unbound: 'restarts' })) }),
      makeContainer('stopped', { active: false, ports: ports('8093:80') }),
    ]);
    expect(status.notes).toEqual([
      '8090->80/tcp: claimed by claimer, which does not hold it; nothing of it counts',
      '8091->80/tcp: claimed by claimer, which does not hold it; as no running container has it, what its labels say holds there',
      '8092->80/tcp: claimed by again, which restarts and does not hold it now; nothing of it counts',
    ]);
    expect(status.services.map(({ name, ports: all }) => [name, ...all.map(({ held }) => held)])).toEqual([
      ['holder', true],
      ['claimer', false, false],
      ['again', false],
      ['stopped', true],
    ]);
    const text = statusText(status);
    expect(text).toMatch(/claimer +8090 +80\/tcp +claimed, not held {2}/);
    expect(text).toMatch(/claimer +8091 +80\/tcp +claimed, not held; everybody /);
  });

  it('says for every published port who may reach it, and why', () => {
    const text = statusText(
      statusOf([
        makeContainer('proxy', {
          labels: { 'dockwall.public': 'http' },
          ports: ports('80:80', '127.0.0.1:9:9'),
        }),
        makeContainer('wiki', {
          labels: { 'dockwall.allow': 'office 203.0.113.7', 'dockwall.deny': '198.51.100.66' },
          ports: ports('192.0.2.1:8080:80'),
        }),
        makeContainer('blog', { ports: ports('8081:80', ':81'), active: false }),
        makeContainer('agent', { networkMode: { kind: 'host' } }),
        makeContainer('worker'),
        makeContainer('dockwall', { networkMode: { kind: 'host' }, labels: { 'dockwall.ports': '' } }),
      ]),
    );
    // Columns are at least two blanks apart; how wide they are is no promise.
    expect(text.split('\n').map((line) => line.replaceAll(/ {2,}/g, ' | '))).toEqual([
      'IPv4: gate NOT IN PLACE (nft), no DOCKER chain: the gate stands alone',
      'IPv6: gate NOT IN PLACE (nft), no DOCKER chain: the gate stands alone',
      'NOT PROTECTED: agent (host network, no dockwall.ports): every port that it listens on is open to whoever reaches this host; name its ports with the label dockwall.ports, or leave that empty where it has none',
      'The daemon does not answer: what it alone remembers is not shown.',
      '',
      'SERVICE | HOST PORT | CONTAINER | WHO MAY REACH IT | PACKETS | NEW | REFUSED | BECAUSE',
      'proxy | 80 | 80/tcp | everybody | 12 | 3 | 0 | dockwall.public=http',
      'proxy | 127.0.0.1:9 | 9/tcp | this host only | - | - | -',
      'wiki | 192.0.2.1:8080 | 80/tcp | trusted, office (1), 203.0.113.7, never 198.51.100.66 | 0 | 0 | 7 | dockwall.allow=office 203.0.113.7',
      'blog (stopped) | 8081 | 80/tcp | trusted only | - | - | -',
      'blog (stopped) | not chosen yet | 81/tcp | trusted only | - | - | -',
      'agent | NOT PROTECTED | host network, no dockwall.ports',
    ]);
  });

  it('says of a routed network that its ports have no host port, and not that one is to come', () => {
    const routed = { id: 'r', name: 'lan', driver: 'bridge', bridge: 'br-1', routed: [4, 6] } as const;
    const found = statusOf(
      [
        makeContainer('direct', {
          endpoints: ['192.0.2.9', '2001:db8::9'].map((address) => ({
            networkId: 'r',
            address: cidr(address),
          })),
          ports: ports(':80'),
        }),
      ],
      [routed],
    );
    expect(found.services[0]?.ports).toMatchObject([{ hostPort: null, routed: true }]);
    expect(statusText(found)).toMatch(/direct +routed +80\/tcp/);
    expect(statusText(found)).not.toContain('not chosen');
  });

  it('names what netfilter never sees, and what is wrong', () => {
    const lan = { id: 'm', name: 'lan', driver: 'macvlan', bridge: undefined, routed: [] };
    const found = statusOf(
      [
        makeContainer('tv', { endpoints: [{ networkId: 'm', address: cidr('192.0.2.9') }] }),
        makeContainer('typo', { labels: { 'dockwall.allow': 'ofice' }, ports: ports('80:80') }),
      ],
      [lan],
    );
    expect(found.services[0]?.notProtected).toEqual(['lan (macvlan)']);
    expect(found.problems).toEqual([
      'typo: dockwall.allow=ofice: no group is named "ofice" (did you mean "office"?)',
    ]);
  });

  it('says what engine it is, and what there is to know of it', () => {
    const facts = {
      version: '29.7.2',
      apiVersion: '1.55',
      firewall: 'nftables',
      rootless: false,
      osType: 'linux',
      desktop: false,
      liveRestore: true,
      swarm: 'worker',
    } as const;
    const found = statusOf([], [], { facts, findings: [{ kind: 'note', text: 'the gate stands alone' }] });
    expect(found).toMatchObject({ engine: facts, notes: ['the gate stands alone'] });
    expect(statusText(found).split('\n').slice(0, 5)).toEqual([
      'Docker 29.7.2: API 1.55, nftables, live-restore, Swarm worker',
      "IPv4: gate NOT IN PLACE (nft), no DOCKER chain (Docker's nftables backend): the gate stands alone",
      "IPv6: gate NOT IN PLACE (nft), no DOCKER chain (Docker's nftables backend): the gate stands alone",
      'The daemon does not answer: what it alone remembers is not shown.',
      'note: the gate stands alone',
    ]);
  });

  it('shows hostile text harmlessly', () => {
    const hostile = '\u202E\u001B[31m<script>\n' + 'x'.repeat(10_000);
    const text = statusText(
      statusOf([makeContainer('bad', { labels: { 'dockwall.allow': hostile }, ports: ports('80:80') })]),
    );
    // eslint-disable-next-line no-control-regex -- that none is left is the point
    expect(text.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001F\u007F-\u009F\u202A-\u202E]/);
    expect(text.length).toBeLessThan(2000);
  });
});
