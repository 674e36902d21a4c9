import { describe, expect, it } from 'vitest';
import { parseListeners } from '../../../src/host/listeners.ts';
import { HeldPorts } from '../../../src/reconciler/held-ports.ts';

const tcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1
   1: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1
   2: 0A0200C0:01BB 14007BCB:D431 01 00000000:00000000 00:00000000 00000000     0        0 1
`;
const tcp6 = `  sl  local_address                         remote_address                        st tx_queue
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000
`;
const udp = `   sl  local_address rem_address   st tx_queue rx_queue
  100: 00000000:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0
  101: 0A0200C0:CA6C 14007BCB:0035 01 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0
  102: 00000000:CA6D 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0
`;

describe('parseListeners', () => {
  it('finds listening TCP and unconnected UDP sockets of both families', () => {
    expect(parseListeners({ tcp: [tcp, tcp6], udp: [udp, ''] })).toEqual([
      { protocol: 'tcp', port: 22 },
      { protocol: 'tcp', port: 80 },
      { protocol: 'tcp', port: 5432 },
      { protocol: 'udp', port: 53 },
      { protocol: 'udp', port: 51_821 },
    ]);
  });

  it('makes nothing of garbage', () => {
    expect(parseListeners({ tcp: ['', 'x\n0: zz'], udp: ['sl'] })).toEqual([]);
  });
});

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
