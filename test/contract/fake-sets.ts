import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Family } from '../../src/decide/net/network.ts';
import { ToolFailure } from './fake-failure.ts';

/** One set; the members of a `list:set` are names of sets. A member's time is the clock's at which it goes; 0 for one that stays. */
interface FakeSet {
  /** Made with room for a comment at each member. */
  readonly comments: boolean;
  readonly notes: Map<string, string>;
  readonly type: string;
  readonly family: Family;
  readonly maxelem: number;
  /** Seconds that an entry gets without a time of its own; 0 for ever; undefined: made without timeouts. */
  readonly timeout: number | undefined;
  readonly counters: boolean;
  /** A new member takes the place of another where the set is full. */
  readonly forceadd: boolean;
  readonly members: Map<string, number>;
}

export type FakeSets = Map<string, FakeSet>;

/** What the fake needs to know to carry a line out. */
export interface SetSurroundings {
  readonly exist: boolean;
  /** Milliseconds. */
  readonly now: number;
  readonly inUse: (name: string) => boolean;
  readonly types: readonly string[];
}

/** Carries one line of `ipset restore` out. Throws a ToolFailure for what ipset would refuse. */
export function editSets(sets: FakeSets, line: string, around: SetSurroundings): void {
  const comment = / comment "([^"]*)"$/.exec(line)?.[1];
  const [verb = '', name = '', subject = '', ...rest] = line.replace(/ comment "[^"]*"$/, '').split(' ');
  const listed = (): boolean => isListed(sets, name);
  if (name.length > 31) throw new ToolFailure(`Syntax error: setname '${name}' is longer than 31 characters`);
  switch (verb) {
    case 'create':
      create(sets, name, { ...around, made: readSet(subject, rest, around) });
      return;
    case 'add':
      if (isList(find(sets, name))) addSet(sets, { list: find(sets, name), name: subject }, around);
      else
        for (const one of eachPort(subject))
          add(find(sets, name), { words: [one, ...rest], comment, around });
      return;
    case 'del':
      for (const one of eachPort(subject)) remove(find(sets, name), { subject: one, sets }, around);
      return;
    case 'destroy':
      destroy(sets, name, { ...around, inUse: (set) => around.inUse(set) || listed() });
      return;
    case 'flush':
      find(sets, name).members.clear();
      return;
    case 'swap':
      swap(sets, name, subject);
      return;
    default:
      throw new ToolFailure(`No command specified: unknown argument ${verb}`);
  }
}

/** `tcp:80-82` is three members to the kernel. */
function eachPort(member: string): readonly string[] {
  const [, head, from, to, tail = ''] = /^((?:.*(?:tcp|udp|sctp):)?)(\d+)-(\d+)(,.*)?$/.exec(member) ?? [];
  if (head === undefined) return [member];
  return Array.from(
    { length: Number(to) - Number(from) + 1 },
    (_, index) => `${head}${Number(from) + index}${tail}`,
  );
}

/** Forgets what has run out. */
export function expire(sets: FakeSets, now: number): void {
  for (const { members } of sets.values()) {
    for (const [member, goes] of members) if (goes !== 0 && goes <= now) members.delete(member);
  }
}

/** All sets as `ipset save` prints them. */
export function printSets(sets: FakeSets, now: number, only?: string): string {
  // Lists come last: what they list has to be there before them.
  return [...sets]
    .filter(([name]) => only === undefined || name === only)
    .toSorted(([, a], [, b]) => Number(isList(a)) - Number(isList(b)))
    .flatMap(([name, set]) => {
      if (isList(set)) {
        const lines = [...set.members.keys()].map((member) => `add ${name} ${member}\n`);
        return [`create ${name} list:set size ${set.maxelem}\n`, ...lines];
      }
      if (set.type === 'bitmap:port') {
        const lines = [...set.members.keys()].map((member) => `add ${name} ${member}\n`);
        return [`create ${name} bitmap:port range 0-65535\n`, ...lines];
      }
      const inet = set.family === 4 ? 'inet' : 'inet6';
      const time = set.timeout === undefined ? '' : ` timeout ${set.timeout}`;
      const size = `hashsize 1024 maxelem ${set.maxelem}`;
      const counters = set.counters ? ' counters' : '';
      return [
        // ipset 7.17 does not print `forceadd`
        `create ${name} ${set.type} family ${inet} ${size}${time}${counters}${set.comments ? ' comment' : ''} bucketsize 12 initval 0x00000000\n`,
        ...[...set.members].map(([member, goes]) => {
          const [text = '', nomatch] = member.split(' ');
          const left = goes === 0 ? 0 : Math.ceil((goes - now) / 1000);
          const tail = set.timeout === undefined ? '' : ` timeout ${left}`;
          const note = set.notes.get(member);
          const counted = set.counters ? ' packets 0 bytes 0' : '';
          const comment = note === undefined ? '' : ` comment "${note}"`;
          return `add ${name} ${text}${tail}${counted}${comment}${nomatch === undefined ? '' : ' nomatch'}\n`;
        }),
      ];
    })
    .join('');
}

