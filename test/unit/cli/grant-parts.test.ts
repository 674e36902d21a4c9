import { expect, it } from 'vitest';
import { requireSomebody, requireSource } from '../../../src/faces/cli/grant-parts.ts';

it.each(['0.0.0.0/0', '::/0', '0.0.0.0-255.255.255.255', '203.0.113.7/0'])(
  'everybody in other words cannot be trusted: %s',
  async (text) => {
    const source = await requireSource(text);
    expect(() => requireSomebody('trusted', source)).toThrow(
      /is everybody, and would open every published port/,
    );
    expect(() => requireSomebody('web', source)).not.toThrow();
  },
);

it('half of everybody is somebody', async () => {
  const source = await requireSource('128.0.0.0/1');
  expect(() => requireSomebody('trusted', source)).not.toThrow();
});
