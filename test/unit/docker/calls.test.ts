import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { callOf, calls } from '../../../src/reach/docker/calls.ts';
import type { DockerClient } from '../../../src/reach/docker/client.ts';
import { connectDocker } from '../../../src/reach/docker/dockerode-client.ts';

afterEach(() => void vi.unstubAllEnvs());

const signal = AbortSignal.timeout(10_000);

/** How each call is made; one that is added has to be added here, in the list, and in the documents. */
const making: { readonly [K in keyof DockerClient]: (client: DockerClient) => Promise<unknown> } = {
  info: async (client) => client.info(),
  version: async (client) => client.version(),
  containers: async (client) => client.containers(),
  inspect: async (client) => client.inspect('0123456789ab', signal),
  networks: async (client) => client.networks(),
  network: async (client) => client.network('0123456789ab', true),
  services: async (client) => client.services(),
  watch: async (client) => client.watch({ onOpen: () => {}, onEvent: () => {} }, signal),
};

it('each call that is made of Docker is in the list, and the list has no other', async () => {
  const socket = path.join(mkdtempSync(path.join(tmpdir(), 'dockwall-calls-')), 'docker.sock');
  const asked: string[] = [];
  const engine = createServer(({ method = '', url = '' }, response) => {
    asked.push(`${method} ${url}`);
    response.writeHead(200, { 'api-version': '1.44', 'content-type': 'application/json' });
    response.end('[]');
  });
  await new Promise<void>((done) => engine.listen(socket, done));
  vi.stubEnv('DOCKER_HOST', `unix://${socket}`);
  const client = await connectDocker();
  for (const make of Object.values(making)) await make(client).catch(() => {});
  engine.close();
  engine.closeAllConnections();
  const made = asked.map((one) => callOf(...(one.split(' ') as [string, string])));
  expect(asked.filter((_, index) => made[index] === undefined)).toEqual([]);
  expect(new Set(made)).toEqual(new Set(Object.values(calls)));
});

it.each([
  ['POST', '/containers/json'],
  ['GET', '/containers/0123456789ab/logs'],
  ['GET', '/v1.44/secrets'],
  ['GET', '/containers/0123456789ab/json/more'],
  ['HEAD', '/_ping'],
])('%s %s is none of them', (method, url) => {
  expect(callOf(method, url)).toBeUndefined();
});

it('docs/security.md has the same list', () => {
  const text = readFileSync(new URL('../../../docs/security.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `GET (\S+)` \| `(\w+)=1` \|/gm)].map(([, path, variable]) => [
    path,
    variable,
  ]);
  expect(rows).toEqual(Object.values(calls).map((call) => [call.path, call.variable]));
});
