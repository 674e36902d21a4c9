import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const executablePath = '/usr/bin/chromium';

/**
 * For the head of a test file: true when its tests have to be skipped. Says so loudly; with CI=true it is a failure, so that
 * no green run hides that nothing was tested.
 */
export function skipWithoutChromium(): boolean {
  if (existsSync(executablePath)) return false;
  const text = `the page cannot be looked at: there is no ${executablePath} (apt-get install --no-install-recommends chromium)`;
  if (process.env['CI'] === 'true') throw new Error(text);
  console.warn(`SKIPPED: ${text}`);
  return true;
}

/** Debian's Chromium without a screen, in a profile of its own that is gone afterwards; it asks nobody but who it is sent to. */
export async function startChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
