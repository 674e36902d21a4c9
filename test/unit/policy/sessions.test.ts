import { expect, it } from 'vitest';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import { sessionPorts } from '../../../src/decide/policy/sessions.ts';
import { readBlocked } from '../../../src/decide/wall/blocked.ts';
import { makeConfig, makeContainer, makeInventory, ports } from './inventories.ts';

// A claim to a port that a service of the host holds has lapsed: nobody's sessions there are looked at, and who was turned away there was not
// turned away from that container.

const policy = resolve(
  {
    ...makeInventory([
      makeContainer('web', { ports: ports('8080:80') }),
      makeContainer('grabs', { ports: ports('22:22'), active: false }),
    ]),
    hostListeners: [{ family: 4, address: 'any', protocol: 'tcp', port: 22 }],
  },
  makeConfig(),
);

it('a lapsed claim has no sessions', () => {
  expect([...sessionPorts(policy)]).toEqual([8080]);
});

it('and turned nobody away', () => {
  const members = new Map([
    ['203.0.113.9,tcp:22', 60],
    ['203.0.113.9,tcp:8080', 60],
  ]);
  const found = readBlocked(policy, [{ name: 'dockwall4-turned-away-last', members }]);
  expect(found.map(({ port, services }) => [port, services])).toEqual([
    [22, []],
    [8080, ['web']],
  ]);
});
