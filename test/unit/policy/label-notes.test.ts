import { expect, it } from 'vitest';
import { labelNotes } from '../../../src/decide/policy/label-notes.ts';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import { cidr, makeConfig, makeContainer, makeInventory, ports } from './inventories.ts';

it('a network that is written with one of its addresses is opened whole, which is worth a note', () => {
  const web = makeContainer('web', {
    labels: { 'dockwall.allow': '203.0.113.20/24, 198.51.100.0/24', 'dockwall.deny': '2001:db8::7/64' },
    ports: ports('80:80', '443:443'),
  });
  const policy = resolve(makeInventory([web]), makeConfig());
  expect(policy.problems).toEqual([]);
  expect(labelNotes(policy)).toEqual([
    'web: dockwall.allow: `203.0.113.20/24` is all of `203.0.113.0/24`: write that, or `203.0.113.20` for the one address',
    'web: dockwall.deny: `2001:db8::7/64` is all of `2001:db8::/64`: write that, or `2001:db8::7` for the one address',
  ]);
});

it('a wish that counts at the address of the container only is worth the same note', () => {
  const routed = { id: 'n', name: 'n', driver: 'bridge', bridge: 'br-n', routed: [4 as const] };
  const claims = ['other', 'web'].map((name, index) =>
    makeContainer(name, {
      labels: name === 'web' ? { 'dockwall.allow': '203.0.113.20/24' } : {},
      ports: ports('192.0.2.1:80:80'),
      active: name !== 'web',
      endpoints: [{ networkId: 'n', address: cidr(`172.18.0.${index + 2}`) }],
    }),
  );
  expect(labelNotes(resolve(makeInventory(claims, { networks: [routed] }), makeConfig()))).toEqual([
    expect.stringMatching(/^web: dockwall.allow: /),
  ]);
});
