import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { diff } from '../../src/decide/diff/diff.ts';
import { resolve } from '../../src/decide/policy/resolve.ts';
import { render } from '../../src/decide/wall/render.ts';
import { runCommand } from '../../src/reach/kernel/command.ts';
import { createKernel } from '../../src/reach/kernel/kernel.ts';
import { makeConfig, makeContainer, makeInventory, ports } from '../unit/policy/inventories.ts';
import type { Case } from './case.ts';
import { run } from './guarded-host.ts';

// What the lock costs a packet that the gate has passed, and one that is none of our business: the same datagrams, with and without it.

const services = 100;
const first = 8000;
/** Of the host itself, and none of our business. */
const ownPort = 53;
const datagrams = 10_000;

/** Sends so many datagrams and says how long it took, ms. The whole way to the other side's socket is a part of each `send` over a veth. */
const sender = `
const { createSocket } = require('node:dgram');
const [port, count] = process.argv.slice(1).map(Number);
const socket = createSocket('udp4');
const text = Buffer.alloc(16);
socket.connect(port, '192.0.2.1', () => {
  const from = process.hrtime.bigint();
  let left = count;
  const next = () => {
    if (left-- > 0) return socket.send(text, next);
    console.log(Number(process.hrtime.bigint() - from) / 1e6);
    process.exit(0);
  };
  next();
});`;

/** A namespace that is somebody outside, at the other end of a veth; ends with what it gives. */
async function outside(): Promise<{ readonly pid: number; readonly close: () => void }> {
  const child = spawn('unshare', ['--net', 'cat'], { stdio: ['pipe', 'ignore', 'inherit'] });
  await once(child, 'spawn');
  const { pid = 0 } = child;
  const ip = async (...args: readonly string[]): Promise<unknown> => run('ip', args);
  // until it has left our namespace there is nobody to give the cable to
  const theirs = (...args: readonly string[]): Promise<unknown> =>
    run('nsenter', [`--net=/proc/${pid}/ns/net`, 'ip', ...args]);
  while (
    (await run('readlink', [`/proc/${pid}/ns/net`])).stdout ===
    (await run('readlink', ['/proc/self/ns/net'])).stdout
  );
  await ip('link', 'set', 'lo', 'up');
  await ip('link', 'add', 'wan', 'type', 'veth', 'peer', 'name', 'wan0', 'netns', String(pid));
  await ip('address', 'add', '192.0.2.1/24', 'dev', 'wan');
  await ip('link', 'set', 'wan', 'up');
  await theirs('address', 'add', '192.0.2.2/24', 'dev', 'wan0');
  await theirs('link', 'set', 'wan0', 'up');
  return {
    pid,
    close: () => {
      child.kill();
    },
  };
}

async function packets(name: string, port: number, instead: 'nothing' | 'a lookup'): Promise<Case> {
  const { pid, close } = await outside();
  const sink = createSocket('udp4');
  sink.bind(port, '192.0.2.1');
  await once(sink, 'listening');
  const kernel = createKernel(runCommand, { lock: { kind: 'keeps', onLost: () => {} } });
  const all = Array.from({ length: services }, (_, at) =>
    makeContainer(`service-${at}`, {
      labels: { 'dockwall.public': '80/udp' },
      ports: ports(`${first + at}:80/udp`),
    }),
  );
  const ruleset = render(resolve(makeInventory(all), makeConfig()), 'asked');
  await kernel.apply(diff(ruleset, await kernel.observe()));
  if (ruleset.lock === 'keep' || ruleset.lock === 'remove') throw new Error('no lock was rendered');
  const put = { after: { kind: 'write', lock: ruleset.lock } } as const;
  const take = { before: { kind: 'remove' } } as const;
  const send = async (lock: typeof put | typeof take): Promise<number> => {
    await kernel.observe();
    await kernel.apply({ sets: [], tables: [], destroy: [], lock });
    const argv = [
      `--net=/proc/${pid}/ns/net`,
      process.execPath,
      '--eval',
      sender,
      String(port),
      String(datagrams),
    ];
    return Number((await run('nsenter', argv)).stdout);
  };
  const lookup = async (verb: '-A' | '-D'): Promise<unknown> =>
    run('iptables-nft', [
      '-t',
      'mangle',
      verb,
      'PREROUTING',
      '-m',
      'set',
      '--match-set',
      'dockwall4-published',
      'dst,dst',
    ]);
  return {
    name,
    against: instead === 'nothing' ? 'the same without the lock' : 'one lookup in a set instead of the lock',
    unit: 'ms',
    rounds: 41,
    promise: { times: 1.05 },
    ours: async () => send(put),
    theirs: async () => {
      if (instead === 'nothing') return send(take);
      await lookup('-A');
      const time = await send(take);
      await lookup('-D');
      return time;
    },
    close: async () => {
      sink.close();
      close();
      await run('ip', ['link', 'delete', 'wan']).catch(() => undefined);
    },
  };
}

const what = `${datagrams.toLocaleString('en')} datagrams`;

export const packetCases: readonly (() => Promise<Case>)[] = [
  async () => packets(`${what} to a public port, with the lock`, first, 'nothing'),
  async () => packets(`${what} to a public port, with the lock`, first, 'a lookup'),
  async () => packets(`${what} to a port of the host's own, with the lock`, ownPort, 'nothing'),
];
