import { expect, test } from 'vitest';
import { isMeantForUs } from '../../../src/decide/inventory/label-key.ts';

test.each([
  'dockwall.public',
  'Dockwall.Public',
  'dockwall',
  'dockwall.pubic',
  'dockwal.public',
  'dockwall_public',
  'dockwall-allow-80',
  'dock-wall.deny',
  'docwkall.allow.ssh',
])('%s is meant for dockwall', (key) => {
  expect(isMeantForUs(key)).toBe(true);
});

test.each([
  'firewall.ports',
  'docker.public',
  'traefik.http.routers.web.rule',
  'com.docker.compose.service',
  'org.opencontainers.image.description',
  'dockwal.version',
  'public',
  '',
])('%s is not', (key) => {
  expect(isMeantForUs(key)).toBe(false);
});
