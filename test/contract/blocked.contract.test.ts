import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { diff } from '../../src/decide/diff/diff.ts';
import type { ObservedSet } from '../../src/decide/diff/model.ts';
import { resolve } from '../../src/decide/policy/resolve.ts';
import type { Rule, Ruleset } from '../../src/decide/wall/model.ts';
import { render } from '../../src/decide/wall/render.ts';
import { makeConfig, makeContainer, makeInventory, peerList, ports } from '../unit/policy/inventories.ts';
import { addNamespace, canTestRealKernel, must, removeNamespace } from './namespace.ts';
import { realWorld, type World } from './world.ts';

// Who was turned away and how much was let in, as the real kernel counts it: packets from a second namespace.

const host = '192.0.2.10';
const client = '192.0.2.50';
const trusted = '192.0.2.60';
/** Anybody of these the client can be. */
const crowd = '198.18.0.0/15';

const config = makeConfig({ trusted: peerList([trusted]) });
const web = makeContainer('web', { ports: ports('8080:80', '8080:80/udp', '443:443') });

function ruleset(blocked: 'on' | 'off' = 'on'): Ruleset {
  return render(resolve(makeInventory([web]), { ...config, blocked }), 'asked');
}

/** The same, with a shorter memory. */
function forgetful(set: Ruleset, seconds: number): Ruleset {
  const shorter = (rule: Rule): Rule =>
    rule.target.kind === 'remember-asker' ? { ...rule, target: { ...rule.target, seconds } } : rule;
  const gate = set.gate.map((table) => ({
    ...table,
    chains: table.chains.map((chain) => ({ ...chain, rules: chain.rules.map(shorter) })),
  }));
  return { ...set, gate };
}

/** Sends one datagram to each port from each address, in the order given; addresses `from` on, counted up. */
const sender = `
const { createSocket } = require('node:dgram');
const [from, count, port] = process.argv.slice(1);
const first = from.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
const send = (index) => new Promise((done, fail) => {
  const value = first + index;
  const address = [24, 16, 8, 0].map((bits) => Math.floor(value / 2 ** bits) % 256).join('.');
  const socket = createSocket('udp4').on('error', fail);
  socket.bind({ address, port: 40000, exclusive: true }, () =>
    socket.send('x', Number(port), '${host}', () => socket.close(done)));
});
(async () => { for (let i = 0; i < Number(count); i += 1) await send(i); })();
`;

describe.skipIf(!canTestRealKernel())('who is turned away', () => {
  let world: World;
  let outside: string;

  beforeEach(() => {
    world = realWorld();
    outside = addNamespace();
    const inside = world.namespace ?? '';
    must('ip', '-n', inside, 'link', 'add', 'ext0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', outside);
    must('ip', '-n', inside, 'addr', 'add', `${host}/24`, 'dev', 'ext0');
    must('ip', '-n', inside, 'link', 'set', 'ext0', 'up');
    must('ip', '-n', inside, 'route', 'add', crowd, 'via', client);
    for (const address of [client, trusted])
      must('ip', '-n', outside, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
    must('ip', '-n', outside, 'link', 'set', 'eth0', 'up');
    must('ip', '-n', outside, 'route', 'add', 'local', crowd, 'dev', 'lo');
  });
  afterEach(() => {
    removeNamespace(outside);
    world.close();
  });

  const apply = async (wanted: Ruleset): Promise<void> => {
    await world.kernel.apply(diff(wanted, await world.kernel.observe()));
  };
  const setOf = async (role: string): Promise<ObservedSet> => {
    const { sets } = await world.kernel.observe();
    const set = sets.find(({ name }) => name === `dockwall4-${role}`);
    if (set === undefined) throw new Error(`no set ${role}`);
    return set;
  };
  const counted = async (role: string, port: string): Promise<number> => {
    const { packets = new Map() } = await setOf(role);
    return [...packets]
      .filter(([member]) => member.endsWith(`,${port}`))
      .reduce((sum, [, more]) => sum + more, 0);
  };
  const send = (from: string, port: number, count = 1): void =>
    void must(
      'nsenter',
      `--net=/run/netns/${outside}`,
      process.execPath,
      '-e',
      sender,
      from,
      String(count),
      String(port),
    );

  test('is counted by port, and remembered by address and port', async () => {
    await apply(ruleset());
    for (let i = 0; i < 3; i += 1) send(client, 8080);
    send(client, 443);
    send(client, 9999);
    send(trusted, 8080);
    // UDP of a port that is published for TCP alone is the host's own
    expect([...((await setOf('turned-away')).packets ?? [])]).toEqual([[`${client},udp:8080`, 3]]);
    const { members } = await setOf('turned-away-last');
    expect([...members.keys()]).toEqual([`${client},udp:8080`]);
    expect(members.get(`${client},udp:8080`)).toBeGreaterThan(86_000);
    expect(await counted('count-refused', 'udp:8080')).toBe(3);
    expect(await counted('count-passed', 'udp:8080')).toBe(1);
    expect(await counted('count-begun', 'udp:8080')).toBe(1);
    expect(await counted('count-passed', 'tcp:443')).toBe(0);
    // what the kernel has counted is nothing to write about
    expect(diff(ruleset(), await world.kernel.observe())).toEqual({ sets: [], tables: [], destroy: [] });
  });

  test('is kept within bounds, whoever sends: the newest take the place of others', async () => {
    await apply(ruleset());
    send('198.18.0.1', 8080, 9000);
    // one of many, and each of them new to a set that is full
    send('198.19.200.1', 8080, 200);
    for (const role of ['turned-away', 'turned-away-last']) {
      const { members } = await setOf(role);
      expect(members.size).toBeGreaterThan(4000);
      expect(members.size).toBeLessThanOrEqual(4096);
      const newest = [...members.keys()].filter((member) => member.startsWith('198.19.200.'));
      // an empty bucket of the hash takes nothing in while the set is full (ip_set_hash_gen.h, mtype_add): one in sixty
      expect(newest.length).toBeGreaterThan(150);
      const inside = `--net=/run/netns/${world.namespace}`;
      const list = must('nsenter', inside, 'ipset', 'list', '-t', `dockwall4-${role}`);
      expect(Number(/^Size in memory: (\d+)$/m.exec(list)?.[1])).toBeLessThan(1024 * 1024);
    }
    expect(await counted('count-refused', 'udp:8080')).toBe(9200);
  }, 120_000);

  test('is forgotten after its time, counted from the last packet', async () => {
    await apply(forgetful(ruleset(), 3));
    send(client, 8080);
    await world.advance(2);
    send(client, 8080);
    await world.advance(2);
    expect([...(await setOf('turned-away-last')).members.keys()]).toEqual([`${client},udp:8080`]);
    await world.advance(2);
    expect([...(await setOf('turned-away-last')).members.keys()]).toEqual([]);
    expect([...(await setOf('turned-away')).members.keys()]).toEqual([]);
  });

  test('is not kept where nobody wants that', async () => {
    await apply(ruleset());
    send(client, 8080);
    await apply(ruleset('off'));
    send(client, 8080);
    const { sets, tables } = await world.kernel.observe();
    expect(sets.filter(({ name }) => name.includes('turned-away'))).toEqual([]);
    const rules = tables.flatMap(({ chains }) => chains.get('DOCKWALL-BLOCKED') ?? []);
    expect(rules.filter(({ spec }) => spec.includes('turned-away'))).toEqual([]);
    expect(await counted('count-refused', 'udp:8080')).toBe(2);
  });
});
