import { addressBlock, sizeOf, toBlock, toCidr, unmap, type Block } from './block.ts';
import { changeOf } from './list-change.ts';
import { mergeIpv4 } from './merge-ipv4.ts';
import { type Cidr, type Family, familyOf } from './network.ts';

/** What a list was merged to; lists are never changed once they are made, so one is merged once. */
const merged = new WeakMap<readonly Cidr[], readonly Cidr[]>();

/**
 * The same addresses in the fewest networks, sorted: IPv4 first, then by number. Duplicates and networks
 * inside others go, two halves become their whole. Same addresses in, same bytes out; a list that is merged already is
 * given back as it is, so what is unchanged can be told by identity.
 */
export function mergeNetworks(networks: Iterable<Cidr>): readonly Cidr[] {
  const list: readonly Cidr[] = Array.isArray(networks) ? networks : [...networks];
  const known = merged.get(list) ?? mergeOnce(list);
  merged.set(list, known);
  merged.set(known, known);
  return known;
}

/**
 * Says that `list` has come in the place of `before`. Where the two are much alike and both are merged, this is found out at
 * little cost (see {@link changeOf}), and merging it costs nothing then.
 */
export function succeeds(list: readonly Cidr[], before: readonly Cidr[]): void {
  if (merged.get(before) === before && !merged.has(list) && changeOf(before, list) !== undefined)
    merged.set(list, list);
}

/** The last result for several lists, by the longest of them. */
const together = new WeakMap<
  readonly Cidr[],
  { readonly lists: readonly (readonly Cidr[])[]; readonly all: readonly Cidr[] }
>();

/** {@link mergeNetworks} of several lists; the same lists again cost nothing. */
export function mergeLists(lists: readonly (readonly Cidr[])[]): readonly Cidr[] {
  const [first = [], second] = lists;
  if (second === undefined) return mergeNetworks(first);
  const longest = lists.reduce((a, b) => (b.length > a.length ? b : a));
  const known = together.get(longest);
  const same =
    known?.lists.length === lists.length && known.lists.every((list, index) => list === lists[index]);
  if (known !== undefined && same) return known.all;
  const all = mergeNetworks(lists.flat());
  together.set(longest, { lists, all });
  return all;
}

function mergeOnce(list: readonly Cidr[]): readonly Cidr[] {
  const split = list.findIndex((network) => familyOf(network) === 6);
  const mixed = split >= 0 && list.some((network, index) => index > split && familyOf(network) === 4);
  const four = mixed
    ? list.filter((network) => familyOf(network) === 4)
    : split < 0
      ? list
      : list.slice(0, split);
  const six = mixed ? list.filter((network) => familyOf(network) === 6) : split < 0 ? [] : list.slice(split);
  const parts = [mergeIpv4(four), mergeIpv6(six)] as const;
  if (!mixed && parts[0] === four && parts[1] === six) return list;
  return parts[1].length === 0 ? parts[0] : parts[0].concat(parts[1]);
}

interface Written extends Block {
  /** Its text, where that is known. */
  readonly text?: Cidr;
}

function mergeIpv6(list: readonly Cidr[]): readonly Cidr[] {
  const blocks = list.map((text): Written => ({ ...toBlock(text), text }));
  const fewest = mergeBlocks(blocks);
  return fewest.length === list.length && fewest.every(({ text }, index) => text === list[index])
    ? list
    : fewest.map((block) => block.text ?? toCidr(block));
}

function mergeBlocks(blocks: readonly Written[]): readonly Written[] {
  const sorted = blocks.toSorted((a, b) =>
    a.start < b.start ? -1 : a.start > b.start ? 1 : a.prefix - b.prefix,
  );
  const fewest: Written[] = [];
  for (const block of sorted) {
    const last = fewest.at(-1);
    if (last !== undefined && holds(last, block.start)) continue;
    let whole = block;
    // A whole made of two halves may be the second half of a larger one.
    for (let half = fewest.at(-1); half !== undefined && areHalves(half, whole); half = fewest.at(-1)) {
      fewest.pop();
      whole = { family: half.family, start: half.start, prefix: half.prefix - 1 };
    }
    fewest.push(whole);
  }
  return fewest;
}

function areHalves(left: Block, right: Block): boolean {
  const size = sizeOf(left.family, left.prefix);
  return left.prefix === right.prefix && left.start % (2n * size) === 0n && left.start + size === right.start;
}

function holds(block: Block, address: bigint): boolean {
  return address >= block.start && address < block.start + sizeOf(block.family, block.prefix);
}

/** Is this address (any spelling, IPv4-mapped included) in the network? False for what is not one address. */
export function contains(network: Cidr, address: string): boolean {
  const single = addressBlock(address);
  if (single === undefined) return false;
  const wanted = unmap(single);
  const block = toBlock(network);
  return block.family === wanted.family && holds(block, wanted.start);
}

/** By merged list. */
const members = new WeakMap<readonly Cidr[], Map<Family, readonly string[]>>();

/**
 * The members of one family's `hash:net` set, merged. A /0 is written as its two halves: the kernel's
 * hash types refuse prefix length 0 (ipset(8)).
 */
export function toSetMembers(networks: Iterable<Cidr>, family: Family): readonly string[] {
  const all = mergeNetworks(networks);
  const known = members.get(all) ?? new Map<Family, readonly string[]>();
  members.set(all, known);
  const found = known.get(family) ?? membersOf(all, family);
  known.set(family, found);
  return found;
}

function membersOf(all: readonly Cidr[], family: Family): readonly string[] {
  // IPv4 comes first: a list of one family is told by its ends, and is its own answer.
  const ends = [all.at(0), all.at(-1)].flatMap((network) =>
    network === undefined ? [] : [familyOf(network)],
  );
  if (!ends.includes(family)) return [];
  const ours = ends.every((one) => one === family)
    ? all
    : all.filter((network) => familyOf(network) === family);
  return ours[0]?.endsWith('/0') === true ? everyAddress(family) : ours;
}

/** `0.0.0.0/0` or `::/0` where these networks together are every address of a family: `any` in other words. */
export function wholeFamily(networks: Iterable<Cidr>): Cidr | undefined {
  return mergeNetworks(networks).find((network) => network.endsWith('/0'));
}

/** Every address of a family as set members: `hash:net` has no /0, so these are two halves. */
export function everyAddress(family: Family): readonly string[] {
  return family === 4 ? ['0.0.0.0/1', '128.0.0.0/1'] : ['::/1', '8000::/1'];
}
