import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../../src/reach/config/load.ts';
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

const rights = (service: Readonly<Record<string, unknown>> | undefined): unknown => {
  const { cap_drop, cap_add, read_only, privileged } = service ?? {};
  return { cap_drop, cap_add, read_only, privileged };
};

it('the stack and the playbook give the sidecar the same rights, and one configuration that is good', () => {
  const sidecar = hardened.services['dockwall'];
  expect(rights(read('docs/recipes/swarm.stack.yml').services['dockwall'])).toEqual(rights(sidecar));
  const [play] = read('docs/recipes/ansible.yml') as unknown as {
    tasks: Record<string, { content?: string } | undefined>[];
  }[];
  const content = play?.tasks.map((task) => task['ansible.builtin.copy']?.content).find(Boolean) ?? '';
  const { dockwall } = (parse(content.replace(/\{\{.*\}\}/, 'dockwall:latest')) as Compose).services;
  const { build: _build, environment: _environment, volumes, ...rest } = sidecar ?? {};
  expect(dockwall).toEqual({ ...rest, volumes: [...(volumes as string[]), './etc:/etc/dockwall:ro'] });
  const file = 'docs/recipes/swarm/dockwall.yml';
  const text = readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');
  expect(loadConfig({ file: { path: file, text }, env: {} })).toMatchObject({ ok: true, warnings: [] });
});
