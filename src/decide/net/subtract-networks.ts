import { type Block, sizeOf, toBlock, toCidr } from './block.ts';
import type { Cidr } from './network.ts';

/** The same addresses without those of `taken`; networks that do not touch it stay as they are written. */
export function subtractNetworks(networks: readonly Cidr[], taken: Cidr): readonly Cidr[] {
  const hole = toBlock(taken);
  return networks.flatMap((network) => {
    const block = toBlock(network);
    if (holds(hole, block)) return [];
    return holds(block, hole) ? around(block, hole).map(toCidr) : [network];
  });
}

/** Halves the block until the hole is left; the other halves are what stays. */
function around(block: Block, hole: Block): readonly Block[] {
  const { family, start } = block;
  const prefix = block.prefix + 1;
  if (prefix > hole.prefix) return [];
  const halves: readonly Block[] = [
    { family, start, prefix },
    { family, start: start + sizeOf(family, prefix), prefix },
  ];
  return halves.flatMap((half) => (holds(half, hole) ? around(half, hole) : [half]));
}

function holds(outer: Block, inner: Block): boolean {
  return (
    outer.family === inner.family &&
    outer.prefix <= inner.prefix &&
    inner.start >= outer.start &&
    inner.start < outer.start + sizeOf(outer.family, outer.prefix)
  );
}
