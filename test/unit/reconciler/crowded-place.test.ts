import { describe, expect, it } from 'vitest';
import type { HostSocket } from '../../../src/host/listeners.ts';
import { AdoptedPorts } from '../../../src/reconciler/adopted-ports.ts';

// Whoever has a container on the host's network may put very many sockets on one port (SO_REUSEADDR, SO_REUSEPORT): linear work.

const sockets = (uid: number): readonly HostSocket[] =>
  Array.from({ length: 20_000 }, (_, inode) => ({
    family: 6,
    address: 'any',
    protocol: 'udp',
    port: 5353,
    inode: inode + 1,
    uid,
    loopback: false,
  }));

describe('very many sockets on one port', () => {
  it.each([
    ["root's", 0],
    ["a user's", 1000],
  ])(
    '%s',
    (_, uid) => {
      const all = sockets(uid);
      const book = new AdoptedPorts(32_768);
      const from = process.cpuUsage();
      book.begin([], { standing: true, known: new Set(), firm: new Set() });
      book.look(all, 0);
      book.look(all, 500);
      book.judged(book.due(1000), 1000);
      new AdoptedPorts(32_768).begin(all, { standing: false, known: new Set(), firm: new Set() });
      // 0.4 s; where the work of each socket grows with the number of them, a minute and more
      expect(process.cpuUsage(from).user / 1000).toBeLessThan(8000);
      expect(book.ports().map(({ family, port }) => `${family} ${port}`)).toEqual(['6 5353', '4 5353']);
    },
    240_000,
  );
});
