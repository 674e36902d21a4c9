import { describe, expect, it } from 'vitest';
import { listenersOf, parseSockets, placesOf } from '../../../src/reach/host/listeners.ts';

const tcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 101 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000   113        0 102 1 0000000000000000 100 0 0 10 0
   2: 0A0200C0:01BB 14007BCB:D431 01 00000000:00000000 00:00000000 00000000     0        0 103 1 0000000000000000 20 4 30 10 -1
`;
const tcp6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 104 1 0000000000000000 100 0 0 10 0
   1: 00000000000000000000000001000000:0277 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 105 1 0000000000000000 100 0 0 10 0
`;
const udp = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  100: 00000000:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 106 2 0000000000000000 0
  101: 0A0200C0:CA6C 14007BCB:0035 01 00000000:00000000 00:00000000 00000000     0        0 107 2 0000000000000000 0
  102: 00000000:CA6D 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 108 2 0000000000000000 0
`;

const text = (tables: Parameters<typeof parseSockets>[0]): readonly string[] =>
  parseSockets(tables).map(
    ({ protocol, port, inode, uid, loopback }) =>
      `${protocol}:${port} #${inode} of ${uid}${loopback ? ', loopback' : ''}`,
  );

describe('parseSockets', () => {
  it('finds listening TCP and unconnected UDP sockets of both families, and whose they are', () => {
    expect(text({ tcp: [tcp, tcp6], udp: [udp, ''], sctp: '' })).toEqual([
      'tcp:22 #101 of 0',
      'tcp:5432 #102 of 113, loopback',
      'tcp:80 #104 of 1000',
      'tcp:631 #105 of 0, loopback',
      'udp:53 #106 of 0',
      'udp:51821 #108 of 101',
    ]);
  });

  it.each([
    ['0200000A:0016', 'LE', 'v4 10.0.0.2'],
    ['0A000002:0016', 'BE', 'v4 10.0.0.2'],
    ['00000000:0016', 'LE', 'v4 any'],
    ['0000000000000000FFFF00000200000A:0016', 'LE', 'v4 10.0.0.2'],
    ['0000000000000000FFFF000000000000:0016', 'LE', 'v4 any'],
    ['B80D0120000000000000000001000000:0016', 'LE', 'v6 2001:db8::1'],
    ['20010DB8000000000000000000000001:0016', 'BE', 'v6 2001:db8::1'],
    ['00000000000000000000000000000001:0016', 'BE', 'v6 ::1 lo'],
    ['0000000000000000FFFF00000100007F:0016', 'LE', 'v4 127.0.0.1 lo'],
    ['00000000000000000000000000000000:0016', 'LE', 'v6 any, v4 any'],
  ] as const)('knows where a socket waits: %s, %s', (local, order, expected) => {
    const table = `   0: ${local} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 101 1`;
    const found = parseSockets({ tcp: [table], udp: [], sctp: '' }, order).map((socket) =>
      placesOf(socket)
        .map(({ family, address }) => `v${family} ${address}${socket.loopback ? ' lo' : ''}`)
        .join(', '),
    );
    expect(found).toEqual([expected]);
  });

  it('makes nothing of garbage', () => {
    const tables = { tcp: ['', 'x\n0: zz', ' 0A \n 1: 00000000:0016 0A'], udp: ['sl'], sctp: 'a b 10 10' };
    expect(text(tables)).toEqual([]);
  });

  it('finds listening SCTP endpoints', () => {
    const sctp = ` ENDPT     SOCK   STY SST HBKT LPORT   UID INODE LADDRS
       0        0 2   10  38   3868      0 19045 0.0.0.0\u0020
       0        0 0   10  39   9999   1000 19046 127.0.0.1\u0020
       0        0 2   10  40   2905      0 19047 *192.0.2.10 2001:0db8:0001:0000:0000:0000:0000:0010\u0020
       0        0 2   10  41   2906      0 19048 *0000:0000:0000:0000:0000:0000:0000:0001\u0020
       0        0 2   7   42   2907      0 19049 0.0.0.0\u0020
`;
    expect(text({ tcp: [''], udp: [''], sctp })).toEqual([
      'sctp:3868 #19045 of 0',
      'sctp:9999 #19046 of 1000, loopback',
      'sctp:2905 #19047 of 0',
      'sctp:2906 #19048 of 0, loopback',
    ]);
  });
});

describe('listenersOf', () => {
  it('says each port once, in order', () => {
    const sockets = parseSockets({ tcp: [tcp6, tcp, tcp], udp: [udp], sctp: '' });
    expect(listenersOf(sockets).map(({ protocol, port }) => `${protocol}:${port}`)).toEqual([
      'tcp:22',
      'tcp:80',
      'tcp:631',
      'tcp:5432',
      'udp:53',
      'udp:51821',
    ]);
  });
});
