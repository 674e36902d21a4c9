import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { skipWithoutChromium, startChromium } from './chromium.ts';
import { ten } from './scenes.ts';
import { PageStage } from './stage.ts';
import { openPage } from './visit.ts';

// axe looks at the colours of text only, and not inside a picture: WCAG 1.4.3 asks 4.5:1 of text, 1.4.11 3:1 of lines.

describe.skipIf(skipWithoutChromium())('colours of the map', () => {
  let browser: Browser;
  let stage: PageStage;

  beforeAll(async () => {
    browser = await startChromium();
    stage = await PageStage.open(ten);
  });
  afterAll(async () => {
    await stage.close();
    await browser.close();
  });

  it.each(['light', 'dark'] as const)('%s', async (colorScheme) => {
    const { page, close } = await openPage(browser, stage.url, { colorScheme });
    const found = await page.evaluate<readonly (readonly [string, string, string, number])[]>(colours);
    expect(found.length).toBeGreaterThan(50);
    const weak = found.filter(([, front, back, least]) => contrast(front, back) < least);
    expect(weak).toEqual([]);
    await close();
  });
});

/** What, its colour, the colour behind it, and the least contrast. */
const colours = `(() => {
  const style = (one) => getComputedStyle(one);
  const ground = style(document.documentElement).backgroundColor;
  const texts = [...document.querySelectorAll('.map text')].map((one) =>
    [one.textContent, style(one).fill, style(one.closest('a').querySelector('.box')).fill, 4.5]);
  const lines = [...document.querySelectorAll('.flow, .cross, .edge')].map((one) =>
    [one.getAttribute('class'), style(one).stroke, ground, 3]);
  const signs = [...document.querySelectorAll('.map .sign')].map((one) =>
    [one.getAttribute('class'), style(one).color, style(one.closest('a').querySelector('.box')).fill, 3]);
  return [...texts, ...lines, ...signs];
})()`;

/** WCAG 2.2, contrast ratio of two `rgb(r, g, b)`. */
function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [...colour.matchAll(/\d+/g)].map(([digits]) => {
    const part = Number(digits) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
