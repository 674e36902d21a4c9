import { expect, test } from 'vitest';
import type { SetChange } from '../../../../src/decide/diff/model.ts';
import { renderDestroys, renderSets } from '../../../../src/reach/kernel/ipset/render.ts';
import { createSets, sampleSets } from '../../../contract/samples.ts';

test('changes, a line each, in the order given', () => {
  const name = 'dockwall6-src' as never;
  expect(
    renderSets([
      { kind: 'discard-set', name },
      ...createSets(sampleSets(6)),
      { kind: 'add-member', set: name, member: '2001:db8::9', seconds: 60 },
      { kind: 'delete-member', set: name, member: '2001:db8::/32' },
      { kind: 'delete-member', set: name, member: '2001:db8::/32 nomatch' },
    ]),
  ).toBe(`destroy dockwall6-src
create dockwall6-src hash:net family inet6 maxelem 16777216 timeout 0
add dockwall6-src 2001:db8:1::/48
add dockwall6-src 2001:db8::7
create dockwall6-ports hash:net,port family inet6 maxelem 16777216
add dockwall6-ports 2001:db8::7,sctp:9
add dockwall6-ports 2001:db8::7,udp:53
add dockwall6-ports 8000::/1,tcp:443
create dockwall6-bound hash:ip,port,net family inet6 maxelem 16777216
add dockwall6-bound 2001:db8::7,tcp:443,2001:db8:1::/48
add dockwall6-bound 2001:db8::7,udp:53,8000::/1
add dockwall6-src 2001:db8::9 timeout 60
del dockwall6-src 2001:db8::/32
del dockwall6-src 2001:db8::/32 nomatch
`);
  expect(renderDestroys(['a', 'b'])).toBe('destroy a\ndestroy b\n');
  expect(renderSets([])).toBe('');
});

test.each<[string, SetChange]>([
  ['a member of two lines', { kind: 'add-member', set: 'a' as never, member: '10.0.0.1\ndestroy b' }],
  ['a member with options', { kind: 'add-member', set: 'a' as never, member: '10.0.0.1 timeout 5' }],
  ['a member that is an option', { kind: 'delete-member', set: 'a' as never, member: '-exist' }],
  ['no member', { kind: 'delete-member', set: 'a' as never, member: '' }],
  [
    'a time of 0, which would be for ever',
    { kind: 'add-member', set: 'a' as never, member: '10.0.0.1', seconds: 0 },
  ],
  ['a set with a blank', { kind: 'discard-set', name: 'a b' as never }],
  ['a set that is too long', { kind: 'discard-set', name: 'a'.repeat(32) as never }],
])('refuses %s', (_, change) => {
  expect(() => renderSets([change])).toThrow(TypeError);
});
