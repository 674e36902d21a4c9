import { mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Listen } from '../../../src/decide/policy/config.ts';
import { textAnswer } from '../../../src/faces/web/answer.ts';
import { Web } from '../../../src/faces/web/web.ts';
import { askSocket } from '../../lab/ask-socket.ts';
import { until } from '../../lab/poll.ts';
import { FakeClock } from '../daemon/fake-clock.ts';

const log = { info: () => {}, error: () => {} };
const clock = new FakeClock();
const open: Web[] = [];

async function openWeb(socket: string): Promise<Web> {
  const web = await Web.open(socket, { handler: async () => textAnswer('here', 200), clock, log });
  open.push(web);
  return web;
}

afterEach(async () => {
  for (const web of open.splice(0)) await web.close();
});

function newSocket(): string {
  return path.join(mkdtempSync(path.join(tmpdir(), 'dockwall-web-')), 'run', 'dockwall.sock');
}

const at = (port: number): Listen => ({ address: '127.0.0.1', port, names: [] });

async function freePort(): Promise<{ port: number; free: () => Promise<void> }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { port, free: () => new Promise((resolve) => server.close(() => resolve())) };
}

async function answers(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/`).then(
    (answer) => answer.ok,
    () => false,
  );
}

describe('where the page is served', () => {
  it('on the unix socket, for root alone, under whatever name', async () => {
    const socket = newSocket();
    await openWeb(socket);
    expect(await askSocket(socket, '/')).toEqual({ status: 200, body: 'here\n' });
    expect(statSync(socket).mode & 0o777).toBe(0o600);
  });

  it('not on a socket that cannot be made: that is a problem, and ends nothing', async () => {
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'dockwall-web-')), 'file');
    writeFileSync(file, '');
    const web = await openWeb(path.join(file, 'dockwall.sock'));
    expect(web.problems()).toEqual([expect.stringMatching(/dockwall\.sock.*tmpfs/)]);
    const { port, free } = await freePort();
    await free();
    await web.listen(at(port));
    expect(await answers(port)).toBe(true);
  });

  it('where a killed process has left its socket', async () => {
    const socket = newSocket();
    await (await openWeb(socket)).close();
    writeFileSync(socket, '');
    await openWeb(socket);
    expect(await askSocket(socket, '/')).toMatchObject({ status: 200 });
  });

  it('over TCP where the configuration says, there only, and no longer than it says', async () => {
    const [one, two] = [await freePort(), await freePort()];
    await Promise.all([one.free(), two.free()]);
    const web = await openWeb(newSocket());
    await web.listen(at(one.port));
    expect(await answers(one.port)).toBe(true);
    await web.listen(at(two.port));
    expect([await answers(one.port), await answers(two.port)]).toEqual([false, true]);
    await web.listen(undefined);
    expect(await answers(two.port)).toBe(false);
    expect(web.problems()).toEqual([]);
  });

  it('says why it cannot be had, and takes it as soon as it can', async () => {
    const { port, free } = await freePort();
    const web = await openWeb(newSocket());
    await web.listen(at(port));
    const taken = `listen: the page cannot be served at http://127.0.0.1:${port}/: another program listens there: choose another port`;
    expect(web.problems()).toEqual([taken]);
    await clock.advance(5000);
    await web.listen(at(port));
    expect(web.problems()).toEqual([taken]);
    await free();
    await clock.advance(5000);
    await until({ what: 'the page to be served', ms: 5000 }, () => web.problems().length === 0);
    expect(await answers(port)).toBe(true);
  });

  it('says of an address that is not the host’s', async () => {
    const web = await openWeb(newSocket());
    await web.listen({ address: '192.0.2.1', port: 9117, names: [] });
    expect(web.problems()).toEqual([
      'listen: the page cannot be served at http://192.0.2.1:9117/: this host has no such address (now)',
    ]);
    await web.listen(undefined);
    expect(web.problems()).toEqual([]);
  });
});
