import { expect, test } from 'vitest';
import { isOurs } from '../../../src/faces/web/host-header.ts';

const names = ['wall.example.org', 'nas'];

test.each([
  ['127.0.0.1:9117', '127.0.0.1', true],
  ['127.0.0.1', '127.0.0.1', true],
  ['[::1]:9117', '::1', true],
  ['localhost:9117', '127.0.0.1', true],
  ['LocalHost.:8080', '::1', true],
  ['wall.localhost', '127.0.0.1', true],
  ['wall.example.org', '192.0.2.1', true],
  ['WALL.example.org.:443', '192.0.2.1', true],
  ['nas', '192.0.2.1', true],
  // the address that it was sent to, as a socket for both families says it
  ['192.0.2.1:9117', '192.0.2.1', true],
  ['192.0.2.1:9117', '::ffff:192.0.2.1', true],
  ['[2001:DB8::1]:9117', '2001:db8::1', true],
  // somebody else's name or address
  ['evil.example', '127.0.0.1', false],
  ['localhost.evil.example', '127.0.0.1', false],
  ['evillocalhost', '127.0.0.1', false],
  ['wall.example.org.evil.example', '127.0.0.1', false],
  ['192.0.2.2:9117', '192.0.2.1', false],
  ['127.0.0.1.evil.example', '127.0.0.1', false],
  ['user@127.0.0.1', '127.0.0.1', false],
  ['2130706433', '127.0.0.1', false],
  ['::1', '::1', false],
  ['[localhost]', '127.0.0.1', false],
  ['127.0.0.1:9117, evil.example', '127.0.0.1', false],
  ['', '127.0.0.1', false],
  [undefined, '127.0.0.1', false],
])('%s at %s: %s', (host, address, ours) => {
  expect(isOurs({ host, address }, names)).toBe(ours);
});
