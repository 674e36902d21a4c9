import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createKernel } from '../../../src/reach/kernel/kernel.ts';
import { canTestRealKernel, reapNamespaces } from '../namespace.ts';
import { steadySeed } from '../oracle-worlds.ts';
import { realWorld } from '../world.ts';
import { snapshotOf } from './docker.ts';
import { excuses } from './excuses.ts';
import { hostiles, kinds, type Kind } from './hostile.ts';
import { invade } from './invade.ts';
import { decideOn } from './moment.ts';
import { interference, stageOf, story, Tally } from './tried.ts';
import { inForce, worlds } from './world.ts';

// The rule of docs/security.md: whatever another owner adds, every port of everybody else is open and closed to the same sources as
// before, but for the exceptions that are named there. From Docker's JSON to what the rules do with a packet.
//
// What it finds when a remedy is taken out again: a bridge's name believed (bridges), sets called by 6 digits of a hash (names), an
// opening or a closing by declaration alone (declared), the claims of who does not run (claims, starting), an answer that stops all passes (odd).

const seed = steadySeed();
/** In CI ten thousand; at home as many as one waits for. */
const worldsInAll = Number(process.env['NONINT_WORLDS'] ?? (process.env['CI'] === 'true' ? 10_000 : 2000));
/** A world of others is decided on once, and invaded so many times, each time from the same state: half as many on an average. */
const invasions = 20;
const all = new Tally();

/** Worlds for each kind alone, and as many for all of them together. */
async function tryThem(from: readonly Kind[]): Promise<Tally> {
  const tally = new Tally();
  await fc.assert(
    fc.asyncProperty(
      worlds,
      fc.array(fc.tuple(hostiles(from), fc.nat(1000)), { minLength: 1, maxLength: invasions, size: 'max' }),
      async (world, list) => {
        const stage = await stageOf(world);
        for (const [objects, offset] of list) {
          const wrong = await interference(stage, objects, { offset, tally });
          if (wrong.length > 0) throw new Error(story(world, objects, wrong));
        }
      },
    ),
    { seed, numRuns: Math.ceil((2 * worldsInAll) / invasions / (kinds.length + 1)) },
  );
  all.take(tally);
  return tally;
}

describe('whatever another owner adds, others’ ports are open and closed to the same as before', () => {
  test.each(kinds)('%s', { timeout: 300_000 }, async (kind) => {
    const tally = await tryThem([kind]);
    expect(tally.plain).toBeGreaterThan(0);
  });

  test('all of them together', { timeout: 300_000 }, async () => {
    await tryThem(kinds);
    console.info(all.text());
    // nothing was left out, and not everything excused
    expect([...all.kinds.keys()].sort()).toEqual([...kinds].sort());
    expect(all.plain).toBeGreaterThan(all.worlds / 4);
    expect(all.worlds).toBeGreaterThan(worldsInAll * 0.6);
    if (worldsInAll >= 10_000) expect([...all.excused.keys()].sort()).toEqual([...excuses].sort());
  });
});

const real = canTestRealKernel();
if (real) reapNamespaces();

// Whether the real kernel takes what was written, and holds what was meant. Whether it then does with packets what the fake does is
// held elsewhere (the kernel's contract, and the oracle in the lab).
test.skipIf(!real)('the real kernel takes it, and nothing is left to do', { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(worlds, hostiles(kinds), async (world, objects) => {
      const place = realWorld();
      try {
        const kernel = createKernel(place.run, { readFile: place.readFile });
        const invaded = { ...invade(world, objects), listens: world.listens };
        for (const { docker, interfaces, listens } of [world, invaded]) {
          const snapshot = await snapshotOf(docker);
          const decide = async (): Promise<ReturnType<typeof decideOn>> =>
            decideOn(
              snapshot,
              { interfaces, listens },
              { observed: await kernel.observe(), inForce: inForce(world) },
            );
          await kernel.apply((await decide()).plan);
          expect((await decide()).plan).toEqual({ sets: [], tables: [], destroy: [] });
        }
      } finally {
        place.close();
      }
    }),
    // each costs a second, and the smallest case is the fake's to find
    { seed, numRuns: 40, endOnFailure: true },
  );
});
