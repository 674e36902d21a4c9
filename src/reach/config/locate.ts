import { isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap } from 'yaml';
import { keyText } from './plain.ts';
import type { Path } from './problem.ts';

/** Offset of a value in the text, or of its key; of the nearest parent where it does not exist. */
export type Locator = (path: Path, part: 'key' | 'value') => number;

export function locator(root: Node | null, text: string): Locator {
  const pairsOf = pairIndex();
  return (path, part) => {
    let node: unknown = root;
    let offset = start(root) ?? 0;
    for (const [depth, step] of path.entries()) {
      if (isSeq(node) && typeof step === 'number') {
        node = node.items[step];
      } else if (isMap(node)) {
        const pair = pairsOf(node).get(String(step));
        offset = start(pair?.key) ?? offset;
        if (part === 'key' && depth === path.length - 1) return offset;
        node = pair?.value;
      } else {
        return isScalar(node) && typeof step === 'number'
          ? offset + entryStart(textOf(node, text), step)
          : offset;
      }
      offset = start(node) ?? offset;
    }
    return offset;
  };
}

/** Where a node starts in the text. */
export function start(node: unknown): number | undefined {
  return (node as Partial<Node> | null | undefined)?.range?.[0];
}

/** The pairs of a map by key, made once: thousands of problems in one map would each look through all of it. */
function pairIndex(): (map: YAMLMap) => ReadonlyMap<string, Pair> {
  const made = new WeakMap<YAMLMap, ReadonlyMap<string, Pair>>();
  return (map) => {
    const pairs = made.get(map) ?? new Map(map.items.map((pair) => [keyText(pair.key) ?? '', pair]));
    made.set(map, pairs);
    return pairs;
  };
}

/** Where the entry stands in a list that is written as one text. */
function entryStart(text: string, index: number): number {
  const entries = [...text.matchAll(/[^\s,"']+/gu)];
  return entries[index]?.index ?? 0;
}

function textOf(node: Node, text: string): string {
  const [from, to] = node.range ?? [0, 0];
  return text.slice(from, to);
}
