import { describe, expect, it } from 'vitest';
import { HeldPorts } from '../../../src/reconciler/held-ports.ts';

describe('HeldPorts', () => {
  const web = { protocol: 'tcp', port: 80 } as const;
  it('believes a listener that was there at every look for 20 s', () => {
    const held = new HeldPorts();
    expect(held.update([web], 0)).toEqual([]);
    expect(held.update([web], 19_999)).toEqual([]);
    expect(held.update([web], 20_000)).toEqual([web]);
    expect(held.update([], 21_000)).toEqual([]);
    expect(held.update([web], 22_000)).toEqual([]);
  });

  it('never believes a UDP port that outgoing sockets use', () => {
    const held = new HeldPorts();
    held.update([{ protocol: 'udp', port: 40_000 }], 0);
    expect(held.update([{ protocol: 'udp', port: 40_000 }], 60_000)).toEqual([]);
  });
});
