import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { calls } from '../../../src/reach/docker/calls.ts';

// The recipes that are compose.example.yml with fewer rights, and nothing else.

interface Compose {
  readonly services: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly volumes: unknown;
}

const read = (file: string): Compose =>
  parse(readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8')) as Compose;

const example = read('compose.example.yml');
const hardened = read('docs/recipes/hardened.compose.yml');
const proxied = read('docs/recipes/socket-proxy.compose.yml');

it('hardened.compose.yml is compose.example.yml but for the rights of the sidecar', () => {
  const { privileged, ...rest } = example.services['dockwall'] ?? {};
  expect(privileged).toBe(true);
  expect(hardened).toEqual({
    ...example,
    services: {
      ...example.services,
      dockwall: {
        ...rest,
        build: '../..',
        cap_drop: ['ALL'],
        cap_add: ['NET_ADMIN', 'NET_RAW'],
        security_opt: ['no-new-privileges:true'],
        read_only: true,
        tmpfs: ['/run'],
      },
    },
  });
});

it('socket-proxy.compose.yml is hardened.compose.yml but for the socket, which only the proxy sees', () => {
  const { 'socket-proxy': proxy, dockwall, ...others } = proxied.services;
  const { dockwall: direct, ...same } = hardened.services;
  expect(others).toEqual(same);
  const volumes = direct?.['volumes'] as readonly string[];
  const environment = direct?.['environment'] as object;
  expect(dockwall).toEqual({
    ...direct,
    volumes: volumes.filter((one) => !one.includes('docker.sock')),
    environment: { DOCKER_HOST: 'tcp://127.0.0.1:2375', ...environment },
  });
  const variables = Object.values(calls).map(({ variable }) => [variable, 1]);
  expect(proxy?.['environment']).toEqual(Object.fromEntries(variables));
  expect(proxy?.['ports']).toEqual(['127.0.0.1:2375:2375']);
});
