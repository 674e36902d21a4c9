import { isAlias, isMap, isScalar, isSeq, type Node, type Pair } from 'yaml';
import { show } from '../../decide/net/show.ts';
import type { Path } from './problem.ts';

/** YAML without types: every value is the text as written (`0x2000`, `080`, `yes`), or null where none is. */
export type Plain = string | null | readonly Plain[] | PlainMap;
export interface PlainMap {
  readonly [key: string]: Plain;
}

/** A problem with the shape of a document, before any meaning. */
interface ShapeProblem {
  readonly path: Path;
  readonly problem: string;
  readonly at: Node;
}

interface PlainResult {
  readonly value: Plain;
  readonly problems: readonly ShapeProblem[];
}

/** Deeper than anything in the schema; keeps recursion shallow. */
const deepest = 20;
/** How many values aliases may repeat in all: a few lines of aliases of aliases would otherwise be gigabytes. */
const mostRepeated = 100_000;

export function isPlainMap(value: unknown): value is PlainMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A parsed YAML tree as plain values. What cannot be converted is null in the value, and a problem. */
export function toPlain(root: Node | null): PlainResult {
  const reader = new PlainReader();
  return { value: reader.read(root, []).value, problems: reader.problems };
}

interface Read {
  readonly value: Plain;
  /** How many scalars and collections it is made of. */
  readonly size: number;
}

const nothing: Read = { value: null, size: 1 };

class PlainReader {
  readonly problems: ShapeProblem[] = [];
  /** Finished anchors only, so an alias inside its own anchor finds none. */
  private readonly anchors = new Map<string, Read>();
  private repeated = 0;

  read(node: unknown, path: Path): Read {
    if (isAlias(node)) return this.alias(node, path);
    if (!isScalar(node) && !isSeq(node) && !isMap(node)) return nothing;
    const read =
      path.length > deepest ? this.refuse(node, path, 'this is nested too deeply') : this.content(node, path);
    if (node.anchor !== undefined) this.anchors.set(node.anchor, read);
    return read;
  }

  private content(node: Node, path: Path): Read {
    if (isScalar(node)) return this.scalar(node, path);
    if (isSeq(node)) {
      const items = node.items.map((item, index) => this.read(item, [...path, index]));
      return { value: items.map((item) => item.value), size: sum(items) };
    }
    return isMap(node) ? this.map(node.items, path) : nothing;
  }

  private scalar(node: Node & { value: unknown; source?: string }, path: Path): Read {
    const { value, source } = node;
    if (typeof value === 'string') return { value, size: 1 };
    if (value === null || value === undefined) return nothing;
    // Numbers and booleans: as written, not as read.
    if (source !== undefined && typeof value !== 'object') return { value: source, size: 1 };
    return this.refuse(node, path, 'this kind of value has no use here: write plain text');
  }

  private map(pairs: readonly Pair[], path: Path): Read {
    const entries = new Map<string, Read>();
    for (const { key, value } of pairs) {
      const name = keyText(key);
      if (name === undefined) {
        this.refuse(
          key as Node,
          path,
          'a key is plain text; an address with colons needs quotes: "2001:db8::7"',
        );
      } else if (entries.has(name)) {
        this.refuse(
          key as Node,
          [...path, name],
          `the key ${show(name)} stands here a second time: put both together`,
        );
      } else {
        entries.set(name, this.read(value, [...path, name]));
      }
    }
    const value = Object.fromEntries(Array.from(entries, ([name, read]) => [name, read.value]));
    return { value, size: sum([...entries.values()]) };
  }

  private alias(node: Node & { source: string }, path: Path): Read {
    const target = this.anchors.get(node.source);
    if (target === undefined)
      return this.refuse(
        node,
        path,
        `there is no finished anchor ${show(`&${node.source}`)} above this alias`,
      );
    this.repeated += target.size;
    if (this.repeated > mostRepeated) {
      return this.refuse(node, path, `aliases repeat more than ${mostRepeated} values: write the values out`);
    }
    return target;
  }

  private refuse(at: Node, path: Path, problem: string): Read {
    this.problems.push({ at, path, problem });
    return nothing;
  }
}

function sum(reads: readonly Read[]): number {
  return reads.reduce((size, read) => size + read.size, 1);
}

/**
 * A key as written, or undefined for one that is no text. `__proto__` is none either: zod would leave it
 * out without a word.
 */
export function keyText(key: unknown): string | undefined {
  if (!isScalar(key) || key.value === null) return undefined;
  const text = typeof key.value === 'string' ? key.value : key.source;
  return text === '__proto__' ? undefined : text;
}
