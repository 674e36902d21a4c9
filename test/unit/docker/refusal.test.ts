import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { connectDocker } from '../../../src/reach/docker/dockerode-client.ts';

afterEach(() => void vi.unstubAllEnvs());

it('a call that a proxy refuses is named, with what allows it, and not with its page', async () => {
  const socket = path.join(mkdtempSync(path.join(tmpdir(), 'dockwall-proxy-')), 'docker.sock');
  const proxy = createServer((request, response) => {
    const ping = request.url === '/_ping';
    response.writeHead(ping ? 200 : 403, { 'api-version': '1.44' });
    response.end(ping ? 'OK' : '<html><body><h1>403 Forbidden</h1></body></html>');
  });
  await new Promise<void>((done) => proxy.listen(socket, done));
  vi.stubEnv('DOCKER_HOST', `unix://${socket}`);
  const client = await connectDocker();
  const signal = AbortSignal.timeout(5000);
  const watcher = { onOpen: () => {}, onEvent: () => {} };
  const said = async (asked: Promise<unknown>): Promise<string> =>
    asked.then(
      () => 'no error',
      (error: unknown) => String(error),
    );
  const errors = {
    CONTAINERS: await said(client.containers()),
    NETWORKS: await said(client.networks()),
    INFO: await said(client.info()),
    VERSION: await said(client.version()),
    SERVICES: await said(client.services()),
    EVENTS: await said(client.watch(watcher, signal)),
  };
  proxy.close();
  proxy.closeAllConnections();
  for (const [name, text] of Object.entries(errors)) {
    expect(text).toContain(`docker-socket-proxy: ${name}=1`);
    expect(text).not.toMatch(/html/i);
  }
});

it.each([
  [
    'a proxy says that its engine is down',
    '<html><body><h1>503 Service Unavailable</h1></body></html>',
    'unreachable',
    undefined,
  ],
  ['Docker says that it manages no swarm', '{"message":"This node is not a swarm manager."}', 'refused', 503],
])('%s', async (_, body, code, status) => {
  const socket = path.join(mkdtempSync(path.join(tmpdir(), 'dockwall-proxy-')), 'docker.sock');
  const proxy = createServer(({ url }, response) => {
    response.writeHead(url === '/_ping' ? 200 : 503);
    response.end(url === '/_ping' ? 'OK' : body);
  });
  await new Promise<void>((done) => proxy.listen(socket, done));
  vi.stubEnv('DOCKER_HOST', `unix://${socket}`);
  const client = await connectDocker();
  const error = await client.services().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  proxy.close();
  proxy.closeAllConnections();
  expect(error).toMatchObject({ code, status });
  expect(String(error)).not.toMatch(/html/i);
});
