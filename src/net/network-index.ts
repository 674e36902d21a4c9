import { addressBlock, sizeOf, toBlock, unmap } from './block.ts';
import { packIpv4, prefixOf, startOf } from './ipv4.ts';
import type { Cidr, Family } from './network.ts';

/** Finds the narrowest of many networks that holds an address: a lookup for each prefix length in use. */
export class NetworkIndex {
  /** By prefix length, then by first address; of IPv4 these are plain numbers. */
  private readonly tables: Readonly<Record<Family, Map<number, Map<number | bigint, Cidr>>>> = {
    4: new Map(),
    6: new Map(),
  };
  /** Longest prefix first. */
  private readonly lengths: Readonly<Record<Family, readonly number[]>>;

  constructor(networks: Iterable<Cidr>) {
    for (const network of networks) {
      const packed = packIpv4(network);
      if (packed !== undefined) this.table(4, prefixOf(packed)).set(startOf(packed) | 0, network);
      else {
        const { family, start, prefix } = toBlock(network);
        this.table(family, prefix).set(start, network);
      }
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
      const first = start & ~(sizeOf(family, prefix) - 1n);
      const found = this.tables[family].get(prefix)?.get(family === 4 ? Number(first) | 0 : first);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  private table(family: Family, prefix: number): Map<number | bigint, Cidr> {
    const table = this.tables[family].get(prefix) ?? new Map<number | bigint, Cidr>();
    this.tables[family].set(prefix, table);
    return table;
  }
}
