import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { diff } from '../../src/decide/diff/diff.ts';
import { everyAddress } from '../../src/decide/net/merge-networks.ts';
import { families, type Family } from '../../src/decide/net/network.ts';
import { resolve } from '../../src/decide/policy/resolve.ts';
import { readBlocked } from '../../src/decide/wall/blocked.ts';
import { render } from '../../src/decide/wall/render.ts';
import { makeConfig, makeContainer, makeInventory, ports } from '../unit/policy/inventories.ts';
import { addNamespace, canTestRealKernel, must, removeNamespace } from './namespace.ts';
import { realWorld, type World } from './world.ts';

// What this host has asked a group or everybody is answered while the guard is up: packets from a second namespace.

const host = { 4: '192.0.2.10', 6: '2001:db8:1::10' } as const;
const other = { 4: '192.0.2.50', 6: '2001:db8:1::50' } as const;
/** Of the site, not of the link: then IPv6 asks from the address that it is answered at here. */
const group = { 4: '239.255.255.250', 6: 'ff05::c%ext0' } as const;

/** Waits on a port, first asks `to` from there where there is one, and prints what comes. `PORT FAMILY [TO TO_PORT]` */
const waiter = `
const [port, family, to, toPort] = process.argv.slice(1);
const socket = require('node:dgram').createSocket({ type: 'udp' + family, reuseAddr: true });
socket.on('message', (data, { address }) => process.stdout.write(data + ' of ' + address + '\\n'));
socket.bind({ port: Number(port), address: family === '4' ? '0.0.0.0' : '::' }, () => {
  socket.setBroadcast(true);
  if (family === '4') socket.setMulticastInterface('${host[4]}');
  else socket.setMulticastInterface('::%ext0');
  if (to === undefined) process.stdout.write('up\\n');
  else socket.send('who is there', Number(toPort), to, () => process.stdout.write('up\\n'));
});
`;

/** Sends one datagram. `FAMILY TO PORT` */
const sender = `
const [family, to, port] = process.argv.slice(1);
const socket = require('node:dgram').createSocket('udp' + family);
socket.bind(() => { socket.setBroadcast(true); socket.send('hello', Number(port), to, () => socket.close()); });
`;

describe.skipIf(!canTestRealKernel())('answers to what this host has asked', () => {
  let world: World;
  let outside: string;

  const inHost = (...argv: readonly string[]): string =>
    must('nsenter', `--net=/run/netns/${world.namespace}`, ...argv);
  const send = (family: Family, port: number, to: string = host[family]): void =>
    void must(
      'nsenter',
      `--net=/run/netns/${outside}`,
      process.execPath,
      '-e',
      sender,
      ...[family, to, port].map(String),
    );

  beforeEach(async () => {
    world = realWorld();
    outside = addNamespace();
    const inside = world.namespace ?? '';
    must('ip', '-n', inside, 'link', 'add', 'ext0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', outside);
    const ends = [
      [inside, 'ext0', host],
      [outside, 'eth0', other],
    ] as const;
    for (const [namespace, device, addresses] of ends) {
      must('ip', '-n', namespace, 'addr', 'add', `${addresses[4]}/24`, 'brd', '+', 'dev', device);
      must('ip', '-n', namespace, 'addr', 'add', `${addresses[6]}/64`, 'dev', device, 'nodad');
      must('ip', '-n', namespace, 'link', 'set', device, 'up');
    }
    const web = makeContainer('web', { ports: ports('5353:53/udp') });
    const wanted = render(resolve(makeInventory([web]), makeConfig()), 'asked');
    await world.kernel.apply(diff(wanted, await world.kernel.observe()));
    for (const family of families)
      for (const half of everyAddress(family))
        inHost('ipset', 'add', `dockwall${family}-guard`, half, 'timeout', '60');
  });
  afterEach(() => {
    removeNamespace(outside);
    world.close();
  });

  /** What a socket on this port hears of one datagram from outside, after it has asked. */
  const heard = async (
    family: Family,
    port: number,
    { asks = [], to }: { readonly asks?: readonly string[]; readonly to?: string } = {},
  ): Promise<string> => {
    const enter = [`--net=/run/netns/${world.namespace}`, process.execPath, '-e', waiter];
    const socket = spawn('nsenter', [...enter, String(port), String(family), ...asks], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    socket.stdout.setEncoding('utf8').on('data', (data: string) => (text += data));
    await once(socket.stdout, 'data');
    send(family, port, to);
    const deadline = Date.now() + 400;
    // a dropped datagram says nothing: the time of one that comes is some milliseconds
    while (!text.includes('hello') && Date.now() < deadline) await world.advance(0.02);
    socket.kill('SIGKILL');
    await once(socket, 'close');
    return text.includes('hello') ? 'heard' : 'nothing';
  };

  test('get in at the port that asked, and nowhere else', async () => {
    for (const family of families) {
      expect([family, await heard(family, 40_001)]).toEqual([family, 'nothing']);
      expect([family, await heard(family, 40_002, { asks: [group[family], '1900'] })]).toEqual([
        family,
        'heard',
      ]);
      expect([family, await heard(family, 40_003)]).toEqual([family, 'nothing']);
      // a transfer of files is answered from another port (RFC 1350)
      expect([family, await heard(family, 40_004, { asks: [other[family], '69'] })]).toEqual([
        family,
        'heard',
      ]);
      // a question to one alone is answered by that one, as a known connection
      expect([family, await heard(family, 40_005, { asks: [other[family], '1900'] })]).toEqual([
        family,
        'nothing',
      ]);
    }
    expect(await heard(4, 40_006, { asks: ['192.0.2.255', '137'] })).toBe('heard');
    expect(await heard(4, 40_007, { asks: ['192.0.2.255', '67'], to: '192.0.2.255' })).toBe('heard');
    expect(await heard(4, 40_008, { to: '192.0.2.255' })).toBe('nothing');
  });

  test('open no port that is published or declared', async () => {
    for (const family of families)
      expect([family, await heard(family, 5353, { asks: [group[family], '5353'] })]).toEqual([
        family,
        'nothing',
      ]);
  });

  test('last as long as questions do, and are nothing to write about', async () => {
    expect(await heard(4, 40_002, { asks: [group[4], '1900'] })).toBe('heard');
    const { sets } = await world.kernel.observe();
    const asked = sets.find(({ name }) => name === 'dockwall4-asked');
    expect([...(asked?.members.keys() ?? [])].sort()).toEqual(
      [`${host[4]},udp:40002`, `${group[4]},udp:40002`].sort(),
    );
    for (const left of asked?.members.values() ?? []) expect(left).toBeLessThanOrEqual(20);
    const wanted = render(
      resolve(makeInventory([makeContainer('web', { ports: ports('5353:53/udp') })]), makeConfig()),
      'asked',
    );
    expect(diff(wanted, await world.kernel.observe())).toEqual({ sets: [], tables: [], destroy: [] });
  });

  test('and what the guard turns away is remembered, but for what was meant for everybody', async () => {
    for (const family of families) await heard(family, 40_001);
    await heard(4, 40_008, { to: '192.0.2.255' });
    const { sets } = await world.kernel.observe();
    const found = readBlocked({ services: [] }, sets);
    expect(found.map(({ source, port, by }) => `${source} ${port} ${by}`).sort()).toEqual([
      `${other[4]} 40001 guard`,
      `${other[6]} 40001 guard`,
    ]);
  });
});
