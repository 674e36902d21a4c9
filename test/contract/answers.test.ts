import { beforeEach, describe, expect, test } from 'vitest';
import { diff } from '../../src/decide/diff/diff.ts';
import { resolve } from '../../src/decide/policy/resolve.ts';
import { render } from '../../src/decide/wall/render.ts';
import { createKernel } from '../../src/reach/kernel/kernel.ts';
import {
  cidr,
  groupsOf,
  makeConfig,
  makeContainer,
  makeInventory,
  ports,
} from '../unit/policy/inventories.ts';
import { FakeKernel } from './fake-kernel.ts';
import { type FakePacket, walk } from './fake-packets.ts';

// What the rules do with a session after its first packet, and with answers: packets through the fake's mangle table.

const host = '192.0.2.10';
const client = '203.0.113.20';
const container = '172.18.0.2';
const bridge = 'br-0123456789ab';
const connmark = 0x80;

/** `web` (8001 on port 80, for the group) and `open` (8443, for everybody) are containers; `hosted` has the host's port 8123. */
const web = makeContainer('web', {
  ports: ports('8001:80'),
  labels: { 'dockwall.allow': 'friends' },
  endpoints: [{ networkId: '0123456789abcdef', address: cidr(container) }],
});
const open = makeContainer('open', { ports: ports('8443:443'), labels: { 'dockwall.public': '*' } });
const hosted = makeContainer('hosted', {
  networkMode: { kind: 'host' },
  labels: { 'dockwall.ports': '8123/tcp', 'dockwall.allow': 'friends' },
});
const networks = [{ id: '0123456789abcdef', name: 'net', driver: 'bridge', bridge, routed: [] }];

let fake: FakeKernel;

async function apply(friends: readonly string[], containers = [web, open, hosted]): Promise<void> {
  const config = makeConfig({ groups: groupsOf({ friends }) });
  const policy = resolve(
    makeInventory(containers, { networks, interfaces: [{ name: bridge, networks: [] }] }),
    config,
  );
  const kernel = createKernel(fake.run, { readFile: fake.readFile });
  await kernel.apply(diff(render(policy, 'asked'), await kernel.observe()));
}

async function ipset(line: string): Promise<void> {
  const input = `${line}\n`;
  const { stderr } = await fake.run({ program: 'ipset', args: ['restore', '-exist'], input, timeoutMs: 1 });
  expect(stderr).toBe('');
}

const base = { family: 4, protocol: 'tcp', mark: 0, connmark: 0, types: ['LOCAL'] } as const;

/** From the client to the host. */
function asks(port: number, more: Partial<FakePacket> = {}): FakePacket {
  const ends = { source: client, sourcePort: 40_000, destination: host, port };
  return { ...base, ...ends, in: 'eth0', state: 'NEW', ...more };
}

/** From a service to the client, as POSTROUTING sees it. */
function says(source: string, sourcePort: number, more: Partial<FakePacket> = {}): FakePacket {
  const ends = { source, sourcePort, destination: client, port: 40_000 };
  return { ...base, ...ends, types: ['UNICAST'], out: 'eth0', state: 'ESTABLISHED', reply: true, ...more };
}

const arrives = (packet: FakePacket): boolean =>
  walk({ kernel: fake, hooks: ['PREROUTING', 'INPUT'] }, packet);
const leaves = (packet: FakePacket): boolean => walk({ kernel: fake, hooks: ['POSTROUTING'] }, packet);
const cut = (): readonly string[] => fake.members('dockwall4-cut');

/** Through the gate, then translated as Docker does it, and on to the container. */
function forwarded(port: number, more: Partial<FakePacket> = {}): boolean {
  const packet = asks(port, more);
  if (!walk({ kernel: fake, hooks: ['PREROUTING'] }, packet)) return false;
  const translated = { ...packet, destination: container, port: 80, out: bridge };
  return walk({ kernel: fake, hooks: ['FORWARD'] }, translated);
}

beforeEach(async () => {
  fake = new FakeKernel({ backends: ['nft'] });
  await apply([client]);
});

