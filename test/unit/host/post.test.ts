import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import path from 'node:path';
import { expect, test } from 'vitest';
import { holdPost, takePost } from '../../../src/reach/host/post.ts';
import { FakeClock } from '../daemon/fake-clock.ts';

let count = 0;
/** Of this test alone, in the namespace that all tests share. */
const freshName = (): string => `\0dockwall-test-${process.pid}-${(count += 1)}`;
const quiet = { warn: () => {} };

test('the post is one program at a time, and free again when that leaves', async () => {
  const name = freshName();
  const leave = await takePost(name);
  expect(leave).toBeDefined();
  expect(await takePost(name)).toBeUndefined();
  const visitor = connect(name);
  visitor.resume();
  await once(visitor, 'close');
  await leave?.();
  const next = await takePost(name);
  expect(next).toBeDefined();
  await next?.();
});

test('a program that is killed leaves the post', async () => {
  const name = freshName();
  const module = JSON.stringify(path.resolve('src/reach/host/post.ts'));
  const script = `import { takePost } from ${module};
    await takePost('\\0' + process.argv[1]); setInterval(() => {}, 1000); console.log('taken')`;
  const other = spawn(process.execPath, ['--input-type=module', '-e', script, name.slice(1)]);
  await once(other.stdout, 'data');
  expect(await takePost(name)).toBeUndefined();
  other.kill('SIGKILL');
  await once(other, 'exit');
  await expect.poll(async () => takePost(name)).toBeDefined();
});

test('a daemon takes the post when the one before it has ended, and says once that it is not alone', async () => {
  const clock = new FakeClock();
  const name = freshName();
  const first = await takePost(name);
  const warnings: string[] = [];
  const leave = await holdPost({
    take: () => takePost(name),
    clock,
    log: { warn: (_, message) => void warnings.push(message) },
  });
  await clock.advance(3000);
  await first?.();
  await expect
    .poll(async () => {
      await clock.advance(1000);
      const free = await takePost(name);
      await free?.();
      return free === undefined;
    })
    .toBe(true);
  expect(warnings).toEqual([
    'another dockwall is running on this host (or something else has the socket @dockwall); this one guards all the same',
  ]);
  await leave();
  expect(await takePost(name)).toBeDefined();
});

test('a kernel that has no such sockets keeps nobody from standing guard', async () => {
  const take = async (): Promise<undefined> => Promise.reject(new Error('EACCES'));
  const leave = await holdPost({ take, clock: new FakeClock(), log: quiet });
  await leave();
});
