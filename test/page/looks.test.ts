import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { skipWithoutChromium, startChromium } from './chromium.ts';
import { hostile, many, ten, three } from './scenes.ts';
import { PageStage, type Scene } from './stage.ts';
import { openPage } from './visit.ts';

// How the page looks, to eyes and to axe. DOCKWALL_PAGE_SHOTS=FOLDER also writes each look there, for people.

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const shots = process.env['DOCKWALL_PAGE_SHOTS'];
const looks = [
  { width: 1200, colorScheme: 'light' },
  { width: 400, colorScheme: 'dark' },
  { width: 1200, colorScheme: 'dark' },
  { width: 400, colorScheme: 'light' },
  { width: 780, colorScheme: 'light' },
] as const;

/** The large ones in two looks only: axe takes its time, and what is on them is on the others. */
const scenes: readonly (readonly [string, Scene, readonly (typeof looks)[number][]])[] = [
  ['three services', three, looks],
  ['ten services', ten, looks],
  ['fifty services', many(50), looks.slice(0, 2)],
  ['hostile texts', hostile, looks.slice(0, 2)],
];

describe.skipIf(skipWithoutChromium())('the page as it looks', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await startChromium();
  });
  afterAll(async () => browser.close());

  describe.each(scenes)('%s', (name, scene, seen) => {
    let stage: PageStage;

    beforeAll(async () => {
      stage = await PageStage.open(scene, async () => ({
        kind: 'answer',
        told: { blocks: [], hints: [] },
        json: {},
      }));
    });
    afterAll(async () => stage.close());

    it.each(seen)('axe finds nothing, $width px, $colorScheme', async ({ width, colorScheme }) => {
      const { page, complaints, close } = await openPage(browser, stage.url, {
        viewport: { width, height: 900 },
        colorScheme,
      });
      if (shots !== undefined) {
        mkdirSync(shots, { recursive: true });
        await page.screenshot({ path: `${shots}/${name} ${width} ${colorScheme}.png`, fullPage: true });
      }
      await page.evaluate(axe);
      const found = await page.evaluate<AxeResults>('axe.run()');
      expect(found.violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)])).toEqual([]);
      // below 640 px the sources stand in the picture's place
      expect(await page.locator('.map').isVisible()).toBe(width >= 640);
      // nothing sticks out of the screen
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      expect(complaints).toEqual([]);
      await close();
    });
  });
});
