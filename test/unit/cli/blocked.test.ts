import { mkdtempSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import { readBlocked } from '../../../src/decide/wall/blocked.ts';
import { blockedJson, blockedText } from '../../../src/faces/cli/blocked.ts';
import { readShown, writeShown } from '../../../src/faces/cli/shown-list.ts';
import { makeConfig, makeContainer, makeInventory, ports } from '../policy/inventories.ts';

const day = 86_400;
const policy = resolve(
  makeInventory([
    makeContainer('wiki', { ports: ports('8080:80') }),
    makeContainer('old-wiki', { ports: ports('8080:80'), active: false }),
  ]),
  makeConfig(),
);

const sets = [
  {
    name: 'dockwall4-turned-away',
    members: new Map([
      ['203.0.113.9,tcp:8080', day - 600],
      // evicted from the other set
      ['203.0.113.10,tcp:8080', day - 5],
    ]),
    packets: new Map([['203.0.113.9,tcp:8080', 31]]),
  },
  {
    name: 'dockwall4-turned-away-last',
    members: new Map([
      ['203.0.113.9,tcp:8080', day - 12],
      ['198.51.100.4,udp:53', day - 7200],
    ]),
  },
  { name: 'dockwall6-turned-away-last', members: new Map([['2001:db8::7,tcp:8080', day]]) },
];

const unheard = { name: 'dockwall4-unheard-last', members: new Map([['192.0.2.50,udp:1901', day - 3]]) };

describe('blocked', () => {
  const found = readBlocked(policy, sets);

  it('lists who was turned away, the latest first, with the container that runs', () => {
    expect(found).toEqual([
      {
        source: '2001:db8::7',
        protocol: 'tcp',
        port: 8080,
        services: ['wiki'],
        by: 'gate',
        packets: 1,
        firstSeen: 0,
        lastSeen: 0,
      },
      {
        source: '203.0.113.9',
        protocol: 'tcp',
        port: 8080,
        services: ['wiki'],
        by: 'gate',
        packets: 31,
        firstSeen: 600,
        lastSeen: 12,
      },
      {
        source: '198.51.100.4',
        protocol: 'udp',
        port: 53,
        services: [],
        by: 'gate',
        packets: 1,
        firstSeen: 7200,
        lastSeen: 7200,
      },
    ]);
  });

  it('is a table for people', () => {
    expect(blockedText(found.slice(0, 2), 1).split('\n')).toEqual([
      'N  SOURCE       PORT      SERVICE  PACKETS  LAST SEEN',
      '1  2001:db8::7  8080/tcp  wiki     1        now',
      '2  203.0.113.9  8080/tcp  wiki     31       12 s ago',
      'and 1 more: dockwall blocked --all',
      'To let one in for a while: dockwall blocked --grant N GROUP 2h',
    ]);
    expect(blockedText(readBlocked(policy, [unheard]), 0).split('\n')).toEqual([
      'N  SOURCE      PORT      SERVICE  PACKETS  LAST SEEN',
      '1  192.0.2.50  1901/udp  (guard)  1        3 s ago',
      '(guard): no container publishes the port, and no service of the host is known to have it',
      'To let one in for a while: dockwall blocked --grant N GROUP 2h',
    ]);
    expect(blockedText([], 0)).toBe('Nobody was turned away in the last 24 hours.');
  });

  it('has dates for programs', () => {
    const now = Date.parse('2026-11-25T12:00:00Z');
    expect(blockedJson(found.slice(1, 2), true, now)).toEqual({
      version: 1,
      kept: true,
      blocked: [
        {
          source: '203.0.113.9',
          protocol: 'tcp',
          port: 8080,
          services: ['wiki'],
          by: 'gate',
          packets: 31,
          firstSeen: '2026-11-25T11:50:00.000Z',
          lastSeen: '2026-11-25T11:59:48.000Z',
        },
      ],
    });
  });

  it('remembers the list that was shown, for a while and for its owner only', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'dockwall-blocked-'));
    expect(await readShown(folder, Date.now())).toBeUndefined();
    await writeShown(folder, found);
    expect(await readShown(folder, Date.now())).toEqual(['2001:db8::7', '203.0.113.9', '198.51.100.4']);
    expect(statSync(path.join(folder, 'blocked-shown.json')).mode & 0o777).toBe(0o600);
    expect(await readShown(folder, Date.now() + 3_600_000)).toBeUndefined();
    await writeShown(folder, []);
    expect(readdirSync(folder)).toEqual([]);
  });
});
