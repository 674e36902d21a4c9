import { addressBlock, sizeOf, toBlock, unmap } from './block.ts';
import { packIpv4, prefixOf, startOf } from './ipv4.ts';
import type { Cidr, Family } from './network.ts';

/** Finds the narrowest of many networks that holds an address: a lookup for each prefix length in use. */
export class NetworkIndex {
  /** By prefix length, then by what it covers; of IPv4 these are plain numbers. */
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
        this.table(family, prefix).set(leading(start, prefix), network);
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
      const table = this.tables[family].get(prefix);
      const found = table?.get(
        family === 4 ? Number(start & ~(sizeOf(4, prefix) - 1n)) | 0 : leading(start, prefix),
      );
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

/** Those of `some` that lie in one of `others`, as members of a `hash:net` set; what is no plain network lies in none. */
export function coveredBy(some: readonly string[], others: readonly string[]): ReadonlySet<string> {
  if (some.length === 0 || others.length === 0) return new Set();
  const index = new NetworkIndex(others.filter(isNetwork));
  return new Set(
    some.filter((one) => {
      const [address = '', prefix = '128'] = isNetwork(one) ? one.split('/') : [];
      const found = index.find(address);
      return found !== undefined && Number(found.split('/')[1] ?? 128) <= Number(prefix);
    }),
  );
}

function isNetwork(member: string): member is Cidr {
  return /^[0-9a-f:.]+(?:\/\d+)?$/.test(member);
}

/** The bits that a prefix covers. V8 hashes a bigint by its lowest 64 bits, which are zero in the start of every /64. */
function leading(address: bigint, prefix: number): bigint {
  return address >> BigInt(128 - prefix);
}
