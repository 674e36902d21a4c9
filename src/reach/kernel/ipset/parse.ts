import type { ForeignSet, ObservedSet } from '../../../decide/diff/model.ts';
import type { Family } from '../../../decide/net/network.ts';
import { cleanNote } from '../../../decide/net/note.ts';
import { PortSetReading } from './port-set.ts';

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

/** See {@link SetParser}; for a text that is all there. */
export function parseSets(text: string, keep: (name: string) => boolean): readonly ObservedSet[] {
  const parser = new SetParser(keep);
  parser.feed(text);
  return parser.end();
}

/** One set while its lines come. */
interface Reading {
  readonly head: Omit<ObservedSet, 'members' | 'notes' | 'packets'>;
  readonly takesNotes: boolean;
  /** Undefined where the set does not count. */
  readonly packets: Map<string, number> | undefined;
  /** `add NAME `. */
  readonly prefix: string;
  /** The same set as it was printed the last time, its members in order. */
  readonly before: ObservedSet | undefined;
  readonly order: readonly string[];
  /** So far the lines are those of the last time: this many. */
  at: number;
  /** From the first line on that is not. */
  members: Map<string, number> | undefined;
  readonly notes: Map<string, string>;
  /** Where members are ports that stay: they are read as numbers. */
  readonly ports: PortSetReading | undefined;
}

/** A set that is not wanted while its lines come: members are counted and summed up, and not kept, but for those that are sets. */
interface Passing {
  readonly head: Omit<ForeignSet, 'content' | 'lists'>;
  readonly prefix: string;
  readonly lists: string[];
  size: number;
  sum: number;
}

/**
 * The sets that `ipset save` prints whose name `keep` wants, read in pieces. A set made with options that change what it
 * matches (netmask, a default timeout, forced adding) gets them in its type, so it is equal to none of ours.
 * A member that is an exception (`nomatch`) is spelled so. Never throws: lines it cannot read are passed over.
 *
 * A set that is as it was `before` is given back as that very object: a list of 100,000 is looked at with every pass, and
 * changes once a day. Where nothing has changed, nothing is made.
 */
export class SetParser {
  private readonly keep: (name: string) => boolean;
  private readonly which: 'all' | 'passing';
  private readonly before: ReadonlyMap<string, ObservedSet>;
  private readonly sets: ObservedSet[] = [];
  private rest = '';
  /** A line that ended within quotes: only comments are quoted, and a quote cannot stand in one, but a newline can. */
  private open: string | undefined;
  private reading: Reading | undefined;
  private passing: Passing | undefined;
  private readonly others: ForeignSet[] = [];

  /** @param which `passing`: members that stay for good are left out. */
  constructor(
    keep: (name: string) => boolean,
    before: readonly ObservedSet[] = [],
    which: 'all' | 'passing' = 'all',
  ) {
    this.keep = keep;
    this.which = which;
    this.before = new Map(before.map((set) => [set.name, set]));
  }

  feed(piece: string): void {
    const text = this.rest + piece;
    let quote = text.indexOf('"');
    let from = 0;
    for (let to = text.indexOf('\n'); to !== -1; to = text.indexOf('\n', from)) {
      if (quote !== -1 && quote < from) quote = text.indexOf('"', from);
      const plain = this.open === undefined && (quote === -1 || quote > to);
      if (!plain) this.quoted(text.slice(from, to));
      else if (this.which === 'passing' && text.startsWith(permanent, to - permanent.length)) {
        // one of many
      } else if (!this.isAsBefore(text, from, to)) this.line(text, from, to);
      from = to + 1;
    }
    this.rest = text.slice(from);
  }

  end(): readonly ObservedSet[] {
    if (this.rest !== '') this.feed('\n');
    this.finish();
    return this.sets;
  }

  /** The headers of all sets that were not wanted; complete after {@link end}. */
  get foreign(): readonly ForeignSet[] {
    return this.others;
  }

  /** The usual line: the same permanent member as the last time. Not even a string is made of it. */
  private isAsBefore(text: string, from: number, to: number): boolean {
    const { reading } = this;
    if (reading?.before === undefined || reading.members !== undefined || reading.ports !== undefined)
      return false;
    const expected = reading.order[reading.at];
    if (expected === undefined || reading.before.members.get(expected) !== 0) return false;
    const start = from + reading.prefix.length;
    const end = start + expected.length;
    if (!text.startsWith(reading.prefix, from) || !text.startsWith(expected, start)) return false;
    if (end !== to && !(to - end === permanent.length && text.startsWith(permanent, end))) return false;
    reading.at += 1;
    return true;
  }

  private quoted(piece: string): void {
    const text = this.open === undefined ? piece : `${this.open}\n${piece}`;
    const whole = (text.split('"').length - 1) % 2 === 0;
    this.open = whole ? undefined : text;
    if (whole) this.line(text, 0, text.length);
  }

  private line(text: string, from: number, to: number): void {
    if (text.startsWith('add ', from)) {
      if (this.reading !== undefined && text.startsWith(this.reading.prefix, from)) {
        const start = from + this.reading.prefix.length;
        if (this.reading.ports?.addNumber(text, start, to) !== true)
          this.member(this.reading, text.slice(start, to));
      } else if (this.passing !== undefined && text.startsWith(this.passing.prefix, from))
        passBy(this.passing, text, { from: from + this.passing.prefix.length, to });
      return;
    }
    this.finish();
    const [verb, name = '', type = '', ...words] = text.slice(from, to).split(' ');
    if (verb !== 'create') return;
    if (this.keep(name)) this.begin(name, type, words);
    else {
      const head = { name: flat(name), type: shapeOf(type, words).type, family: shapeOf(type, words).family };
      this.passing = { head, prefix: `add ${name} `, lists: [], size: 0, sum: 0 };
    }
  }

