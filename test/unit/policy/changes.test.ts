import { describe, expect, it } from 'vitest';
import type { Container } from '../../../src/decide/inventory/model.ts';
import { describeChanges } from '../../../src/decide/policy/changes.ts';
import type { Config } from '../../../src/decide/policy/config.ts';
import type { Policy } from '../../../src/decide/policy/model.ts';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import { cidr, groupsOf, makeConfig, makeContainer, makeInventory, peerList, ports } from './inventories.ts';

const office = { groups: groupsOf({ office: ['198.51.100.0/24'], abusers: ['192.0.2.66'] }) };

function policyOf(containers: readonly Container[], config: Partial<Config> = {}): Policy {
  return resolve(makeInventory(containers), makeConfig({ ...office, ...config }));
}

const proxy = (labels: Readonly<Record<string, string>>, more: Partial<Container> = {}): Container =>
  makeContainer('proxy', { labels, ports: ports('80:80', '443:443'), ...more });

function changes(before: Policy, after: Policy): readonly string[] {
  return describeChanges(before, after).map(({ verb, text }) => `${verb} ${text}`);
}

describe('changes in words', () => {
  const closed = policyOf([proxy({})]);
  const opened = policyOf([proxy({ 'dockwall.public': 'https', 'dockwall.allow': 'office' })]);

  it('what is open at a container’s own address, where another has the host’s port', () => {
    const network = { id: 'n', name: 'n', driver: 'bridge', bridge: 'br-n', routed: [4 as const] };
    const endpoints = [{ networkId: 'n', address: cidr('172.20.0.2') }];
    const other = makeContainer('other', { ports: ports('443:443') });
    const [before, after] = [{}, { 'dockwall.public': 'https' }].map((labels) =>
      resolve(makeInventory([proxy(labels, { endpoints }), other], { networks: [network] }), makeConfig()),
    );
    expect(changes(before as Policy, after as Policy)).toEqual([
      'opened 443/tcp of proxy to everybody (dockwall.public=https)',
    ]);
  });

  it('what a label opens, and closes again', () => {
    expect(changes(closed, opened)).toEqual([
      'opened 80/tcp of proxy to office (dockwall.allow=office)',
      'opened 443/tcp of proxy to everybody (dockwall.public=https)',
      'opened 443/tcp of proxy to office (dockwall.allow=office)',
    ]);
    expect(changes(opened, closed)).toEqual([
      'closed 80/tcp of proxy to all but the trusted',
      'closed 443/tcp of proxy to all but the trusted',
    ]);
    const less = policyOf([proxy({ 'dockwall.public': 'https', 'dockwall.allow.443': 'office' })]);
    expect(changes(less, policyOf([proxy({ 'dockwall.public': 'https' })]))).toEqual([
      'closed 443/tcp of proxy to office',
    ]);
  });

  it('containers that come and go; one that is made anew is the same', () => {
    const none = policyOf([]);
    expect(changes(none, closed)).toEqual([
      'closed 80/tcp of proxy to all but the trusted',
      'closed 443/tcp of proxy to all but the trusted',
    ]);
    expect(changes(closed, none)).toEqual([
      'gone 80/tcp of proxy: not published any more',
      'gone 443/tcp of proxy: not published any more',
    ]);
    expect(changes(closed, policyOf([proxy({}, { id: 'another' })]))).toEqual([]);
    expect(changes(closed, closed)).toEqual([]);
  });

  it('one that compose makes anew is the same, also while two of it are there', () => {
    const made = { composeService: 'blog', ports: ports('8081:80'), labels: { 'dockwall.public': '80' } };
    const old = makeContainer('site-blog-1', made);
    const next = makeContainer('052fa44da99f_site-blog-1', { ...made, id: 'next', active: false });
    const renamed = makeContainer('site-blog-1', { ...made, id: 'next', active: false });
    const moments = [
      [old],
      [old, next],
      [{ ...old, active: false }, next],
      [next],
      [renamed],
      [{ ...renamed, active: true }],
    ].map((containers) => policyOf(containers));
    expect(moments.slice(1).flatMap((moment, index) => changes(moments[index] ?? closed, moment))).toEqual(
      [],
    );
    // by hand it is a name like others
    const own = makeContainer('052fa44da99f_site-blog-1', { ports: ports('8081:80') });
    expect(changes(policyOf([own]), policyOf([]))).toEqual([
      'gone 8081/tcp of 052fa44da99f_site-blog-1: not published any more',
    ]);
  });

  it('replicas that share a range are told of with the port that each has, and not of those that it might have had', () => {
    const made = { composeService: 'web', labels: { 'dockwall.public': '*' } };
    const asked = [{ ...ports('8100:80')[0], count: 6, oneOf: true }] as Container['ports'];
    const waiting = (name: string): Container =>
      makeContainer(name, { ...made, ports: asked, active: false });
    const has = (name: string, port: number): Container =>
      makeContainer(name, { ...made, ports: ports(`${port}:80`) });
    const runs = (name: string): Container =>
      makeContainer(name, { ...made, ports: asked.map((port) => ({ ...port, unbound: 'runs' as const })) });
    const moments = [
      [],
      [waiting('web1')],
      [has('web1', 8100), waiting('web2')],
      [has('web1', 8100), runs('web2')],
      [has('web1', 8100), has('web2', 8101), waiting('web3')],
      [has('web1', 8100), has('web2', 8101), has('web3', 8102)],
    ].map((containers) => policyOf(containers));
    expect(moments.slice(1).flatMap((moment, index) => changes(moments[index] ?? closed, moment))).toEqual([
      'opened 8100/tcp of web1 to everybody (dockwall.public=*)',
      'opened 8101/tcp of web2 to everybody (dockwall.public=*)',
      'opened 8102/tcp of web3 to everybody (dockwall.public=*)',
    ]);
  });

  it('denials, and members of lists', () => {
    const denied = policyOf([proxy({ 'dockwall.deny': 'abusers' })]);
    expect(changes(closed, denied)[0]).toBe('denied 80/tcp of proxy to abusers (dockwall.deny=abusers)');
    expect(changes(denied, closed)[0]).toBe('allowed 80/tcp of proxy again to abusers');
    const many = Array.from({ length: 8 }, (_, index) => `10.${index}.0.0/16`);
    const more = policyOf([proxy({})], {
      trusted: peerList(['203.0.113.4'], ['office']),
      groups: groupsOf({
        office: ['198.51.100.0/25'],
        abusers: ['192.0.2.66', ...many.map((one) => one.replace('.0.0/16', '.0.0/24'))],
      }),
    });
    expect(changes(closed, more)).toEqual([
      'added 203.0.113.4, group office to trusted',
      'added 10.0.0.0/24, 10.1.0.0/24, 10.2.0.0/24, 10.3.0.0/24, 10.4.0.0/24 and 3 more to group abusers',
      'added 198.51.100.0/25 to group office',
      'removed 198.51.100.0/24 from group office',
    ]);
  });

  it('hostile text harmlessly', () => {
    const hostile = `\u202E\u001B[31m\n${'x'.repeat(10_000)}`;
    const after = policyOf([proxy({ 'dockwall.public': `https,\n\u202E${' '.repeat(10_000)}http` })]);
    const text = changes(closed, after).join('');
    expect(changes(closed, policyOf([proxy({ 'dockwall.allow': hostile })]))).toEqual([]);
    // eslint-disable-next-line no-control-regex -- that none is left is the point
    expect(text).not.toMatch(/[\u0000-\u001F\u007F-\u009F\u2028-\u202E]/);
    expect(text.length).toBeLessThan(1000);
  });
});
