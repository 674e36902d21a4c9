import { mkdtempSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import type { DockerClient } from '../../../src/reach/docker/client.ts';
import { connectDocker } from '../../../src/reach/docker/dockerode-client.ts';

/** An engine that says its API version, and takes a newer one in a path for an error, as Docker does. */
class FakeEngine {
  readonly socket = path.join(mkdtempSync(path.join(tmpdir(), 'dockwall-engine-')), 'docker.sock');
  readonly paths: string[] = [];
  private server: Server | undefined;

  async start(api: string | undefined, ping = 200): Promise<void> {
    const server = createServer((request, response) => {
      const asked = request.url?.replace(/\?.*$/, '') ?? '';
      this.paths.push(asked);
      const wanted = /^\/v([\d.]+)/.exec(asked)?.[1];
      if (api !== undefined) response.setHeader('Api-Version', api);
      const tooNew = wanted !== undefined && Number(wanted) > Number(api);
      response.statusCode = asked.endsWith('/_ping') ? ping : tooNew ? 400 : 200;
      if (asked.endsWith('/events')) response.flushHeaders();
      else response.end(asked.endsWith('/_ping') ? 'OK' : '[]');
    });
    await new Promise<void>((resolve) => server.listen(this.socket, resolve));
    this.server = server;
  }

  async stop(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

const engine = new FakeEngine();

async function connected(): Promise<DockerClient> {
  vi.stubEnv('DOCKER_HOST', `unix://${engine.socket}`);
  return connectDocker();
}

afterEach(async () => {
  await engine.stop();
  engine.paths.length = 0;
  vi.unstubAllEnvs();
});

test.each(['1.41', '1.56'])('the version %s of the engine is in each path, asked for once', async (api) => {
  await engine.start(api);
  const client = await connected();
  await Promise.all([
    client.containers(),
    client.networks(),
    client.inspect('ab', AbortSignal.timeout(5000)),
  ]);
  await client.info();
  expect(engine.paths.filter((one) => one === '/_ping')).toHaveLength(1);
  expect(engine.paths.filter((one) => one !== '/_ping').toSorted()).toEqual(
    ['/containers/ab/json', '/containers/json', '/info', '/networks'].map((one) => `/v${api}${one}`),
  );
});

test('another engine behind the same socket is asked again, also where it is an older one', async () => {
  await engine.start('1.56');
  const client = await connected();
  const opened = vi.fn();
  const watching = client.watch({ onOpen: opened, onEvent: () => {} }, new AbortController().signal);
  const ended = watching.catch(() => {});
  await vi.waitFor(() => expect(opened).toHaveBeenCalled());
  await engine.stop();
  await ended;
  await engine.start('1.41');
  expect(await client.containers()).toEqual([]);
  expect(engine.paths.slice(-2)).toEqual(['/_ping', '/v1.41/containers/json']);
});

test('an engine that was exchanged unseen costs one refusal', async () => {
  await engine.start('1.56');
  const client = await connected();
  await client.containers();
  await engine.stop();
  await engine.start('1.41');
  await expect(client.networks()).rejects.toThrow('listing networks');
  expect(await client.networks()).toEqual([]);
});

test.each([
  ['does not say', undefined, 200],
  ['lies behind a proxy that forbids to ask', '1.56', 403],
] as const)('where the engine %s, paths have no version', async (_, api, ping) => {
  await engine.start(api, ping);
  const client = await connected();
  expect(await client.containers()).toEqual([]);
  expect(engine.paths).toEqual(['/_ping', '/containers/json']);
});

test('no engine at all is unreachable, and the call says what it was for', async () => {
  const client = await connected();
  await expect(client.containers()).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringMatching(/^listing containers: /) as unknown,
  });
});
