import { describe, expect, it } from 'vitest';
import { parseLinks, readLinks } from '../../../src/reach/host/links.ts';
import { KernelError, type Output, type Run } from '../../../src/reach/kernel/command.ts';

// As iproute2 6.1 prints them, shortened.
const printed = JSON.stringify([
  { ifindex: 1, ifname: 'lo', link_type: 'loopback', inet6_addr_gen_mode: 'eui64' },
  { ifindex: 2, ifname: 'eth0', master: 'br0', linkinfo: { info_slave_kind: 'bridge', info_slave_data: {} } },
  { ifindex: 3, ifname: 'br0', linkinfo: { info_kind: 'bridge', info_data: { forward_delay: 1500 } } },
  { ifindex: 4, link: 'eth0', ifname: 'eth0.7', linkinfo: { info_kind: 'vlan' } },
  {
    ifindex: 6,
    link_index: 5,
    ifname: 'veth0a1b2c3',
    master: 'docker0',
    linkinfo: { info_kind: 'veth', info_slave_kind: 'bridge' },
    link_netnsid: 0,
  },
  { ifindex: 7, ifname: 'q"x\\' },
]);

const address = (local: string, prefixlen: number): object => ({ family: 'inet', local, prefixlen });

describe('the host’s interfaces', () => {
  it('are read with what they are and whose ports they are', () => {
    expect(parseLinks(printed)).toEqual([
      { name: 'lo', kind: 'device', networks: [] },
      { name: 'eth0', kind: 'device', master: 'br0', networks: [] },
      { name: 'br0', kind: 'bridge', networks: [] },
      { name: 'eth0.7', kind: 'vlan', networks: [] },
      { name: 'veth0a1b2c3', kind: 'veth', master: 'docker0', networks: [] },
      { name: 'q"x\\', kind: 'device', networks: [] },
    ]);
  });

  it('have networks while they are up and have a carrier', () => {
    const info = [address('192.0.2.10', 24), address('2001:db8:1::10', 64)];
    const text = JSON.stringify([
      { ifname: 'eth0', flags: ['BROADCAST', 'UP', 'LOWER_UP'], addr_info: info },
      { ifname: 'br0', flags: ['NO-CARRIER', 'BROADCAST', 'UP'], addr_info: info },
      { ifname: 'eth1', flags: ['BROADCAST'], addr_info: info },
    ]);
    expect(parseLinks(text).map(({ networks }) => networks)).toEqual([
      ['192.0.2.0/24', '2001:db8:1::/64'],
      [],
      [],
    ]);
  });

  // iproute2 6.1 prints the byte as it is, which is no JSON; Docker takes such a name for a bridge.
  it('are read with a control character in the name of one', () => {
    const text =
      '[{"ifname":"e\u001b[2J"},{"ifname":"e\u0001","master":"e\u001b[2J"},{"ifname":"__proto__"}]\n';
    expect(parseLinks(text).map(({ name, master }) => [name, master])).toEqual([
      ['e\u001b[2J', undefined],
      ['e\u0001', 'e\u001b[2J'],
      ['__proto__', undefined],
    ]);
  });

  const says = (output: Partial<Output>): Run => {
    return async () => ({ stdout: '', stderr: '', exitCode: 0, ...output });
  };
  const missing: Run = async (command) => {
    throw new KernelError('running ip: no such program', { code: 'missing-program', command });
  };

  it.each<[string, Run, RegExp]>([
    ['no program', missing, /^running ip: no such program$/],
    ['an old one', says({ exitCode: 255, stderr: 'Option "-j" is unknown' }), /^ip ended with 255: Option/],
    ['half a list', says({ stdout: printed.slice(0, 100) }), /JSON/],
    ['no list', says({ stdout: '{}' }), /something else than a list/],
    ['nothing', says({}), /JSON/],
  ])('could not be read: %s', async (_, run, problem) => {
    expect(await readLinks(run)).toEqual({ ok: false, problem: expect.stringMatching(problem) });
  });
});
