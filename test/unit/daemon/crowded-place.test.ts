import { describe, expect, it } from 'vitest';
import { AdoptedPorts } from '../../../src/daemon/adopted-ports.ts';
import { PortTimes } from '../../../src/daemon/port-times.ts';
import { placeKey } from '../../../src/decide/inventory/host-port.ts';
import type { Cidr } from '../../../src/decide/net/network.ts';
import type { HostSocket } from '../../../src/reach/host/listeners.ts';

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

describe('very many addresses', () => {
  const v4 = (index: number): Cidr => `203.0.${index >> 8}.${index & 255}` as Cidr;
  const at = (address: HostSocket['address'], more: Partial<HostSocket> = {}): HostSocket => ({
    family: 4,
    address,
    protocol: 'tcp',
    port: 53,
    inode: 1,
    uid: 0,
    loopback: false,
    ...more,
  });
  const nobody = { standing: true, known: new Set<string>(), firm: new Set<string>() };

  it('that the host has not count as few, those known first; what is on its own counts all the same', () => {
    const book = new AdoptedPorts(32_768);
    book.begin([], nobody);
    const known = [at(v4(9999), { inode: 9, foreign: true })];
    book.look(known, 0);
    book.judged(book.due(1000), 1000);
    const crowd = Array.from({ length: 20_000 }, (_, index) =>
      at(v4(index), { inode: 100 + index, foreign: true }),
    );
    const own = at('192.0.2.1' as Cidr, { inode: 10 });
    for (const now of [2000, 3000]) book.look([...crowd, ...known, own], now);
    expect(book.due(3000).length).toBe(1024);
    book.judged(book.due(3000), 3000);
    const places = book.ports().map(({ address }) => address);
    expect(places.length).toBe(1025);
    expect(places).toContain(v4(9999));
    expect(places).toContain('192.0.2.1');
    // and the same ones stay
    book.look([...crowd.toReversed(), ...known, own], 4000);
    expect(book.ports().map(({ address }) => address)).toEqual(places);
    expect(book.due(9000)).toEqual([]);
  });

  it('that the host has not, known to an earlier process, are known first', () => {
    const book = new AdoptedPorts(32_768);
    const crowd = Array.from({ length: 3000 }, (_, index) => at(v4(index), { inode: index, foreign: true }));
    const key = placeKey(at(v4(2999)));
    book.begin(crowd, { standing: true, known: new Set([key]), firm: new Set() });
    expect(book.ports().map(placeKey)).toEqual([key]);
  });

  it('in claims cost a socket no more than one', () => {
    const times = new PortTimes(60_000);
    times.add(
      Array.from({ length: 2048 }, (_, index) => ({ ...at(v4(index)), hostPort: 53, containerPort: 53 })),
      7,
    );
    const from = process.cpuUsage();
    for (let round = 0; round < 50_000; round += 1) {
      times.last(at('any'));
      times.last(at(v4(round & 4095)));
    }
    // 0.1 s; where each address is walked, 4
    expect(process.cpuUsage(from).user / 1000).toBeLessThan(2000);
    expect(times.last(at('any'))).toBe(7);
    expect(times.last(at(v4(2047)))).toBe(7);
    expect(times.last(at(v4(2048)))).toBe(-Infinity);
    expect(times.last(at('any', { port: 54 }))).toBe(-Infinity);
  });
});
