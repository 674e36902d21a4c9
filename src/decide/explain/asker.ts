import { toBlock, toCidr, widthOf } from '../net/block.ts';
import { parseInterfaceName } from '../net/interface-name.ts';
import { parseNetworks } from '../net/parse-networks.ts';
import { show } from '../net/show.ts';
import { parseSourceWord } from '../net/source-word.ts';
import type { Asker, Moment } from './model.ts';

/** A source as a person writes it. A name has to be looked up by who asks; an interface stands for its neighbours. */
export type AskerWord =
  | { readonly kind: 'address'; readonly address: string; readonly interface: string | undefined }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'interface'; readonly name: string };

export type ParsedAsker =
  | { readonly ok: true; readonly word: AskerWord }
  | { readonly ok: false; readonly problem: string };

/** `203.0.113.7`, `[2001:db8::7]`, `fe80::1%eth0`, `10.8.0.2%wg0`, `home.example.org`, `interface:wg0`. */
export function parseAsker(text: string): ParsedAsker {
  const written = text.trim().replace(/^\[(.*)\]$/u, '$1');
  const [address = '', ...zones] = written.split('%');
  if (zones.length > 0) return withZone(address, zones.join('%'));
  const parsed = parseNetworks(written);
  if (parsed.ok) {
    const [network, ...more] = parsed.networks;
    return network === undefined || more.length > 0 || network.includes('/')
      ? refuse(`${show(text)} is more than one address: ask for one of them`)
      : { ok: true, word: { kind: 'address', address: network, interface: undefined } };
  }
  // the one name without a dot that everybody has, and that /etc/hosts answers
  if (written === 'localhost') return { ok: true, word: { kind: 'name', name: written } };
  const source = parseSourceWord(written);
  if (source === undefined) return refuse(notASource(text, parsed.problem));
  if (!source.ok) return refuse(source.problem);
  const { kind, name } = source.word;
  return kind === 'ipset'
    ? refuse(`${show(text)} is a set: ask for one address that is in it`)
    : { ok: true, word: { kind, name } };
}

function withZone(address: string, zone: string): ParsedAsker {
  const parsed = parseAsker(address);
  if (!parsed.ok) return parsed;
  if (parsed.word.kind !== 'address')
    return refuse(`${show(address)} is not an address: leave out the \`%\``);
  const port = parseInterfaceName(zone);
  return port.ok ? { ok: true, word: { ...parsed.word, interface: zone } } : refuse(port.problem);
}

function notASource(text: string, problem: string): string {
  return /[:/]|^[0-9]/u.test(text)
    ? problem
    : `${show(text)} is no source: write an address, a DNS name with a dot in it, or \`interface:NAME\``;
}

function refuse(problem: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem };
}

/**
 * Neighbours at an interface, one in each network that it is in: the first address there that is not the host's own. None
 * where it is in no network of more than one address (a tunnel, as a rule): then the address has to be told.
 */
export function neighboursAt(name: string, { inventory, own }: Moment): readonly Asker[] {
  const networks = inventory.interfaces.find((one) => one.name === name)?.networks ?? [];
  return networks.flatMap((network) => {
    const { family, start, prefix } = toBlock(network);
    const full = widthOf[family];
    if (prefix >= full - 1) return [];
    const first = [1n, 2n, 3n]
      .map((offset): string => toCidr({ family, start: start + offset, prefix: full }))
      .find((address) => !own.has(address));
    return first === undefined ? [] : [{ address: first, interface: name, name: undefined }];
  });
}
