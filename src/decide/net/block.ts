import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Cidr, Family } from './network.ts';

/** A network as numbers: `start` has no bit below the prefix. */
export interface Block {
  readonly family: Family;
  readonly start: bigint;
  readonly prefix: number;
}

export const widthOf: Readonly<Record<Family, number>> = { 4: 32, 6: 128 };

/** How many addresses a prefix leaves. */
export function sizeOf(family: Family, prefix: number): bigint {
  return 1n << BigInt(widthOf[family] - prefix);
}

/** The block that holds this address, host bits cleared. */
export function blockAt(family: Family, address: bigint, prefix: number): Block {
  return { family, start: address & ~(sizeOf(family, prefix) - 1n), prefix };
}

/** IPv4-mapped IPv6 (`::ffff:203.0.113.7`) is IPv4 in disguise: no packet on the wire carries it. */
export function unmap(block: Block): Block {
  if (block.family === 4 || block.prefix < 96 || block.start >> 32n !== 0xffffn) return block;
  return { family: 4, start: block.start & 0xffff_ffffn, prefix: block.prefix - 96 };
}

/**
 * A single address as a number, or undefined for anything else. Node decides what an address is, and the
 * digits are read here: ipaddr.js takes `010.0.0.1` for 8.0.0.1, `10.1` for 10.0.0.1 and `::1.2.3.4` for
 * `::ffff:1.2.3.4`. Zone ids pass Node's test and are refused.
 */
export function addressBlock(text: string): Block | undefined {
  if (isIPv4(text)) return { family: 4, start: BigInt(ipv4Number(text)), prefix: 32 };
  if (!isIPv6(text) || text.includes('%')) return undefined;
  return { family: 6, start: ipv6Number(text), prefix: 128 };
}

function ipv4Number(text: string): number {
  return text.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

function ipv6Number(text: string): bigint {
  const [before = '', after = ''] = text.split('::');
  const [left, right] = [hexDigits(before), hexDigits(after)];
  return BigInt(`0x${left}${'0'.repeat(32 - left.length - right.length)}${right}`);
}

/** `db8:1:192.0.2.1` as `0db80001c0000201`. */
function hexDigits(groups: string): string {
  if (groups === '') return '';
  const padded = groups
    .split(':')
    .map((group) =>
      group.includes('.') ? ipv4Number(group).toString(16).padStart(8, '0') : group.padStart(4, '0'),
    );
  return padded.join('');
}

/** The numbers of a canonical network. */
export function toBlock(network: Cidr): Block {
  const slash = network.indexOf('/');
  const block = addressBlock(slash < 0 ? network : network.slice(0, slash));
  if (block === undefined) throw new TypeError(`not a canonical network: ${network}`);
  return slash < 0 ? block : { ...block, prefix: Number(network.slice(slash + 1)) };
}

/** The canonical text of a block: RFC 5952, no prefix length for a single address. */
export function toCidr(block: Block): Cidr {
  const address = addressText(block);
  return (block.prefix === widthOf[block.family] ? address : `${address}/${block.prefix}`) as Cidr;
}

function addressText({ family, start }: Block): string {
  if (family === 4) {
    const value = Number(start);
    return [value / 2 ** 24, value / 2 ** 16, value / 2 ** 8, value]
      .map((v) => Math.trunc(v) % 256)
      .join('.');
  }
  const parts = Array.from({ length: 8 }, (_, index) =>
    Number((start >> BigInt(112 - 16 * index)) & 0xffffn),
  );
  return new ipaddr.IPv6(parts).toRFC5952String();
}
