import { expect, it } from 'vitest';
import { watchLinks } from '../../../src/daemon/link-watch.ts';
import { FakeClock, settle } from './fake-clock.ts';

it('another interface is told within half a second, and once', async () => {
  const clock = new FakeClock();
  let names = 'eth0 lo';
  const told: number[] = [];
  const end = watchLinks({ clock, read: async () => names, onChange: () => told.push(clock.now()) });
  await settle();
  await clock.advance(5000);
  expect(told).toEqual([]);
  names = 'br-lan eth0 lo';
  await clock.advance(2000);
  expect(told).toEqual([5500]);
  names = 'eth0 lo';
  await clock.advance(500);
  expect(told).toEqual([5500, 7500]);
  end();
  names = '';
  await clock.advance(5000);
  expect(told).toHaveLength(2);
});
