import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Explain } from '../../src/faces/web/explain.ts';
import { skipWithoutChromium, startChromium } from './chromium.ts';
import { hostile, hostileTexts, three } from './scenes.ts';
import { PageStage } from './stage.ts';
import { openPage } from './visit.ts';

// Labels, names and questions that want to be more than text.

const echo: Explain = async ({ source, target }) => ({
  kind: 'answer',
  told: { blocks: [], hints: [source, target, ...hostileTexts] },
  json: {},
});

describe.skipIf(skipWithoutChromium())('hostile text on the page', () => {
  let browser: Browser;
  let stage: PageStage;

  beforeAll(async () => {
    browser = await startChromium();
    stage = await PageStage.open(
      {
        ...hostile,
        lists: hostileTexts.map((text) => ({ name: text, networks: 1, ageSeconds: 1, error: text })),
        blocked: hostileTexts.map((text) => ({
          source: text,
          port: 1,
          protocol: text,
          services: [text],
          packets: 1,
          lastSeen: '2026-03-01T10:30:58Z',
        })),
      },
      echo,
    );
    stage.health = { healthy: false, problems: hostileTexts, drift: {} };
  });
  afterAll(async () => {
    await stage.close();
    await browser.close();
  });

  const questions = hostileTexts.map(
    (text) => `explain?source=${encodeURIComponent(text.slice(0, 200).toWellFormed())}&target=x`,
  );

  it.each(['', ...questions])('is text: /%s', async (path) => {
    const { page, complaints, close } = await openPage(browser, stage.url + path);
    const found = await page.evaluate<Found>(collect);
    const expected = path === '' ? ['app.js'] : [];
    expect(found).toEqual({ scripts: expected, strange: [], handlers: [], links: [] });
    const text = await page.content();
    // control characters, marks that turn the direction of reading, halves of characters
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
    expect(text).not.toMatch(/x{1001}/);
    if (path === '') {
      const shown = await page.locator('body').innerText();
      expect(shown).toContain('<script>alert(1)</script>');
      expect(shown).toContain(String.raw`\u{202e}\u{2066}gnp.exe\u{200f}`);
      const titles = await page.locator('.map title').allTextContents();
      expect(titles.some((title) => title.includes('services, <script>alert(1)</script> (macvlan)'))).toBe(
        true,
      );
    }
    // a second look swaps the same text in
    await page.waitForTimeout(path === '' ? 6000 : 0);
    expect(await page.evaluate<Found>(collect)).toEqual(found);
    expect(complaints).toEqual([]);
    await close();
  });

  it('would not run or become markup even if it got in', async () => {
    const plain = await PageStage.open(three);
    const { page, complaints, close } = await openPage(browser, plain.url);
    const blocked: string[] = [];
    page.on('requestfailed', (request) =>
      blocked.push(`${request.url()} ${String(request.failure()?.errorText)}`),
    );
    const attempt = async (script: string): Promise<string> =>
      page.evaluate<string>(
        `(() => { try { ${script}; return 'done' } catch (error) { return error.name } })()`,
      );
    expect(await attempt(`document.body.innerHTML = '<b>'`)).toBe('TypeError');
    expect(await attempt(`document.write('<b>')`)).toBe('TypeError');
    await attempt(
      `const it = document.createElement('img'); it.src = 'https://example.invalid/x.png'; document.body.append(it)`,
    );
    await attempt(
      `const it = document.createElement('style'); it.textContent = 'body{display:none}'; document.head.append(it)`,
    );
    await page.waitForTimeout(300);
    expect(await page.evaluate('getComputedStyle(document.body).display')).toBe('block');
    expect(blocked).toEqual(['https://example.invalid/x.png csp']);
    expect(complaints.join('\n')).toMatch(/Content Security Policy/);
    await close();
    await plain.close();
  });

  it('may not stand in a frame of others', async () => {
    const frame = `<!doctype html><link rel="icon" href="data:,"><iframe src="${stage.url}"></iframe>`;
    const other = createServer((_, answer) => {
      answer.setHeader('content-type', 'text/html');
      answer.end(frame);
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const { page, complaints, close } = await openPage(browser, `http://127.0.0.1:${port}/`);
    await expect.poll(() => complaints.join('\n')).toContain(`frame-ancestors 'none'`);
    expect(await page.frames()[1]?.getByText('nas.example.org').count()).toBe(0);
    await close();
    other.close();
  });
});

interface Found {
  readonly scripts: readonly string[];
  readonly strange: readonly string[];
  readonly handlers: readonly string[];
  readonly links: readonly string[];
}

const collect = `(() => {
  const all = [...document.querySelectorAll('*')];
  const known = 'html head meta title link script body a header div p h1 h2 main section ul li span button figure svg g path rect circle text table thead tbody tr th td code strong dl dt dd form label input time details summary h3 wbr'.split(' ');
  return {
    scripts: all.filter((one) => one.tagName === 'SCRIPT').map((one) => one.getAttribute('src') ?? one.textContent),
    strange: all.map((one) => one.tagName.toLowerCase()).filter((name) => !known.includes(name)),
    handlers: all.flatMap((one) => one.getAttributeNames().filter((name) => name.startsWith('on') || name === 'style')),
    links: all.flatMap((one) => ['href', 'src', 'action'].map((name) => one.getAttribute(name) ?? '')).filter((link) => link !== '' && !/^(#services|#[os]-[\\w-]+|#main|\\.(#find)?|explain|icon\\.svg|style\\.css|app\\.js)$/.test(link)),
  };
})()`;
