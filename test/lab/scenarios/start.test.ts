import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inCampaign } from '../campaign/record.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { record } from './record.ts';
import { Stage } from './stage.ts';
import { measureStart } from './start-latency.ts';

// How long after a container's start event a stranger gets in where everybody may, with dockwall and without.

/** Of each kind. How much later it may be is the campaign's to say, from all setups together: so few tell little. */
const starts = 5;

describe.skipIf(skipWithoutLab()).each(engines('nft'))('a public port answers, Docker $title', (setup) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    await stage.guard();
  });
  afterAll(async () => stage.close());

  it.runIf(inCampaign)('start: a public port answers a stranger', async () => {
    const samples = await measureStart(stage, starts);
    for (const { family, guarded, ms } of samples) {
      record(stage, guarded ? `start latency ${family}` : `start latency ${family} without dockwall`, ms);
    }
    expect(samples).toHaveLength(2 * starts * stage.served(80).length);
  });
});
