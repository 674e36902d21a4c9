import type { ListFormat } from '../../decide/policy/config.ts';

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

/**
 * The networks of a country, by IPv4 and by IPv6: whole lists, made each day of what the five registries have given out there, one network a line
 * (https://www.ipdeny.com/ipblocks/ and https://www.ipdeny.com/ipv6/ipaddresses/blocks.php).
 * @param code two capital letters.
 */
export function countryLists(code: string): readonly string[] {
  const file = `${code.toLowerCase()}-aggregated.zone`;
  return ['ipblocks/data', 'ipv6/ipaddresses'].map(
    (part) => `https://www.ipdeny.com/${part}/aggregated/${file}`,
  );
}
