import { addressBlock, sizeOf, toBlock, unmap } from './block.ts';
import type { Cidr, Family } from './network.ts';

/** Finds the narrowest of many networks that holds an address: a lookup for each prefix length in use. */
export class NetworkIndex {
  private readonly tables: Readonly<Record<Family, Map<number, Map<bigint, Cidr>>>> = {
    4: new Map(),
    6: new Map(),
  };
  /** Longest prefix first. */
  private readonly lengths: Readonly<Record<Family, readonly number[]>>;

  constructor(networks: Iterable<Cidr>) {
    for (const network of networks) {
      const { family, start, prefix } = toBlock(network);
      const table = this.tables[family].get(prefix) ?? new Map<bigint, Cidr>();
      this.tables[family].set(prefix, table);
      table.set(start, network);
    }
    const lengths = (family: Family): readonly number[] =>
      [...this.tables[family].keys()].sort((a, b) => b - a);
    this.lengths = { 4: lengths(4), 6: lengths(6) };
  }

  /** Undefined also for what is not one address. */
  find(address: string): Cidr | undefined {
    const single = addressBlock(address);
    if (single === undefined) return undefined;
    const { family, start } = unmap(single);
    for (const prefix of this.lengths[family]) {
      const found = this.tables[family].get(prefix)?.get(start & ~(sizeOf(family, prefix) - 1n));
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