  private begin(name: string, type: string, words: readonly string[]): void {
    const head = { name: flat(name), ...shapeOf(type, words) };
    const before = this.before.get(name);
    this.reading = {
      head,
      takesNotes: words.includes('comment'),
      packets: words.includes('counters') ? new Map() : undefined,
      prefix: `add ${name} `,
      before,
      order: before === undefined ? [] : orderOf(before.members),
      at: 0,
      members: undefined,
      notes: new Map(),
      ports: type.includes('port') && !head.expiring ? new PortSetReading() : undefined,
    };
  }

  private member(reading: Reading, text: string): void {
    if (reading.ports !== undefined) {
      reading.ports.add(text);
      return;
    }
    const comment = /comment "([^"]*)"/.exec(text)?.[1];
    const [subject = '', ...rest] = text.replace(/"[^"]*"/, '""').split(' ');
    const name = rest.includes('nomatch') ? `${subject} nomatch` : subject;
    const { order } = reading;
    const members = (reading.members ??= startOf(order, reading.at));
    // The same strings as the last time, as far as it goes: others would keep all that they were cut out of.
    if (order[reading.at] !== name && order[reading.at + 1] === name) reading.at += 1;
    const known = order[reading.at] === name ? order[reading.at] : undefined;
    if (known !== undefined) reading.at += 1;
    const member = known ?? flat(name);
    const secondsLeft = timeLeft(rest);
    members.set(member, secondsLeft);
    const packets = countOf(rest);
    if (packets !== undefined) reading.packets?.set(member, packets);
    const note = secondsLeft > 0 ? cleanNote(comment ?? '') : '';
    if (note !== '') reading.notes.set(member, flat(note));
  }

  private finish(): void {
    const { reading, passing } = this;
    this.reading = undefined;
    this.passing = undefined;
    if (passing !== undefined) {
      const { head, lists, size, sum } = passing;
      this.others.push({ ...head, lists, content: `${size}:${sum.toString(36)}` });
    }
    if (reading === undefined) return;
    if (reading.ports !== undefined) {
      this.sets.push(portSet(reading, reading.ports));
      return;
    }
    const { head, before, order, at, notes, packets } = reading;
    const same = reading.members === undefined && at === order.length;
    const members = same && before !== undefined ? before.members : (reading.members ?? startOf(order, at));
    if (!same) orders.set(members, [...members.keys()]);
    const set: ObservedSet = {
      ...head,
      members,
      ...(reading.takesNotes ? { notes } : {}),
      ...(packets === undefined ? {} : { packets }),
    };
    this.sets.push(same && before !== undefined && isSameShape(before, set) ? before : set);
  }
}

/** Its members are the same object as the last time where they are the same. */
function portSet({ head, before, packets }: Reading, ports: PortSetReading): ObservedSet {
  const members = ports.members();
  const known = before === undefined ? [] : orderOf(before.members);
  const same =
    before !== undefined && known.length === members.length && members.every((one, at) => one === known[at]);
  return {
    ...head,
    members: same ? before.members : new Map(members.map((member) => [member, 0])),
    ...(packets === undefined ? {} : { packets: ports.packets }),
  };
}

/** One line of a ban list that may have a million: no string is made of it. The order in which a hash prints its members is none. */
function passBy(
  set: Passing,
  text: string,
  { from, to }: { readonly from: number; readonly to: number },
): void {
  if (set.head.type.startsWith('list:set')) set.lists.push(flat(text.slice(from, to)));
  set.size += 1;
  // FNV-1a, 32 bits, of the member without its time
  let hash = text.startsWith(' nomatch', to - ' nomatch'.length) ? 0x9dc5_811c : 0x811c_9dc5;
  for (let at = from; at < to; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x20) break;
    hash = Math.imul(hash ^ code, 0x0100_0193);
  }
  set.sum = (set.sum + hash) >>> 0;
}

const permanent = ' timeout 0';

/** Members in the order in which they were printed. */
const orders = new WeakMap<ObservedSet['members'], readonly string[]>();

function orderOf(members: ObservedSet['members']): readonly string[] {
  return orders.get(members) ?? [...members.keys()];
}

/** The first members of the last time, all permanent. */
function startOf(order: readonly string[], length: number): Map<string, number> {
  const members = new Map<string, number>();
  for (let at = 0; at < length; at += 1) members.set(order[at] ?? '', 0);
  return members;
}

function isSameShape(a: ObservedSet, b: ObservedSet): boolean {
  const notes = (a.notes === undefined) === (b.notes === undefined);
  return a.type === b.type && a.family === b.family && a.expiring === b.expiring && notes;
}

/** A copy: what V8 cuts out of a text keeps the whole text. */
function flat(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
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
    ([option, value]) =>
      !harmless.has(option) &&
      !(option === 'timeout' && value === '0') &&
      !(option === 'range' && value === '0-65535'),
  );
  return {
    type: [type, ...strange.map(([option, value]) => `${option} ${value}`.trimEnd())].join(' '),
    family,
    expiring,
  };
}

/** What an entry of a set with counters has counted. */
function countOf(words: readonly string[]): number | undefined {
  const at = words.indexOf('packets');
  return at === -1 ? undefined : Number(words[at + 1]);
}

/** Seconds; an entry of a set without timeouts, or with `timeout 0`, stays. */
function timeLeft(words: readonly string[]): number {
  const at = words.indexOf('timeout');
  return at === -1 ? 0 : Number(words[at + 1]);
}