/** What a packet of this family is held against in a set, or in the sets that it lists: those of the other family are passed over. */
export function* matchableMembers(
  sets: FakeSets,
  name: string,
  { family, now }: { readonly family: Family; readonly now: number },
): Iterable<string> {
  const set = sets.get(name);
  if (set === undefined) return;
  if (isList(set)) {
    for (const one of set.members.keys()) yield* matchableMembers(sets, one, { family, now });
  } else if (set.family === family || set.type === 'bitmap:port') {
    for (const [member, goes] of set.members) if (goes === 0 || goes > now) yield member;
  }
}

/** What a rule may use it for. */
export function familyOfSet(set: FakeSet | undefined): Family | 'any' | undefined {
  return set !== undefined && (isList(set) || set.type === 'bitmap:port') ? 'any' : set?.family;
}

function isList({ type }: FakeSet): boolean {
  return type === 'list:set';
}

function isListed(sets: FakeSets, name: string): boolean {
  return [...sets.values()].some((set) => isList(set) && set.members.has(name));
}

function addSet(
  sets: FakeSets,
  { list, name }: { readonly list: FakeSet; readonly name: string },
  { exist }: SetSurroundings,
): void {
  const set = sets.get(name);
  if (set === undefined) throw new ToolFailure('Set to be added/deleted/tested as element does not exist.');
  if (isList(set)) throw new ToolFailure('Sets with list:set type cannot be added to the set.');
  if (list.members.has(name) && !exist)
    throw new ToolFailure("Element cannot be added to the set: it's already added");
  list.members.set(name, 0);
}

function find(sets: FakeSets, name: string): FakeSet {
  const set = sets.get(name);
  if (set === undefined) throw new ToolFailure('The set with the given name does not exist');
  return set;
}

function readSet(type: string, words: readonly string[], { types }: SetSurroundings): FakeSet {
  if (!types.includes(type)) throw new ToolFailure('Kernel error received: set type not supported');
  const option = (name: string): string | undefined =>
    words.includes(name) ? words[words.indexOf(name) + 1] : undefined;
  const timeout = option('timeout');
  return {
    type,
    family: option('family') === 'inet6' ? 6 : 4,
    comments: words.includes('comment'),
    notes: new Map(),
    maxelem: Number(type === 'list:set' ? (option('size') ?? 8) : (option('maxelem') ?? 65_536)),
    timeout: timeout === undefined ? undefined : Number(timeout),
    counters: words.includes('counters'),
    forceadd: words.includes('forceadd'),
    members: new Map(),
  };
}

function create(
  sets: FakeSets,
  name: string,
  { exist, made }: SetSurroundings & { readonly made: FakeSet },
): void {
  const old = sets.get(name);
  const same = (['type', 'family', 'maxelem', 'timeout', 'counters', 'forceadd', 'comments'] as const).every(
    (key) => old?.[key] === made[key],
  );
  if (old !== undefined && !(exist && same)) {
    throw new ToolFailure('Set cannot be created: set with the same name already exists');
  }
  if (old === undefined) sets.set(name, made);
}

