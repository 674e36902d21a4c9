import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { skipWithoutChromium, startChromium } from './chromium.ts';
import { ten } from './scenes.ts';
import { PageStage } from './stage.ts';
import { openPage } from './visit.ts';

const picture = fileURLToPath(new URL('../../docs/page.png', import.meta.url));
const readme = new URL('../../README.md', import.meta.url);

it.skipIf(skipWithoutChromium())('the picture in the README (npm run screenshot writes it)', async () => {
  const browser = await startChromium();
  const stage = await PageStage.open({ inventory: ten.inventory, config: ten.config });
  const { page, complaints } = await openPage(browser, stage.url, { viewport: { width: 980, height: 900 } });
  const map = await page.locator('.map').boundingBox();
  const clip = { x: 0, y: 0, width: 980, height: Math.ceil((map?.y ?? 0) + (map?.height ?? 0) + 32) };
  const update = process.env['UPDATE_DOCS'] === '1' ? { path: picture } : {};
  const taken = await page.screenshot({ clip, fullPage: true, ...update });
  await stage.close();
  await browser.close();
  expect(complaints).toEqual([]);
  expect(taken.byteLength).toBeLessThan(150_000);
  expect((await stat(picture)).size).toBeLessThan(150_000);
  expect(await readFile(readme, 'utf8')).toContain('(docs/page.png)');
});
