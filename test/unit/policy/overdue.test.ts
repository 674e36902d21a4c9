import { expect, it } from 'vitest';
import type { Snapshot } from '../../../src/decide/inventory/docker-json.ts';
import { readInventory } from '../../../src/decide/inventory/read-inventory.ts';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import { loadConfig } from '../../../src/reach/config/load.ts';

const labels = { 'dockwall.public': '*', 'dockwall.ports': '8123/tcp' };
const declares = {
  Id: 'd',
  Names: ['/d'],
  Labels: labels,
  State: 'running',
  HostConfig: { NetworkMode: 'host' },
};
const hangs = { Id: 'h', Names: ['/h'], Labels: {}, State: 'created', HostConfig: { NetworkMode: 'bridge' } };

/** Whether the port that is only declared is open beside a start that hangs, whose ports Docker has never told. */
function isOpen({ overdue, address }: { readonly overdue: boolean; readonly address: boolean }): boolean {
  const config = loadConfig({ env: {} });
  if (!config.ok) throw new Error('bad configuration');
  const Containers = address ? { h: { IPv4Address: '172.17.0.2/16' } } : {};
  const snapshot: Snapshot = {
    containers: [declares, hangs],
    details: new Map([['d', { Id: 'd', HostConfig: { NetworkMode: 'host' } }]]),
    networks: [{ Id: 'n', Name: 'bridge', Driver: 'bridge', Containers }],
    overdue: new Set(overdue ? ['h'] : []),
  };
  const { services } = resolve(readInventory(snapshot, { interfaces: [], listeners: [] }), config.config);
  const ports = services.flatMap((service) => (service.name === 'd' ? service.ports : []));
  expect(ports.length).toBeGreaterThan(0);
  return ports.every(({ reach }) => reach.everyone !== undefined);
}

it('a start that hangs closes declared ports of others for half a minute, and after that while it has an address', () => {
  expect(isOpen({ overdue: false, address: false })).toBe(false);
  expect(isOpen({ overdue: true, address: true })).toBe(false);
  expect(isOpen({ overdue: true, address: false })).toBe(true);
});
