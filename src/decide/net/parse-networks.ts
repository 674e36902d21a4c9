import { addressBlock, blockAt, toCidr, unmap, widthOf, type Block } from './block.ts';
import { packIpv4 } from './ipv4.ts';
import type { Cidr } from './network.ts';
import { blocksBetween } from './range.ts';
import { show } from './show.ts';

export type ParsedNetworks =
  | { readonly ok: true; readonly networks: readonly Cidr[] }
  | { readonly ok: false; readonly problem: string };

type Outcome = readonly Block[] | string;

/**
 * One address, CIDR or range (`198.51.100.10-198.51.100.20`) as written by a person, to the fewest
 * canonical networks. Host bits are cleared, IPv4-mapped IPv6 becomes IPv4. A problem is a sentence that
 * says what is wrong and what to write instead.
 */
export function parseNetworks(text: string): ParsedNetworks {
  const trimmed = text.trim();
  // Nearly all of a long list is written as it should be.
  if (packIpv4(trimmed) !== undefined) return { ok: true, networks: [trimmed as Cidr] };
  const blocks = parse(trimmed);
  if (typeof blocks === 'string') return { ok: false, problem: blocks };
  const compatible = blocks.find(isIpv4Compatible);
  if (compatible !== undefined) return { ok: false, problem: ipv4CompatibleProblem(trimmed, compatible) };
  return { ok: true, networks: blocks.map(toCidr) };
}

function parse(text: string): Outcome {
  if (text === '') return 'an address is missing: write one address, a CIDR or a range';
  const [first, last, ...more] = text.split('-');
  if (first !== undefined && last !== undefined && more.length === 0) {
    // Where neither side is an address, it is some name with a dash, not a range gone wrong.
    if (addressBlock(first) !== undefined || addressBlock(last) !== undefined) return parseRange(first, last);
  }
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (typeof address === 'string') return address;
  return slash < 0 ? [unmap(address)] : parseCidr(address, text.slice(0, slash), text.slice(slash + 1));
}

function parseCidr(address: Block, host: string, prefixText: string): Outcome {
  const width = widthOf[address.family];
  const prefix = /^(?:0|[1-9]\d{0,2})$/u.test(prefixText) ? Number(prefixText) : undefined;
  if (prefix !== undefined && prefix <= width) return [unmap(blockAt(address.family, address.start, prefix))];
  const mask = address.family === 4 ? prefixOfMask(prefixText) : undefined;
  if (mask !== undefined) return `a netmask cannot be written here: write ${show(`${host}/${mask}`)}`;
  const limits = `the prefix length of IPv${address.family} is a number from 0 to ${width}`;
  return `${show(`/${prefixText}`)} is not a prefix length: ${limits}`;
}

/** `255.255.255.0` is 24; undefined for anything that is not a netmask. */
function prefixOfMask(text: string): number | undefined {
  const mask = addressBlock(text);
  if (mask?.family !== 4) return undefined;
  const bits = mask.start.toString(2).padStart(32, '0');
  return /^1*0*$/u.test(bits) ? bits.lastIndexOf('1') + 1 : undefined;
}

function parseRange(firstText: string, lastText: string): Outcome {
  const first = parseAddress(firstText);
  if (typeof first === 'string') return `the first address of the range is wrong: ${first}`;
  if (/^\d{1,3}$/u.test(lastText)) {
    const whole = `${firstText}-${firstText.replace(/\d+$/u, lastText)}`;
    return `a range has two whole addresses: write ${show(whole)}`;
  }
  const last = parseAddress(lastText);
  if (typeof last === 'string') return `the last address of the range is wrong: ${last}`;
  const [from, to] = [unmap(first), unmap(last)];
  if (from.family !== to.family)
    return 'a range cannot go from one IP version to the other: write two ranges';
  if (from.start > to.start)
    return `the range is the wrong way round: write ${show(`${lastText}-${firstText}`)}`;
  return blocksBetween(from.family, from.start, to.start);
}

function parseAddress(text: string): Block | string {
  return addressBlock(text) ?? addressProblem(text);
}

/** Why something is not an address; the common slips get the spelling that would work. */
function addressProblem(text: string): string {
  const no = `${show(text)} is not an address`;
  if (text === '') return 'an address is missing';
  if (/[\s,]/u.test(text)) return `${no}: write one address, CIDR or range here, without spaces`;
  if (text.includes('%')) return `${no} that can be matched: leave out the zone id (the part from \`%\` on)`;
  const bracketed = /^\[([^\]]*)\](:\d+)?$/u.exec(text)?.[1];
  if (bracketed !== undefined) return `${no}: write ${show(bracketed)}, without brackets and without a port`;
  const beforePort = /^(\d+\.\d+\.\d+\.\d+):\d+$/u.exec(text)?.[1];
  if (beforePort !== undefined) return `${no}: write ${show(beforePort)}, without the port`;
  if (text.includes('*'))
    return `${no}: write a CIDR, such as \`198.51.100.0/24\`; everybody is \`0.0.0.0/0\` and \`::/0\``;
  if (/^[\d.]+$/u.test(text)) return `${no}: ${dottedProblem(text)}`;
  return `${no}: write an IPv4 or IPv6 address such as \`203.0.113.7\` or \`2001:db8::7\``;
}

function dottedProblem(text: string): string {
  const parts = text.split('.');
  if (parts.length !== 4 || parts.includes(''))
    return 'an IPv4 address has four numbers with dots between them';
  const large = parts.find((part) => Number(part) > 255);
  if (large !== undefined) return `${show(large)} is more than 255`;
  return 'a number with a zero in front would be octal to some programs: write it without the zero';
}

/**
 * `::1.2.3.4`, withdrawn by RFC 4291, and spelt by ipset in one way with glibc (`::1.2.3.4`) and in
 * another with musl (`::102:304`): it could never be recognised reliably as already being in a set.
 */
function isIpv4Compatible({ family, start }: Block): boolean {
  return family === 6 && start >> 32n === 0n && start >> 16n !== 0n;
}

function ipv4CompatibleProblem(text: string, block: Block): string {
  const ipv4 = toCidr({ family: 4, start: block.start, prefix: 32 });
  return `${show(text)} is in \`::/96\`, the "IPv4-compatible" IPv6 addresses that nobody uses any more: write \`${ipv4}\` if you mean that IPv4 address`;
}
