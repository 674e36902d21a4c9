import { addressBlock, sizeOf, toBlock, toCidr, unmap, type Block } from './block.ts';
import { families, type Cidr, type Family } from './network.ts';

/**
 * The same addresses in the fewest networks, sorted: IPv4 first, then by number. Duplicates and networks
 * inside others go, two halves become their whole. Same addresses in, same bytes out.
 */
export function mergeNetworks(networks: Iterable<Cidr>): readonly Cidr[] {
  const blocks = Array.from(networks, toBlock);
  return families.flatMap((family) =>
    mergeBlocks(blocks.filter((block) => block.family === family)).map(toCidr),
  );
}

function mergeBlocks(blocks: readonly Block[]): readonly Block[] {
  const sorted = blocks.toSorted((a, b) =>
    a.start < b.start ? -1 : a.start > b.start ? 1 : a.prefix - b.prefix,
  );
  const merged: Block[] = [];
  for (const block of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && holds(last, block.start)) continue;
    let whole = block;
    // A whole made of two halves may be the second half of a larger one.
    for (let half = merged.at(-1); half !== undefined && areHalves(half, whole); half = merged.at(-1)) {
      merged.pop();
      whole = { ...half, prefix: half.prefix - 1 };
    }
    merged.push(whole);
  }
  return merged;
}

/** Of two neighbours in order: do they make up one block of the next shorter prefix? */
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

/**
 * The members of one family's `hash:net` set, merged. A /0 is written as its two halves: the kernel's
 * hash types refuse prefix length 0 (ipset(8)).
 */
export function toSetMembers(networks: Iterable<Cidr>, family: Family): readonly string[] {
  const ours = Array.from(networks, toBlock).filter((block) => block.family === family);
  return mergeBlocks(ours).flatMap(splitEverything).map(toCidr);
}

function splitEverything(block: Block): readonly Block[] {
  if (block.prefix > 0) return [block];
  return [0n, sizeOf(block.family, 1)].map((start) => ({ family: block.family, start, prefix: 1 }));
}
