import type { Browser, Locator } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from 'vitest';
import type { Question } from '../../src/faces/web/explain.ts';
import { makeContainer, ports } from '../unit/policy/inventories.ts';
import { skipWithoutChromium, startChromium } from './chromium.ts';
import { many, ten, three, withAnother } from './scenes.ts';
import { PageStage } from './stage.ts';
import { openPage, type Visit } from './visit.ts';

// What the page does: it keeps itself up to date, and works without scripts and without a mouse.

const blog = makeContainer('blog', { labels: { 'dockwall.public': '8090' }, ports: ports('8090:80') });

async function explain({ source, target }: Question) {
  if (source === '?') return { kind: 'unclear', problem: '`?` is no address' } as const;
  const told = { blocks: [], hints: [`${source} reaches ${target}`, 'because of dockwall.public=http'] };
  return { kind: 'answer', told, json: { source, target, verdict: 'open' } } as const;
}

describe.skipIf(skipWithoutChromium())('the page as it works', () => {
  let browser: Browser;
  let stage: PageStage;
  let visit: Visit | undefined;

  beforeAll(async () => {
    browser = await startChromium();
  });
  afterAll(async () => browser.close());
  beforeEach(async () => {
    stage = await PageStage.open(three, explain);
  });
  afterEach(async () => {
    expect(visit?.complaints ?? []).toEqual([]);
    await visit?.close();
    visit = undefined;
    await stage.close();
  });

  async function open(options?: Parameters<typeof openPage>[2]): Promise<Visit['page']> {
    visit = await openPage(browser, stage.url, options);
    return visit.page;
  }

  it('shows a service that appears, and takes away one that goes, by itself', async () => {
    const page = await open();
    expect(await page.title()).toBe('nas.example.org: the walls are up');
    await stage.pass(withAnother(three, blog));
    await page.getByRole('rowheader', { name: 'blog' }).waitFor();
    await inMap(page, 'blog').waitFor();
    await stage.pass(three);
    await page.getByRole('rowheader', { name: 'blog' }).waitFor({ state: 'detached' });
  });

  it('leaves the form, the focus and the place where one reads as they are', async () => {
    const page = await open({ viewport: { width: 1000, height: 500 } });
    await page.getByLabel('From').fill('203.0.113.7');
    await inMap(page, 'wiki').focus();
    await page.evaluate('scrollTo(0, 300)');
    await stage.pass(withAnother(three, blog));
    await inMap(page, 'blog').waitFor();
    expect(await page.evaluate('document.activeElement.querySelector("title").textContent')).toBe(
      'wiki, 8080: office',
    );
    expect(await page.evaluate('document.activeElement.tagName')).toBe('a');
    expect(await page.getByLabel('From').inputValue()).toBe('203.0.113.7');
    expect(await page.evaluate('scrollY')).toBe(300);
  });

  it('stays as it is when asked to', async () => {
    const page = await open();
    const pause = page.getByRole('button', { name: 'Pause' });
    await pause.click();
    expect(await pause.getAttribute('aria-pressed')).toBe('true');
    await stage.pass(withAnother(three, blog));
    // the next refresh would have come after 5 seconds
    await page.waitForTimeout(6000);
    expect(await page.getByText('blog').count()).toBe(0);
    await pause.click();
    await page.getByRole('rowheader', { name: 'blog' }).waitFor();
  });

  it('says that a wall is missing, and what is wrong', async () => {
    const page = await open();
    await stage.flush();
    await page.getByRole('status').getByText('A wall is not in place.').waitFor();
    await stage.pass(three);
    stage.health = { healthy: false, problems: ['Docker cannot be reached: connect ENOENT'], drift: {} };
    await page.getByRole('status').getByText('The walls are up, and something is wrong.').waitFor();
    await page.getByText('Docker cannot be reached: connect ENOENT').waitFor();
    expect((await fetch(`${stage.url}healthz`)).status).toBe(503);
  });

  it('says that there is nothing yet, before the first pass', async () => {
    stage.started = false;
    const page = await open();
    await page.getByRole('status').getByText('Docker has not been asked yet').waitFor();
    expect((await fetch(`${stage.url}status.json`)).status).toBe(503);
    stage.started = true;
    await page.getByRole('rowheader', { name: 'wiki' }).waitFor();
  });

  it('says so when dockwall does not answer any more', async () => {
    const page = await open();
    await stage.close();
    await page.getByText('Dockwall does not answer: this is how it was.').waitFor();
    expect(await page.getByRole('rowheader', { name: 'wiki' }).count()).toBe(1);
    // that is what a browser says of a server that is gone
    visit?.complaints.splice(0);
    stage = await PageStage.open(three);
  });

  it('works without scripts', async () => {
    const page = await open({ javaScriptEnabled: false });
    expect(await page.getByRole('rowheader', { name: 'nginx-proxy' }).count()).toBe(1);
    expect(await page.locator('.map a').count()).toBe(7);
    expect(await page.getByRole('button', { name: 'Pause' }).count()).toBe(0);
    await page.getByLabel('From').fill('203.0.113.7');
    await page.getByLabel('to', { exact: true }).fill('wiki:8080');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByText('203.0.113.7 reaches wiki:8080').waitFor();
    expect(await page.getByLabel('From').inputValue()).toBe('203.0.113.7');
    await page.getByRole('link', { name: 'All services' }).click();
    expect(page.url()).toBe(stage.url);
  });

  it('explains what cannot be read, and answers programs', async () => {
    const page = await open();
    await page.goto(`${stage.url}explain?source=%3F&target=x`);
    await page.getByRole('heading', { name: 'This is not clear' }).waitFor();
    await page.getByText('`?` is no address').waitFor();
    // what a browser says of the answer's 400
    visit?.complaints.splice(0);
    const ask = async (query: string): Promise<unknown> => {
      const answer = await fetch(`${stage.url}explain?${query}`);
      return [answer.status, await answer.json()];
    };
    expect(await ask('source=1.2.3.4&target=x&format=json')).toEqual([
      200,
      { source: '1.2.3.4', target: 'x', verdict: 'open' },
    ]);
    expect(await ask('source=%3F&target=x&format=json')).toEqual([400, { problem: '`?` is no address' }]);
    expect(await ask('format=json')).toEqual([
      400,
      { problem: 'ask with source=ADDRESS&target=SERVICE:PORT' },
    ]);
    expect((await fetch(`${stage.url}explain?source=${'x'.repeat(201)}&target=x`)).status).toBe(400);
  });

  it('can be walked with the keyboard, and shows where one is', async () => {
    const page = await open();
    const walked: string[] = [];
    for (let step = 0; step < 15; step += 1) {
      await page.keyboard.press('Tab');
      const [name, seen] = await page.evaluate<[string, boolean]>(focused);
      walked.push(name);
      expect([name, seen]).toEqual([name, true]);
    }
    expect(walked).toEqual([
      'Skip to the content',
      'Pause',
      'source',
      'target',
      'Explain',
      'find',
      'Find',
      'everybody',
      'office',
      'trusted',
      'denied everywhere',
      'nginx-proxy',
      'wiki',
      'postgres',
      'nothing',
    ]);
    await inMap(page, 'wiki').focus();
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.tagName')).toBe('TBODY');
    expect(await page.evaluate('document.activeElement.textContent')).toContain('the family wiki');
  });

  it('shows what a source reaches when it is pointed at', async () => {
    await stage.pass(ten);
    const page = await open({ reducedMotion: 'reduce' });
    await inMap(page, 'monitoring').hover();
    const lit = await page.locator('.map a.lit .name').allTextContents();
    expect(lit).toEqual(['monitoring', 'grafana']);
    const faint = `getComputedStyle(document.querySelector('.map .flow:not(.lit)'))`;
    expect(await page.evaluate(`${faint}.opacity`)).toBe('0.15');
    expect(await page.evaluate(`${faint}.transitionDuration`)).toBe('0s');
    await page.locator('h1').hover();
    expect(await page.locator('.map .lit').count()).toBe(0);
  });

  it('draws a hundred services without making one wait', async () => {
    await stage.pass(many(100));
    const started = performance.now();
    const page = await open();
    expect(await page.locator('.map .service').count()).toBeLessThan(29);
    expect(await page.locator('.services tbody').count()).toBe(100);
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

/** A source or service in the picture. */
function inMap(page: Visit['page'], name: string): Locator {
  return page.locator('.map').getByRole('link', { name: new RegExp(`^${name}\\b`) });
}

/** The name of what has the focus, and whether one sees it. */
const focused = `(() => {
  const element = document.activeElement;
  if (element === document.body) return ['nothing', true];
  const box = element.querySelector('.box');
  const style = getComputedStyle(box ?? element);
  const seen = box ? parseFloat(style.strokeWidth) > 2 : style.outlineStyle !== 'none';
  return [element.querySelector('.name')?.textContent ?? (element.name || element.textContent), seen];
})()`;
