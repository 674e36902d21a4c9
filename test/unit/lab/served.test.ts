import { expect, it } from 'vitest';
import { expectServed } from '../../lab/prober.ts';

const target = { proto: 'tcp', ip: '192.0.2.10', port: 80 } as const;
const report = (opened: readonly number[], longestStall: number) => ({
  began: 0,
  duration: 3000,
  longestStall,
  targets: [{ target, attempts: 100, opened, refused: 0, unreachable: 0, timedOut: 0 }],
});

it('a client that is shut out for too long is told of, but for the time in which the prober did not run', () => {
  expect(() => expectServed(report([0, 1000, 2000, 3000], 0), 1500)).not.toThrow();
  expect(() => expectServed(report([0, 1600, 3000], 0), 1500)).toThrow(/nothing for 1600 ms/);
  expect(() => expectServed(report([0, 1600, 3000], 1590), 1500)).toThrow(/nothing for 1600 ms/);
  expect(() => expectServed(report([0, 1600, 3000], 1610), 1500)).not.toThrow();
});
