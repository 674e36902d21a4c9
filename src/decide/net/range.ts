import { sizeOf, widthOf, type Block } from './block.ts';
import type { Family } from './network.ts';

/** The fewest blocks that hold the addresses from `first` to `last` (both included) and no other. */
export function blocksBetween(family: Family, first: bigint, last: bigint): readonly Block[] {
  const blocks: Block[] = [];
  let start = first;
  while (start <= last) {
    let prefix = widthOf[family];
    // Widen while the wider block still starts here and ends inside.
    while (prefix > 0) {
      const size = sizeOf(family, prefix - 1);
      if (start % size !== 0n || start + size - 1n > last) break;
      prefix -= 1;
    }
    blocks.push({ family, start, prefix });
    start += sizeOf(family, prefix);
  }
  return blocks;
}
