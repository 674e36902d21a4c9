import { setImmediate as turn } from 'node:timers/promises';
import { mergeNetworks, wholeFamily } from '../../decide/net/merge-networks.ts';
import type { Cidr } from '../../decide/net/network.ts';
import { parseNetworks } from '../../decide/net/parse-networks.ts';
import { show } from '../../decide/net/show.ts';
import type { ListFormat } from '../../decide/policy/config.ts';
import { type Entry, findInJson } from './list-json.ts';

export type ParsedList =
  | { readonly ok: true; readonly networks: readonly Cidr[] }
  | { readonly ok: false; readonly reason: string };

/** Larger than any list that is meant; a set holds twice as many. */
const mostNetworks = 500_000;
/** So many entries are read before Docker's events and timers get their turn: about 2 ms. */
const slice = 1000;

/**
 * The networks of a list, merged; or why it is none. One wrong entry refuses all of it: half a list is not what somebody meant
 * to let in, or to ban.
 */
export async function parseList(text: string, format: ListFormat): Promise<ParsedList> {
  const start = text.trimStart().slice(0, 200);
  if (/^<(?:!doctype|html|head|body|\?xml|!--)/iu.test(start))
    return refuse('it is a web page (HTML), not a list');
  if (format.kind === 'lines') {
    if (/^[{[]/u.test(start)) return refuse('it is JSON, not one network a line: `format: json` reads it');
    return collect(lineEntries(text));
  }
  const found = findInJson(text, format.path);
  return found.ok ? collect(found.entries) : refuse(found.reason);
}

async function collect(entries: Iterable<Entry>): Promise<ParsedList> {
  const networks: Cidr[] = [];
  let count = 0;
  for (const { text, where } of entries) {
    count += 1;
    if (count % slice === 0) await turn();
    const parsed = parseNetworks(text);
    if (!parsed.ok) return refuse(`${where}: ${parsed.problem}`);
    for (const network of parsed.networks) networks.push(network);
    if (networks.length > mostNetworks) return refuse(`it has more than ${mostNetworks} networks`);
  }
  await turn();
  const merged = mergeNetworks(networks);
  const everybody = wholeFamily(merged);
  if (everybody !== undefined) return refuse(`it has ${show(everybody)} in it, which is everybody`);
  return { ok: true, networks: merged };
}

/** `#` and `;` begin comments, also after a network, as Spamhaus and ipset write them. */
function* lineEntries(text: string): Generator<Entry> {
  let number = 0;
  for (let from = 0; from < text.length;) {
    const end = text.indexOf('\n', from);
    const line = text.slice(from, end < 0 ? text.length : end);
    from = end < 0 ? text.length : end + 1;
    number += 1;
    const entry = line.replace(/[#;].*/u, '').trim();
    if (entry !== '') yield { text: entry, where: `line ${number}` };
  }
}

function refuse(reason: string): ParsedList {
  return { ok: false, reason };
}
