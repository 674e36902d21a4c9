import { lookup } from 'node:dns/promises';
import pTimeout from 'p-timeout';
import { familyOf } from '../../decide/net/network.ts';
import { parseNetworks } from '../../decide/net/parse-networks.ts';

/** A resolver that does not answer takes longer; then it is of no use either, ms. */
const longestLookup = 5000;

/** A name as this host resolves it now, /etc/hosts included. Sorted: resolvers turn their answers round and round. */
export async function lookUp(
  name: string,
): Promise<
  { readonly ok: true; readonly addresses: readonly string[] } | { readonly ok: false; readonly why: string }
> {
  try {
    const found = await pTimeout(lookup(name, { all: true, order: 'verbatim' }), {
      milliseconds: longestLookup,
      message: 'no answer in time',
    });
    const addresses = found.flatMap(({ address }) => {
      const parsed = parseNetworks(address);
      return parsed.ok ? parsed.networks : [];
    });
    return {
      ok: true,
      addresses: [...new Set(addresses)].toSorted((a, b) => familyOf(a) - familyOf(b) || (a < b ? -1 : 1)),
    };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { ok: false, why: code ?? message };
  }
}
