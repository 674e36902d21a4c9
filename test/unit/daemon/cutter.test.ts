import { expect, it } from 'vitest';
import { Cutter } from '../../../src/daemon/cutter.ts';
import { reconcile } from '../../../src/daemon/pass.ts';
import type { Config } from '../../../src/decide/policy/config.ts';
import type { Connection } from '../../../src/reach/kernel/connections.ts';
import { createKernel } from '../../../src/reach/kernel/kernel.ts';
import { FakeKernel } from '../../contract/fake-kernel.ts';
import { groupsOf, makeConfig, membersOf, peerList } from '../policy/inventories.ts';

const push: Connection = {
  protocol: 'udp',
  source: '203.0.113.20',
  sourcePort: 40_000,
  destination: '192.0.2.10',
  port: 53,
  answers: '172.17.0.2',
  answersPort: 5353,
  closing: false,
  secondsLeft: 110,
  mark: 0,
};
const web = ['203.0.113.0/24', '2001:db8:b::20'];

/** One container that publishes 53/udp to the group `web`, in a fake kernel, with these connections under way. */
function start(connections: readonly Connection[] | Error, deny: Config['deny'] = peerList(), labels = {}) {
  const fake = new FakeKernel();
  const kernel = createKernel(fake.run, { readFile: fake.readFile });
  const logged: string[] = [];
  const note = (fields: object, message: string): void => void logged.push(message, JSON.stringify(fields));
  let looks = 0;
  const cutter = new Cutter({
    kernel,
    addresses: () => new Set(['192.0.2.10', '2001:db8:1::10']),
    log: { debug: note, info: note, warn: note, error: note },
    list: async (ports, onConnection) => {
      looks += 1;
      if (connections instanceof Error) throw connections;
      for (const one of connections) if (ports.has(one.port)) onConnection(one);
    },
  });
  const container = {
    Id: 'c1',
    Names: ['/dns'],
    State: 'running',
    Labels: { 'dockwall.allow': 'web', ...labels },
    HostConfig: { NetworkMode: 'bridge' },
    Ports: [
      { IP: '0.0.0.0', PrivatePort: 53, PublicPort: 53, Type: 'udp' },
      { IP: '::', PrivatePort: 53, PublicPort: 53, Type: 'udp' },
      { IP: '0.0.0.0', PrivatePort: 53, PublicPort: 54, Type: 'udp' },
    ],
    NetworkSettings: { Networks: {} },
  };
  /** A pass with this group, and all that follows from it. */
  const pass = async (members: readonly string[]): Promise<number> => {
    const before = looks;
    const decision = await reconcile({
      kernel,
      list: async () => ({ containers: [container], networks: [], details: new Map() }) as never,
      host: async () => ({ interfaces: [], listeners: [] }),
      config: () => ({ config: makeConfig({ deny, groups: groupsOf({ web: members }) }), lockedDown: false }),
      answers: () => new Map(),
    });
    cutter.passed(decision);
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    return looks - before;
  };
  const hand = async (line: string): Promise<void> => {
    await fake.run({ program: 'ipset', args: ['restore', '-exist'], input: `${line}\n`, timeoutMs: 1 });
  };
  return { fake, pass, hand, logged, cutter };
}

const cut = 'dockwall4-cut';
const member = '172.17.0.2,udp:5353,203.0.113.20';

it('looks once when it begins, and then only after something was closed', async () => {
  const { fake, pass } = start([push]);
  expect(await pass(web)).toBe(1);
  expect(await pass(web)).toBe(0);
  expect(await pass([...web, '198.51.100.1'])).toBe(0);
  expect(fake.members(cut)).toEqual([]);
  expect(await pass(web)).toBe(1);
  expect(await pass([])).toBe(1);
  expect(fake.members(cut)).toEqual([member]);
  expect(await pass([])).toBe(0);
});

it('takes a session out again when its source is let in again', async () => {
  const { fake, pass } = start([push]);
  await pass(web);
  await pass([]);
  expect(fake.members(cut)).toEqual([member]);
  expect(await pass(web)).toBe(1);
  expect(fake.members(cut)).toEqual([]);
});

it('goes by what somebody has put into a set for a while, and looks when that is gone', async () => {
  const { fake, pass, hand } = start([push]);
  await pass([]);
  await hand(`del ${cut} ${member}`);
  await hand('add dockwall4-trusted 203.0.113.20 timeout 60');
  expect(await pass([])).toBe(1);
  expect(fake.members(cut)).toEqual([]);
  await hand('del dockwall4-trusted 203.0.113.20');
  expect(await pass([])).toBe(1);
  expect(fake.members(cut)).toEqual([member]);
});

it('goes by what external sets hold: who is banned there is cut, and let go when that is over', async () => {
  const { fake, pass, hand } = start([push], { ...membersOf(), ipsets: ['crowdsec'], groups: [] });
  await hand('create crowdsec hash:net family inet');
  await pass(web);
  expect(await pass(web)).toBe(0);
  await hand('add crowdsec 203.0.113.0/28');
  expect(await pass(web)).toBe(1);
  expect(fake.members(cut)).toEqual([]);
  await hand('add crowdsec 203.0.113.16/28');
  expect(await pass(web)).toBe(1);
  expect(fake.members(cut)).toEqual([member]);
  await hand('flush crowdsec');
  expect(await pass(web)).toBe(1);
  expect(fake.members(cut)).toEqual([]);
});

it('leaves alone what is marked, what ends by itself, what came from inside, and what only passes through', async () => {
  const { fake, pass } = start([
    { ...push, mark: 0x80 },
    { ...push, protocol: 'tcp', closing: true },
    { ...push, source: '192.0.2.10' },
    { ...push, destination: '198.51.100.53' },
    {
      ...push,
      source: '2001:db8:b::20',
      destination: '2001:db8:1::10',
      answers: '2001:db8:1::10',
      answersPort: 53,
    },
  ]);
  await pass([]);
  expect(fake.members(cut)).toEqual([]);
  expect(fake.members('dockwall6-cut')).toEqual(['2001:db8:1::10,udp:53,2001:db8:b::20']);
});

it('counts the sessions that it cuts, and a client once at each door', async () => {
  const { fake, pass, logged } = start([
    push,
    { ...push, sourcePort: 40_001, secondsLeft: 170 },
    { ...push, sourcePort: 40_002, closing: true },
    { ...push, sourcePort: 40_003, mark: 0x80 },
    { ...push, sourcePort: 40_004, answers: '192.0.2.10', answersPort: 53 },
  ]);
  await pass(web);
  await pass([]);
  expect(fake.members(cut).toSorted()).toEqual([member, '192.0.2.10,udp:53,203.0.113.20'].toSorted());
  expect(logged).toContain('{"sessions":3}');
});

it('leaves a client alone that another door lets in to the same', async () => {
  const other = { ...push, port: 54 };
  const { fake, pass } = start([push, other], undefined, { 'dockwall.public': '54/udp' });
  await pass([]);
  expect(fake.members(cut)).toEqual([]);
});

it('says once that it cannot look', async () => {
  const { pass, logged, cutter } = start(new Error('no such program'));
  await pass(web);
  await pass([]);
  await cutter.stop();
  expect(logged.filter((line) => line.includes('no such program'))).toHaveLength(1);
});
