import { decideOn, dimensions } from '../unit/daemon/heavy.ts';
import { type Case, took } from './case.ts';

// How long a pass thinks when somebody asks for a hundred times as much: linear or better, whatever it is that he asks for.

/** A hundred times as much, and half of it again for what the machine does meanwhile. */
const promise = { times: 150 };

export const boundedCases: readonly (() => Case)[] = Object.entries(dimensions).map(
  ([name, { n, make }]) =>
    () => {
      const [few, many] = [make(n), make(100 * n)];
      return {
        name: `deciding on ${100 * n} ${name}`,
        against: `on ${n}`,
        unit: 'ms',
        rounds: 7,
        promise,
        ours: async () => took(async () => decideOn(many)),
        theirs: async () => took(async () => decideOn(few)),
      };
    },
);
