import { describe, expect, it } from 'vitest';
import { html } from '../../../src/faces/web/html.ts';

describe('html', () => {
  it('escapes what is put in, for text and for attributes in quotes', () => {
    const text = `<b title="it's">&amp;</b>`;
    const escaped = '&lt;b title=&quot;it&#39;s&quot;&gt;&amp;amp;&lt;/b&gt;';
    expect(html`<p title="${text}">${text}</p>`.text).toBe(`<p title="${escaped}">${escaped}</p>`);
  });

  it('takes what another template has made, lists, numbers, and nothing', () => {
    const list = ['a', '<', 1].map((part) => html`<li>${part}</li>`);
    expect(html`<ul>${list}</ul>${undefined}${false}${0}`.text).toBe(
      '<ul><li>a</li><li>&lt;</li><li>1</li></ul>0',
    );
  });

  it('takes nothing for markup that only looks like it', () => {
    const forged = { text: '<script>' } as unknown as string;
    expect(() => html`${forged}`).toThrow(TypeError);
  });

  it('shows control and format characters, and cuts what is long', () => {
    expect(html`${'a\u202Eb\u0000\n\uD800'}`.text).toBe(String.raw`a\u{202e}b\u{0}\n\u{fffd}`);
    expect(html`${'x'.repeat(10_000)}`.text).toHaveLength(1000);
  });
});
