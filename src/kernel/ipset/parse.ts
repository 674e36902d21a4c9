import type { ForeignSet, ObservedSet } from '../../diff/model.ts';
import type { Family } from '../../net/network.ts';

/** Options of a create line that do not change what membership means. */
const harmless = new Set([
  'family',
  'hashsize',
  'maxelem',
  'bucketsize',
  'initval',
  'counters',
  'comment',
  'size',
]);
const flags = new Set(['counters', 'comment', 'skbinfo', 'forceadd']);

/** Takes in the lines of some of the sets. */
interface Reader<T> {
  readonly create: (name: string, type: string, options: readonly string[]) => void;
  readonly add: (name: string, member: string, options: readonly string[]) => void;
  readonly result: () => readonly T[];
}

/** What all sets look like from here. */
export interface SavedSets {
  readonly sets: readonly ObservedSet[];
  readonly foreign: readonly ForeignSet[];
}

/** What `ipset save` printed: the sets that are ours with all members, and the headers of the others. See {@link parseSets}. */
export function parseAll(text: string, isOurs: (name: string) => boolean): SavedSets {
  const ours = wholeSets();
  const others = headers();
  readLines(text, (name) => (isOurs(name) ? ours : others));
  return { sets: ours.result(), foreign: others.result() };
}

/**
 * The sets that `ipset save` printed whose name `keep` wants. A set made with options that change what it
 * matches (netmask, a default timeout, forced adding) gets them in its type, so it is equal to none of ours.
 * A member that is an exception (`nomatch`) is spelled so. Never throws: lines it cannot read are passed over.
 */
export function parseSets(text: string, keep: (name: string) => boolean): readonly ObservedSet[] {
  const wanted = wholeSets();
  readLines(text, (name) => (keep(name) ? wanted : undefined));
  return wanted.result();
}

function wholeSets(): Reader<ObservedSet> {
  const sets = new Map<string, { readonly set: ObservedSet; readonly members: Map<string, number> }>();
  return {
    create: (name, type, options) => {
      const members = new Map<string, number>();
      sets.set(name, { set: { name, members, ...shapeOf(type, options) }, members });
    },
    add: (name, member, options) => {
      const text = options.includes('nomatch') ? `${member} nomatch` : member;
      sets.get(name)?.members.set(text, timeLeft(options));
    },
    result: () => [...sets.values()].map(({ set }) => set),
  };
}

/** Members are counted and summed up, and not kept; but for those that are sets. */
function headers(): Reader<ForeignSet> {
  const sets = new Map<
    string,
    { readonly header: ForeignSet; readonly lists: string[]; sum: number; size: number }
  >();
  return {
    create: (name, text, options) => {
      const { type, family } = shapeOf(text, options);
      const lists: string[] = [];
      sets.set(name, { header: { name, type, family, lists, content: '' }, lists, sum: 0, size: 0 });
    },
    add: (name, member, options) => {
      const set = sets.get(name);
      if (set === undefined) return;
      if (set.header.type.startsWith('list:set')) set.lists.push(member);
      set.size += 1;
      // A sum: the order in which a hash prints its members is none.
      set.sum = (set.sum + checksum(options.includes('nomatch') ? `!${member}` : member)) >>> 0;
    },
    result: () =>
      [...sets.values()].map(({ header, sum, size }) => ({
        ...header,
        content: `${size}:${sum.toString(36)}`,
      })),
  };
}

/** FNV-1a, 32 bits: cheap enough for each member of a long list, at every look. */
function checksum(text: string): number {
  let hash = 0x811c_9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x0100_0193);
  }
  return hash >>> 0;
}

function readLines(
  text: string,
  readerOf: (name: string) => Pick<Reader<unknown>, 'create' | 'add'> | undefined,
): void {
  // Only comments are quoted, and a quote cannot stand in one, but a newline can.
  for (const line of text.replaceAll(/"[^"]*"/g, '""').split('\n')) {
    const [verb, name = '', subject = '', ...rest] = line.split(' ');
    if (verb === 'create') readerOf(name)?.create(name, subject, rest);
    else if (verb === 'add') readerOf(name)?.add(name, subject, rest);
  }
}

function shapeOf(type: string, words: readonly string[]): Pick<ObservedSet, 'type' | 'family' | 'expiring'> {
  const options = new Map<string, string>();
  for (let i = 0; i < words.length; i += 1) {
    const option = words[i] ?? '';
    options.set(option, flags.has(option) ? '' : (words[(i += 1)] ?? ''));
  }
  const family: Family = options.get('family') === 'inet6' ? 6 : 4;
  const expiring = options.get('timeout') === '0';
  const strange = [...options].filter(
    ([option, value]) => !harmless.has(option) && !(option === 'timeout' && value === '0'),
  );
  return {
    type: [type, ...strange.map(([option, value]) => `${option} ${value}`.trimEnd())].join(' '),
    family,
    expiring,
  };
}

/** Seconds; an entry of a set without timeouts, or with `timeout 0`, stays. */
function timeLeft(words: readonly string[]): number {
  const at = words.indexOf('timeout');
  return at === -1 ? 0 : Number(words[at + 1]);
}