describe('S21: a session that is cut', () => {
  test('takes nothing else from its client, whichever port it asks from', async () => {
    await apply([]);
    await ipset(`add dockwall4-cut ${host},tcp:8123,${client} timeout 1000`);
    expect(leaves(says(host, 8123))).toBe(false);
    expect(leaves(says(host, 22))).toBe(true);
    expect(leaves(says('172.18.0.9', 443))).toBe(true);
    expect(leaves(says(host, 8123, { protocol: 'udp' }))).toBe(true);
    expect(leaves(says(host, 8123, { out: bridge }))).toBe(true);
  });

  test.each([
    ['a port of the host', `${host},tcp:8123`, () => arrives(asks(8123))],
    ['a container', `${container},tcp:80`, () => forwarded(8001)],
    [
      'a container, with a packet of a known session',
      `${container},tcp:80`,
      () => forwarded(8001, { state: 'ESTABLISHED' }),
    ],
  ])('is cut no more once its client gets in again: %s', async (_, door, knock) => {
    for (const who of [client, '203.0.113.21']) await ipset(`add dockwall4-cut ${door},${who} timeout 1000`);
    expect(knock()).toBe(true);
    expect(cut()).toEqual([`${door},203.0.113.21`]);
  });

  test('stays cut where its client does not get in', async () => {
    await apply([]);
    for (const door of [`${host},tcp:8123`, `${container},tcp:80`])
      await ipset(`add dockwall4-cut ${door},${client} timeout 1000`);
    expect([arrives(asks(8123)), forwarded(8001)]).toEqual([false, false]);
    expect(cut()).toHaveLength(2);
  });

  test('leaves nothing behind where the port is the host’s own by now', async () => {
    await apply([client], [web, open]);
    await ipset(`add dockwall4-cut ${host},tcp:8123,${client} timeout 1000`);
    const known = asks(8123, { state: 'ESTABLISHED', connmark });
    expect(arrives(known)).toBe(true);
    expect(known).toMatchObject({ connmark: 0, mark: 0 });
    expect(cut()).toEqual([]);
  });

  test('is refused in its connection and nowhere else', async () => {
    await ipset(`add dockwall4-cut ${container},tcp:80,${client} timeout 1000`);
    const before = fake.dump();
    const answer = says(container, 80);
    expect(leaves(answer)).toBe(false);
    expect(answer.connmark).toBe(connmark);
    expect(fake.dump()).toBe(before);
  });
});

describe('S30: TCP that begins in the middle', () => {
  const begun = { state: 'NEW', reply: false, inTheMiddle: true } as const;

  test.each([
    ['a container', container, 80],
    ['docker-proxy or the host network', host, 8123],
    ['the mesh, whose port is the host’s', '172.19.0.2', 8001],
  ])('does not leave from a published service: %s', (_, source, port) => {
    expect(leaves(says(source, port, begun))).toBe(false);
    expect(leaves(says(source, port, { ...begun, inTheMiddle: false }))).toBe(true);
    expect(leaves(says(source, port, { ...begun, out: bridge }))).toBe(true);
    expect(leaves(says(source, port))).toBe(true);
  });

  test('leaves from any other port', () => {
    expect(leaves(says(container, 45_000, begun))).toBe(true);
    expect(leaves(says(host, 22, begun))).toBe(true);
    expect(leaves(says('172.18.0.9', 80, begun))).toBe(true);
  });
});

describe('what is related', () => {
  test.each([8001, 8123])(
    'a connection that a helper expects is judged like any other: port %i',
    async (port) => {
      const knock = (): boolean =>
        port === 8123 ? arrives(asks(port, { state: 'RELATED' })) : forwarded(port, { state: 'RELATED' });
      expect(knock()).toBe(true);
      await apply([]);
      expect(knock()).toBe(false);
    },
  );

  test('a port that nobody publishes is not reached so behind a bridge', () => {
    expect(forwarded(50_000, { state: 'RELATED' })).toBe(false);
  });

  test('ICMP errors pass', async () => {
    await apply([]);
    expect(forwarded(0, { state: 'RELATED', protocol: 'icmp' })).toBe(true);
  });
});

test('a mark that a tunnel hands on opens nothing, even with the rule gone that clears it', async () => {
  await apply([]);
  const rule = fake
    .tablesNamed(4, 'mangle')[0]
    ?.get('DOCKWALL-GATE')
    ?.rules.findIndex(({ target }) => target?.name === 'MARK');
  const input = `*mangle\n-D DOCKWALL-GATE ${(rule ?? -1) + 1}\nCOMMIT\n`;
  const { stderr } = await fake.run({
    program: 'iptables-nft-restore',
    args: ['--noflush'],
    input,
    timeoutMs: 1000,
  });
  expect(stderr).toBe('');
  expect(arrives(asks(8001, { mark: 0x1000 }))).toBe(false);
});

describe('the guard', () => {
  beforeEach(async () => {
    for (const half of ['0.0.0.0/1', '128.0.0.0/1']) {
      await ipset(`add dockwall4-guard ${half} timeout 60`);
      await ipset(`add dockwall4-listening ${half},tcp:22 timeout 60`);
      await ipset(`add dockwall4-listening ${half},sctp:3868 timeout 60`);
    }
  });

  test('knows three protocols', () => {
    expect([22, 23].map((port) => arrives(asks(port)))).toEqual([true, false]);
    expect([3868, 9].map((port) => arrives(asks(port, { protocol: 'sctp' })))).toEqual([true, false]);
    expect(arrives(asks(53, { protocol: 'udp' }))).toBe(false);
  });

  test('leaves to a transparent proxy what is meant for others', () => {
    expect(arrives(asks(23, { destination: '198.51.100.80', types: ['UNICAST'] }))).toBe(true);
    expect(arrives(asks(23, { destination: '192.0.2.255', types: ['BROADCAST'] }))).toBe(false);
  });
});
