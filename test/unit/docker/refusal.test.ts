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
