import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { skipWithoutChromium, startChromium } from './chromium.ts';
import { crowded, hostile, many, ten, three } from './scenes.ts';
import { PageStage, type Scene } from './stage.ts';
import { openPage } from './visit.ts';

// How the page looks, to eyes and to axe. DOCKWALL_PAGE_SHOTS=FOLDER also writes each look there, for people.

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const shots = process.env['DOCKWALL_PAGE_SHOTS'];
const looks = [
  { width: 1200, colorScheme: 'light' },
  { width: 380, colorScheme: 'dark' },
  { width: 1200, colorScheme: 'dark' },
  { width: 380, colorScheme: 'light' },
  { width: 780, colorScheme: 'light' },
] as const;

/** The large ones in two looks only: axe takes its time, and what is on them is on the others. */
const scenes: readonly (readonly [string, Scene, readonly (typeof looks)[number][]])[] = [
  ['three services', three, looks],
  ['ten services', ten, looks],
  ['fifty services', many(50), looks.slice(0, 2)],
  ['two hundred services and all that can be wrong', crowded, looks.slice(0, 2)],
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
      // nothing sticks out of the screen, or out of what it stands in
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      await page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)");
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      expect(await page.evaluate(clipped)).toEqual([]);
      expect(complaints).toEqual([]);
      await close();
    });
  });

  it('says first what is wrong, and what is alike once', async () => {
    const stage = await PageStage.open(crowded);
    const { page, close } = await openPage(browser, stage.url, { viewport: { width: 1280, height: 900 } });
    const lines = await page.locator('.trouble li').allInnerTexts();
    const of = (part: string): readonly string[] => lines.filter((line) => line.includes(part));
    expect(of('no group is named')).toHaveLength(1);
    expect(of('no group is named')[0]).toMatch(/^\S+, \S+, \S+ and 37 more: dockwall\.allow=ofice/);
    expect(of('Not protected')).toHaveLength(1);
    expect(of('lists.example.org')).toHaveLength(2);
    const titles = await page.locator('h2').allInnerTexts();
    expect(titles.slice(0, 2)).toEqual(['To look at', 'Turned away']);
    // projects in the order in which people count
    const groups = await page.locator('.group .title').allInnerTexts();
    const library = groups.filter((title) => title.startsWith('nextcloud'));
    expect(library.at(-1)).toBe('nextcloud-production-cluster-north-10');
    // the whole of a long name can be read
    await page.getByLabel('Find').fill('north-2-redis');
    await page.getByRole('button', { name: 'Find' }).click();
    const header = page.getByRole('rowheader', { name: 'redis-cache-for-sessions' }).first();
    expect((await header.innerText()).split('\n')[0]).toBe(
      'nextcloud-production-cluster-north-2-redis-cache-for-sessions-1',
    );
    // and what was looked for is seen at once
    expect(page.url()).toMatch(/#find$/);
    await close();
    await stage.close();
  });
});

/** What is wider than the box it stands in. */
const clipped = `[...document.querySelectorAll('main *')]
  .filter((one) => one.closest('svg, .skip, thead') === null && one.clientWidth > 0 && one.scrollWidth > one.clientWidth + 1)
  .map((one) => one.outerHTML.slice(0, 120))`;
