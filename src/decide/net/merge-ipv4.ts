import { endOf, ipv4Text, isSecondHalf, packIpv4, packOf, prefixOf, startOf } from './ipv4.ts';
import type { Cidr } from './network.ts';

/** So that a number can hold an address and a place in a list; a set holds half as many. */
const mostPlaces = 2 ** 21;

/** The same addresses in the fewest networks, by number; the list itself where it is that already. */
export function mergeIpv4(list: readonly Cidr[]): readonly Cidr[] {
  const packed = Float64Array.from(list, (network) => packIpv4(network) ?? Number.NaN);
  const wrong = packed.findIndex(Number.isNaN);
  if (wrong >= 0) throw new TypeError(`not a canonical network: ${list[wrong]}`);
  if (isMerged(packed)) return list;
  const fewest = new Fewest();
  // By address, and then by place: plain numbers are sorted quickly.
  if (list.length > mostPlaces) for (const block of packed.sort()) fewest.add(block, undefined);
  else
    for (const key of packed.map((one, place) => startOf(one) * mostPlaces + place).sort()) {
      const place = key % mostPlaces;
      fewest.add(packed[place] ?? 0, list[place]);
    }
  return fewest.texts.map(
    (text, index) =>
      text ?? (ipv4Text(startOf(fewest.blocks[index] ?? 0), prefixOf(fewest.blocks[index] ?? 0)) as Cidr),
  );
}

function isMerged(packed: Float64Array): boolean {
  let last = -1;
  for (const one of packed) {
    if (last >= 0 && (startOf(one) < endOf(last) || isSecondHalf(last, one))) return false;
    last = one;
  }
  return true;
}

/** Takes blocks in the order of their first address. */
class Fewest {
  readonly blocks: number[] = [];
  /** As they were written; undefined for what was made of two. */
  readonly texts: (Cidr | undefined)[] = [];

  add(block: number, text: Cidr | undefined): void {
    const last = this.blocks.at(-1);
    if (last !== undefined && startOf(block) < endOf(last)) {
      // Of those that begin at the same address the widest counts.
      if (startOf(block) !== startOf(last) || prefixOf(block) >= prefixOf(last)) return;
      this.drop();
    }
    let [whole, words] = [block, text];
    // A whole made of two halves may be the second half of a larger one.
    for (
      let half = this.blocks.at(-1);
      half !== undefined && isSecondHalf(half, whole);
      half = this.blocks.at(-1)
    ) {
      whole = packOf(startOf(half), prefixOf(half) - 1);
      words = undefined;
      this.drop();
    }
    this.blocks.push(whole);
    this.texts.push(words);
  }

  private drop(): void {
    this.blocks.pop();
    this.texts.pop();
  }
}
