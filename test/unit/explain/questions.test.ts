import { describe, expect, it } from 'vitest';
import { parseAsker } from '../../../src/decide/explain/asker.ts';
import { parseTarget } from '../../../src/decide/explain/target.ts';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import { makeConfig, makeContainer, makeInventory, ports } from '../policy/inventories.ts';

describe('who asks', () => {
  it.each([
    ['203.0.113.7', { kind: 'address', address: '203.0.113.7' }],
    ['2001:DB8:0::7', { kind: 'address', address: '2001:db8::7' }],
    ['[2001:db8::7]', { kind: 'address', address: '2001:db8::7' }],
    ['::ffff:203.0.113.7', { kind: 'address', address: '203.0.113.7' }],
    ['fe80::1%eth0', { kind: 'address', address: 'fe80::1', interface: 'eth0' }],
    ['10.8.0.2%wg0', { kind: 'address', address: '10.8.0.2', interface: 'wg0' }],
    ['Home.Example.org.', { kind: 'name', name: 'home.example.org' }],
    ['localhost', { kind: 'name', name: 'localhost' }],
    ['interface:wg0', { kind: 'interface', name: 'wg0' }],
  ])('%s', (text, word) => {
    expect(parseAsker(text)).toMatchObject({ ok: true, word });
  });

  it.each([
    ['198.51.100.0/24', 'is more than one address'],
    ['203.0.113.7-203.0.113.9', 'is more than one address'],
    ['203.0.113.7:443', 'without the port'],
    ['300.0.0.1', '`300` is more than 255'],
    ['web', 'is no source: write an address'],
    ['ipset:bans', 'is a set: ask for one address'],
    ['fe80::1%eth 0', 'not an interface name'],
    ['home.example.org%eth0', 'is not an address'],
    ['', 'an address'],
  ])('%j is refused: %s', (text, problem) => {
    const parsed = parseAsker(text);
    expect(parsed.ok ? parsed.word : parsed.problem).toEqual(expect.stringContaining(problem));
  });
});

describe('what is asked for', () => {
  const inventory = makeInventory([
    makeContainer('nginx-proxy', { composeService: 'proxy', ports: ports('80:80', '443:443') }),
    makeContainer('shop-web-1', { composeService: 'web', ports: ports('8080:80') }),
    makeContainer('shop-web-2', { composeService: 'web', ports: ports('8081:80') }),
    makeContainer('guest', { networkMode: { kind: 'container', id: 'id-of-nginx-proxy' } }),
    // who calls a container so is asked about that one
    makeContainer('https', { ports: ports('9443:443') }),
  ]);
  const around = { inventory, policy: resolve(inventory, makeConfig()) };
  const every = { kind: 'every' };

  it.each([
    ['8080', { kind: 'port', port: 8080, protocol: undefined }],
    ['443/udp', { kind: 'port', port: 443, protocol: 'udp' }],
    ['http', { kind: 'port', port: 80, protocol: undefined }],
    ['dns/udp', { kind: 'port', port: 53, protocol: 'udp' }],
    ['192.0.2.10:8080', { kind: 'address', address: '192.0.2.10', port: 8080, protocol: undefined }],
    ['192.0.2.10:https/udp', { kind: 'address', address: '192.0.2.10', port: 443, protocol: 'udp' }],
    ['[2001:db8::10]:443', { kind: 'address', address: '2001:db8::10', port: 443, protocol: undefined }],
    ['nginx-proxy', { kind: 'service', containers: ['id-of-nginx-proxy'], selector: every }],
    ['https', { kind: 'service', containers: ['id-of-https'], selector: every }],
    ['web', { kind: 'service', containers: ['id-of-shop-web-1', 'id-of-shop-web-2'], selector: every }],
    ['guest', { kind: 'service', containers: ['id-of-nginx-proxy'], selector: every }],
    ['proxy:https', { kind: 'service', selector: { kind: 'ports', range: { from: 443, to: 443 } } }],
    [
      'shop-web-1:container:80',
      { kind: 'service', selector: { scope: 'container', range: { from: 80, to: 80 } } },
    ],
  ])('%s', (text, target) => {
    expect(parseTarget(text, around)).toMatchObject({ ok: true, target });
  });

  it.each([
    ['ngnix-proxy:https', 'no container or service is named `ngnix-proxy`: did you mean `nginx-proxy`?'],
    ['ngnix-proxy', 'is neither a service nor a port: did you mean `nginx-proxy`?'],
    ['something', 'there are nginx-proxy, shop-web-1, shop-web-2, https, guest, proxy, web; write a service'],
    ['nginx-proxy:htps', 'did you mean `https`?'],
    ['nginx-proxy:', 'a port is missing'],
    ['99999', 'is not a port'],
    ['443/quic', 'is not a protocol'],
    ['8000-8010', 'is more than one port'],
    ['2001:db8::10', 'has no port: write `[2001:db8::10]:PORT`'],
    ['192.0.2.10', 'has no port'],
    ['192.0.2.10:', 'a port'],
    ['\u001B[31mred\u202E', '`\\u{1b}[31mred\\u{202e}`'],
  ])('%j is refused: %s', (text, problem) => {
    const parsed = parseTarget(text, around);
    expect(parsed.ok ? parsed.target : parsed.problem).toEqual(expect.stringContaining(problem));
  });

  it('says so where there is nothing to ask for', () => {
    const nobody = makeInventory([]);
    expect(parseTarget('web', { inventory: nobody, policy: resolve(nobody, makeConfig()) })).toMatchObject({
      ok: false,
      problem: expect.stringContaining('there is no container here'),
    });
  });
});