function add(
  set: FakeSet,
  {
    words,
    comment,
    around,
  }: {
    readonly words: readonly string[];
    readonly comment: string | undefined;
    readonly around: SetSurroundings;
  },
): void {
  if (comment !== undefined && !set.comments)
    throw new ToolFailure('Comment cannot be used: set was created without comment support');
  const [subject = '', ...options] = words;
  const own = options.includes('timeout') ? Number(options[options.indexOf('timeout') + 1]) : undefined;
  if (own !== undefined && set.timeout === undefined) {
    throw new ToolFailure('Timeout cannot be used: set was created without timeout support');
  }
  const member = canonicalMember(set, subject);
  const twin = `${member} nomatch`;
  const found = set.members.has(member) || set.members.has(twin);
  if (found && !around.exist) throw new ToolFailure("Element cannot be added to the set: it's already added");
  const full = !found && set.members.size >= set.maxelem;
  if (full && set.forceadd) set.members.delete([...set.members.keys()][0] ?? '');
  else if (full) {
    throw new ToolFailure('Hash is full, cannot add more elements');
  }
  const seconds = own ?? set.timeout ?? 0;
  set.notes.delete(member);
  if (comment !== undefined) set.notes.set(member, comment);
  set.members.delete(member);
  set.members.delete(twin);
  set.members.set(
    options.includes('nomatch') ? twin : member,
    seconds === 0 ? 0 : around.now + seconds * 1000,
  );
}

function remove(
  set: FakeSet,
  { subject, sets }: { readonly subject: string; readonly sets: FakeSets },
  { exist }: SetSurroundings,
): void {
  // also with -exist (ipset 7.17)
  if (isList(set) && !sets.has(subject))
    throw new ToolFailure('Set to be added/deleted/tested as element does not exist.');
  const member = canonicalMember(set, subject);
  const found = set.members.delete(member) || set.members.delete(`${member} nomatch`);
  if (!found && !exist) throw new ToolFailure("Element cannot be deleted from the set: it's not added");
}

/** Members change places; whoever refers to a name goes on doing so. */
function swap(sets: FakeSets, name: string, other: string): void {
  const [a, b] = [find(sets, name), find(sets, other)];
  if (a.type !== b.type || a.family !== b.family)
    throw new ToolFailure('The sets cannot be swapped: their type does not match');
  sets.set(name, b);
  sets.set(other, a);
}

function destroy(sets: FakeSets, name: string, { exist, inUse }: SetSurroundings): void {
  if (!sets.has(name)) {
    if (exist) return;
    throw new ToolFailure('The set with the given name does not exist');
  }
  if (inUse(name)) throw new ToolFailure('Set cannot be destroyed: it is in use by a kernel component');
  sets.delete(name);
}

/** `hash:net,port` has a network, then a port: one part of the member for each part of the type. */
function canonicalMember({ type, family }: FakeSet, text: string): string {
  if (type === 'list:set') return text;
  if (type === 'bitmap:port') return String(Number(text));
  const kinds = type.slice('hash:'.length).split(',');
  const parts = text.split(',');
  if (parts.length !== kinds.length) {
    throw new ToolFailure(`Syntax error: ${kinds.length} elements must be given, in ${text}`);
  }
  return parts
    .map((part, index) => (kinds[index] === 'port' ? canonicalPort(part) : canonicalNetwork(part, family)))
    .join(',');
}

function canonicalPort(text: string): string {
  const [, protocol = 'tcp', port = ''] = /^(?:(tcp|udp|sctp):)?(\d{1,5})$/.exec(text) ?? [];
  if (port === '' || Number(port) > 65_535)
    throw new ToolFailure(`Syntax error: cannot parse '${text}' as a port`);
  return `${protocol}:${port}`;
}

function canonicalNetwork(text: string, family: Family): string {
  const [address = '', prefixText] = text.split('/');
  const full = family === 4 ? 32 : 128;
  const prefix = Number(prefixText ?? full);
  if (isIP(address) !== family) {
    throw new ToolFailure(`Syntax error: cannot parse ${address}: resolving to IPv${family} address failed`);
  }
  if (!(prefix >= 1 && prefix <= full)) {
    throw new ToolFailure('The value of the CIDR parameter of the IP address is invalid');
  }
  const network =
    family === 4
      ? ipaddr.IPv4.networkAddressFromCIDR(`${address}/${prefix}`).toString()
      : ipaddr.IPv6.networkAddressFromCIDR(`${address}/${prefix}`).toRFC5952String();
  return prefix === full ? network : `${network}/${prefix}`;
}
