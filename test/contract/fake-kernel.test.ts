import { expect, test } from 'vitest';
import { createKernel, type Kernel } from '../../src/reach/kernel/kernel.ts';
import { FakeKernel, Killed } from './fake-kernel.ts';
import { createSets, nothing, bootstrapGate, sampleSets, setName } from './samples.ts';

// What the fake can do that the real kernel cannot be asked for.

let now = 0;

function start(): { readonly fake: FakeKernel; readonly kernel: Kernel } {
  const fake = new FakeKernel({ now: () => now });
  return { fake, kernel: createKernel(fake.run, { readFile: fake.readFile }) };
}

const raise = {
  ...nothing,
  sets: createSets(sampleSets(4)),
  tables: [bootstrapGate({ family: 4, backend: 'nft' })],
};

test('the dump is the whole state as sorted text, without what cannot be seen', async () => {
  const { fake, kernel } = start();
  expect(fake.dump()).toBe('');
  await fake.run({
    program: 'iptables-nft-restore',
    args: ['--noflush'],
    input: '*raw\nCOMMIT\n',
    timeoutMs: 1,
  });
  expect(fake.dump()).toBe('');
  await kernel.apply(raise);
  const dump = fake.dump();
  expect(dump.split('\n').slice(2, 5)).toEqual([
    'add dockwall4-ports 128.0.0.0/1,tcp:443',
    'add dockwall4-ports 203.0.113.7,sctp:9',
    'add dockwall4-ports 203.0.113.7,udp:53',
  ]);
  expect(dump).toContain(
    '4 nft mangle :DOCKWALL-GATE -\n4 nft mangle -A DOCKWALL-GATE -m conntrack --ctdir REPLY',
  );
  expect(fake.writes).toBe(3);
  expect(fake.processes).toEqual(
    new Map([
      ['iptables-nft-restore', 2],
      ['ipset', 1],
    ]),
  );
});

test('a failure does nothing, and is over', async () => {
  const { fake, kernel } = start();
  fake.inject({ nth: 2, of: 'write', how: 'fail' });
  await expect(kernel.apply(raise)).rejects.toMatchObject({ code: 'rejected' });
  expect(fake.dump()).not.toContain('nft');
  await kernel.apply(raise);
  expect(fake.dump()).toContain('nft');
});

test('a kill before, after and within a command; then nothing runs until the restart', async () => {
  const { fake, kernel } = start();
  fake.inject({ nth: 1, how: 'kill-before' });
  await expect(kernel.apply(raise)).rejects.toThrow(Killed);
  expect(fake.dump()).toBe('');
  await expect(kernel.observe()).rejects.toThrow(Killed);

  fake.restart();
  fake.inject({ nth: 1, how: 'kill-within', lines: 2 });
  await expect(kernel.apply(raise)).rejects.toThrow(Killed);
  expect(fake.dump().split('\n').slice(0, -1)).toHaveLength(2);

  fake.restart();
  fake.inject({ nth: 2, of: 'write', how: 'kill-within', lines: 5 });
  await expect(kernel.apply(raise)).rejects.toThrow(Killed);
  // A table that was not committed is as it was.
  expect(fake.dump()).not.toContain('nft');

  fake.restart();
  fake.inject({ nth: 2, of: 'write', how: 'kill-after' });
  await expect(kernel.apply(raise)).rejects.toThrow(Killed);
  fake.restart();
  expect((await kernel.observe()).tables).toHaveLength(1);
});

test('the clock is the test’s', async () => {
  const { fake, kernel } = start();
  const src = setName(4, 'src');
  const input = `add ${src} 192.0.2.1 timeout 60\n`;
  await kernel.apply({ ...nothing, sets: createSets(sampleSets(4)) });
  await fake.run({ program: 'ipset', args: ['restore', '-exist'], input, timeoutMs: 1 });
  now += 59_500;
  expect(fake.dump()).toContain('192.0.2.1 timeout 1\n');
  now += 500;
  expect(fake.dump()).not.toContain('192.0.2.1');
});
