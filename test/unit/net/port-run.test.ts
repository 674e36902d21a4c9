import { describe, expect, it } from 'vitest';
import { cut, joinRuns, portAt, portText, type PortRun } from '../../../src/decide/net/port-run.ts';

const udp = { protocol: 'udp' } as const;
const row: PortRun & typeof udp = { ...udp, hostPort: 20_000, containerPort: 30_000, count: 1000 };
const choice: PortRun & typeof udp = { ...udp, hostPort: 8000, containerPort: 80, count: 11, oneOf: true };

describe('ports in a row', () => {
  it.each([
    [row, '20000-20999->30000-30999/udp'],
    [choice, '8000-8010->80/udp'],
    [{ ...udp, hostPort: 53, containerPort: 53 }, '53/udp'],
    [{ ...udp, hostPort: undefined, containerPort: 5000, count: 20 }, '5000-5019/udp'],
  ])('read %o as %s', (run, text) => {
    expect(portText(run)).toBe(text);
  });

  it('are cut into pieces that keep their container ports', () => {
    expect(cut(row, [-1, 0, 10, 10, 999, 1000]).map(portText)).toEqual([
      '20000-20009->30000-30009/udp',
      '20010-20998->30010-30998/udp',
      '20999->30999/udp',
    ]);
    expect(cut(choice, [1]).map(portText)).toEqual(['8000->80/udp', '8001-8010->80/udp']);
  });

  it('hold single ports', () => {
    expect(portAt(row, 'host', 20_500)).toMatchObject({ hostPort: 20_500, containerPort: 30_500 });
    expect(portAt(row, 'container', 30_999)).toMatchObject({ hostPort: 20_999, containerPort: 30_999 });
    expect(portAt(row, 'host', 21_000)).toBeUndefined();
    expect(portAt(choice, 'container', 80)).toBe(choice);
    expect(portAt(choice, 'host', 8003)).toMatchObject({ hostPort: 8003, containerPort: 80 });
  });

  it('are joined where both numbers go on, from sixteen on', () => {
    const single = (host: number, container: number): PortRun & typeof udp => ({
      ...udp,
      hostPort: host,
      containerPort: container,
    });
    const many = Array.from({ length: 20 }, (_, index) => single(1000 + index, 2000 + index));
    const ports = [...many.toReversed(), single(1020, 5000), single(5000, 80), single(5001, 81)];
    expect(joinRuns(ports, () => '').map(portText)).toEqual([
      '1000-1019->2000-2019/udp',
      '1020->5000/udp',
      '5000->80/udp',
      '5001->81/udp',
    ]);
  });
});
