import type { ListFormat } from './model.ts';

interface PresetList {
  readonly url: string;
  readonly format: ListFormat;
}

const lines: ListFormat = { kind: 'lines' };
const fastly = 'https://api.fastly.com/public-ip-list';

/** Well-known lists by name: where their publishers say that they are, and how they are written there. Nothing else. */
export const presets: Readonly<Record<string, readonly PresetList[]>> = {
  // https://developers.cloudflare.com/fundamentals/concepts/cloudflare-ip-addresses/
  cloudflare: [
    { url: 'https://www.cloudflare.com/ips-v4', format: lines },
    { url: 'https://www.cloudflare.com/ips-v6', format: lines },
  ],
  // https://www.fastly.com/documentation/reference/api/utils/public-ip-list/
  fastly: [
    { url: fastly, format: { kind: 'json', path: ['addresses'] } },
    { url: fastly, format: { kind: 'json', path: ['ipv6_addresses'] } },
  ],
  // https://docs.github.com/en/rest/meta/meta: where webhooks come from
  'github-hooks': [{ url: 'https://api.github.com/meta', format: { kind: 'json', path: ['hooks'] } }],
};
