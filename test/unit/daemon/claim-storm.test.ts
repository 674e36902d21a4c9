import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { AdoptedPorts } from '../../../src/daemon/adopted-ports.ts';
import type { HostPortRun } from '../../../src/decide/inventory/host-port.ts';
import { families } from '../../../src/decide/net/network.ts';
import { ssh } from './guard-bench.ts';

// Somebody makes and removes containers with very many ports, as fast as Docker can: what one event costs does not depend on those before.

const events = 1000;
/** All events, ms of processor time; and what the book may have grown by. */
const timeLimit = 20_000;
const sizeLimit = 24 * 1024 * 1024;

const wide = (from: number, count: number): readonly HostPortRun[] =>
  families.map((family) => ({
    family,
    address: 'any',
    protocol: 'tcp',
    hostPort: from,
    containerPort: from,
    count,
  }));
const every = (step: number, from: number, address: HostPortRun['address'] = 'any'): readonly HostPortRun[] =>
  families.flatMap((family) =>
    Array.from({ length: 16_000 }, (_, index) => ({
      family,
      address,
      protocol: 'tcp' as const,
      hostPort: from + step * index,
      containerPort: from + step * index,
    })),
  );

/** Bytes in use, after what is garbage has gone. */
function inUse(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

describe('a storm of claims', () => {
  it.each<[string, (round: number) => readonly HostPortRun[]]>([
    ['a range of 32,000 ports', (round) => wide(1024 + round, 32_000)],
    ['16,000 ports, every second one', (round) => every(2, 1024 + (round % 2))],
    [
      '16,000 ports, on another address each time',
      (round) => every(2, 1024, `192.0.2.${round}` as HostPortRun['address']),
    ],
  ])(
    '%s',
    (_, claimsOf) => {
      const kinds = Array.from({ length: 40 }, (_none, round) => claimsOf(round));
      const book = new AdoptedPorts(32_768);
      book.begin([ssh], { standing: false, known: new Set(), firm: new Set() });
      book.judged(book.due(0), 0);
      const before = inUse();
      const from = process.cpuUsage();
      let done = 0;
      for (; done < events && process.cpuUsage(from).user < 1000 * timeLimit; done += 1) {
        const now = 30 * done;
        book.claim(kinds[done % kinds.length] ?? [], now);
        book.look([ssh], now + 1);
        if (done % 30 === 0) book.publish({ held: kinds[0] ?? [], all: kinds[0] ?? [] }, now + 2);
      }
      expect(done).toBe(events);
      expect(inUse() - before).toBeLessThan(sizeLimit);
      expect(book.ports().map(({ port }) => port)).toEqual([22]);
    },
    120_000,
  );
});
