import { describe, expect, it } from 'vitest';
import type { PortStatus } from '../../../src/decide/report/status-services.ts';
import { type AccessMap, drawMap } from '../../../src/faces/web/access-map.ts';
import { layOut, type MapLayout, sizes } from '../../../src/faces/web/map-layout.ts';
import type { ServiceView, SourceView } from '../../../src/faces/web/page-model.ts';

const closed: PortStatus = {
  hostPort: '80',
  routed: false,
  containerPort: '80',
  protocol: 'tcp',
  families: [4, 6],
  held: true,
  reach: 'trusted',
  allow: [],
  deny: [],
  because: null,
  counts: null,
};

function service(
  name: string,
  ports: readonly Partial<PortStatus>[],
  unprotected: readonly string[] = [],
): ServiceView {
  return {
    id: name,
    name,
    project: null,
    entry: null,
    running: true,
    description: '',
    ports: ports.map((port) => ({ ...closed, ...port })),
    notProtected: unprotected,
  };
}

const sources: readonly SourceView[] = [
  { kind: 'trusted', name: 'trusted', who: '192.0.2.1' },
  { kind: 'denied', name: 'denied', who: 'bans' },
  { kind: 'group', name: 'office', who: '198.51.100.0/24' },
  { kind: 'group', name: 'bans', who: '3 networks' },
];

const open = { reach: 'everybody' } as const;
const some = (...allow: readonly string[]): Partial<PortStatus> => ({ reach: 'some', allow });

/** `trusted: wiki 80, db 5432` */
function lines({ sources: drawn }: AccessMap): readonly string[] {
  return drawn.map(
    ({ why, name, rows }) =>
      `${why} ${name}: ${rows.map((row) => `${row.service} ${row.ports.join('+')}`).join(', ')}`,
  );
}

describe('the map', () => {
  it('draws each source to what it reaches, and those who are denied to what they do not', () => {
    const map = drawMap({
      sources,
      services: [
        service('db', [{ hostPort: '5432' }]),
        service('wiki', [{ ...some('office', '203.0.113.7'), deny: ['198.51.100.66'] }]),
        service('proxy', [
          { ...open, hostPort: '80' },
          { ...open, hostPort: '443' },
          { hostPort: '81', ...some('office') },
        ]),
        service('tv', [], ['lan (macvlan)']),
        service('local', [{ reach: 'loopback' }, { reach: 'host-service' }]),
      ],
    });
    expect(lines(map)).toEqual([
      'public everybody: proxy 80+443',
      'trusted trusted: db 5432, wiki 80, proxy 81',
      'denied denied everywhere: db 5432, wiki 80, proxy 80+443, proxy 81',
      'group office: wiki 80, proxy 81',
      'address 203.0.113.7: wiki 80',
      'denied 198.51.100.66: wiki 80',
    ]);
    expect(map.sources.map(({ who }) => who)).toEqual(['', '192.0.2.1', 'bans', '198.51.100.0/24', '', '']);
    expect(map.services.map(({ name, rows }) => [name, ...rows.map(({ says }) => says.join(', '))])).toEqual([
      ['tv', 'not protected'],
      ['proxy', 'everybody', 'office'],
      ['wiki', 'office, 203.0.113.7'],
      ['db', 'trusted only'],
      ['local', 'this host only', 'a service of the host'],
    ]);
  });

  it('puts addresses with the same doors together, and no others', () => {
    const map = drawMap({
      sources,
      services: [
        service('a', [some('203.0.113.1', '203.0.113.2', '2001:db8::/64', 'office')]),
        service('b', [some('203.0.113.1', '203.0.113.2', '198.51.100.9')]),
      ],
    });
    expect(lines(map).slice(3)).toEqual([
      'address 2 addresses: a 80, b 80',
      'address 2001:db8::/64: a 80',
      'group office: a 80',
      'address 198.51.100.9: b 80',
    ]);
    expect(map.sources[3]?.who).toBe('203.0.113.1, 203.0.113.2');
  });

  it('shows everybody and the trusted also where they reach nothing', () => {
    expect(lines(drawMap({ sources: sources.slice(0, 1), services: [] }))).toEqual([
      'public everybody: ',
      'trusted trusted: ',
    ]);
  });
});

/** Whether boxes of this height with these middles lie below each other and inside. */
function fits(middles: readonly number[], box: number, height: number): boolean {
  const sorted = middles.toSorted((a, b) => a - b);
  const apart = sorted.every((y, index) => index === 0 || y - (sorted[index - 1] ?? 0) >= box);
  return apart && (sorted[0] ?? 0) >= box / 2 && (sorted.at(-1) ?? 0) <= height - box / 2;
}

describe('its layout', () => {
  const layoutOf = (count: number, peers: number): MapLayout =>
    layOut(
      drawMap({
        sources,
        services: Array.from({ length: count }, (_, index) =>
          service(`s${index}`, [some(`group${index % peers}`, 'office'), open].slice(0, 1 + (index % 2))),
        ),
      }),
    );

  it.each([
    [1, 1],
    [3, 2],
    [10, 5],
    [50, 3],
    [100, 60],
  ])('%d services, %d groups: nothing lies on anything else', (count, peers) => {
    const layout = layoutOf(count, peers);
    const ys = layout.sources.map(({ y }) => y);
    expect(fits(ys, sizes.sourceHeight, layout.height)).toBe(true);
    for (const [index, { top, height, rows }] of layout.services.entries()) {
      const next = layout.services[index + 1]?.top ?? layout.height;
      expect(top + height).toBeLessThanOrEqual(next);
      expect(rows.every(({ y }) => y > top && y < top + height)).toBe(true);
    }
  });

  it('lines end at the row that they are for, each at a place of its own', () => {
    const layout = layoutOf(10, 3);
    const byService = new Map(layout.services.map((placed) => [placed.service.id, placed]));
    const ends = layout.sources.flatMap(({ ends: all }) => all);
    for (const { to, y } of ends) {
      const placed = byService.get(to);
      expect(placed?.rows.some((row) => Math.abs(row.y - y) < sizes.rowHeight / 2)).toBe(true);
    }
    expect(new Set(ends.map(({ y }) => y)).size).toBe(ends.length);
  });

  it('is the same for the same page', () => {
    expect(layoutOf(50, 7)).toEqual(layoutOf(50, 7));
  });
});
