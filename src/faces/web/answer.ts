import type { Html } from './html.ts';

/** What is said to one request. */
export interface Answer {
  readonly status: number;
  /** With its charset. */
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * On every answer. The page is made of its own files and nothing else: no script or style in the text, nobody's frame, no
 * way to make markup from text (Trusted Types), nothing kept by browsers or proxies.
 */
export const guardingHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': ['camera', 'geolocation', 'microphone', 'payment', 'usb']
    .map((feature) => `${feature}=()`)
    .join(', '),
};

export function pageAnswer(page: Html, status = 200): Answer {
  return { status, type: 'text/html; charset=utf-8', body: page.text };
}

/** Indented, a newline at its end: what `--json` prints. */
export function jsonAnswer(value: unknown, status = 200): Answer {
  return { status, type: 'application/json', body: `${JSON.stringify(value, undefined, 2)}\n` };
}

export function textAnswer(text: string, status: number): Answer {
  return { status, type: 'text/plain; charset=utf-8', body: `${text}\n` };
}
