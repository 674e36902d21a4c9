import { expect, test } from 'vitest';
import { interfaceNotes } from '../../../src/decide/policy/interface-notes.ts';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import { makeConfig, makeContainer, makeInventory, peerList, ports } from './inventories.ts';

const here = ['lo', 'eth0', 'wg0', 'veth1234567'].map((name) => ({ name }));

test('an interface that is not there and almost called as one that is', () => {
  const labels = { 'dockwall.allow': 'interface:wgO,interface:tailscale0,interface:wg0' };
  const policy = resolve(
    makeInventory([makeContainer('web', { labels, ports: ports('80:80') })]),
    makeConfig({ trusted: { ...peerList([]), interfaces: ['etho'] }, interfaces: ['eth0', 'eth1'] }),
  );
  expect(interfaceNotes(policy, here)).toEqual([
    'this host has no interface eth1 now; it has eth0: is that meant?',
    'this host has no interface etho now; it has eth0: is that meant?',
    'this host has no interface wgO now; it has wg0: is that meant?',
  ]);
});
