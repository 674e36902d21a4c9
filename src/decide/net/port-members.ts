import { firstIndex } from './first-index.ts';
import { shortestRun } from './port-run.ts';
import type { PortRange } from './port.ts';

/**
 * Members of sets that hold ports (`0.0.0.0/1,tcp:80`, `192.0.2.1,udp:53,203.0.113.7`, `80`) have one spelling here: ports in a row are one
 * member with a range (`tcp:20000-20999`), which `ipset restore` takes as it is, and fewer than {@link shortestRun} are members by themselves.
 * The kernel keeps each port apart, and `ipset save` prints them so. Members without a port are themselves.
 */
const portMember = /^((?:.*,(?:tcp|udp|sctp):)?)(\d+)(?:-(\d+))?(,.*)?$/;

/** A quick no for networks, which may be very many. */
function mayHavePort(member: string): boolean {
  return member.includes(',') || !/[.:]/.test(member);
}

/** Port ranges by all else that a member says, and the members that have no port. */
class Members {
  readonly ranges = new Map<string, PortRange[]>();
  readonly plain = new Set<string>();

  constructor(members: Iterable<string>) {
    for (const member of members) {
      const [, head, from, to = from, tail = ''] = mayHavePort(member) ? (portMember.exec(member) ?? []) : [];
      if (head === undefined) this.plain.add(member);
      else {
        const key = `${head} ${tail}`;
        const range = { from: Number(from), to: Number(to) };
        const list = this.ranges.get(key);
        if (list === undefined) this.ranges.set(key, [range]);
        else list.push(range);
      }
    }
    for (const [key, list] of this.ranges) this.ranges.set(key, joined(list));
  }
}

/** Any members in the one spelling, sorted. */
export function joinMembers(members: Iterable<string>): readonly string[] {
  const { ranges, plain } = new Members(members);
  return [...plain, ...[...ranges].flatMap(([key, list]) => spell(key, list))].sort();
}

/** What `some` holds and `others` do not, in the one spelling, in the order of `some`; both are in the one spelling. */
export function membersBeside(some: readonly string[], others: Iterable<string>): readonly string[] {
  const there = new Set(others);
  const left = some.filter((member) => !there.has(member));
  if (!left.some((member) => portMember.test(member))) return left;
  const mine = new Members(left);
  const theirs = new Members(there);
  return [
    ...mine.plain,
    ...[...mine.ranges].flatMap(([key, list]) => spell(key, without(list, theirs.ranges.get(key) ?? []))),
  ];
}

/** Tells for single ports (`0.0.0.0/1,tcp:80`) whether they are in one of these members. */
export class MemberIndex {
  private readonly members: Members;

  constructor(members: Iterable<string>) {
    this.members = new Members(members);
  }

  has(member: string): boolean {
    const [, head, digits, , tail = ''] = portMember.exec(member) ?? [];
    if (head === undefined) return this.members.plain.has(member);
    const list = this.members.ranges.get(`${head} ${tail}`);
    return list !== undefined && holds(list, Number(digits));
  }
}

function holds(sorted: readonly PortRange[], port: number): boolean {
  const range = sorted[firstIndex(sorted, ({ to }) => to < port)];
  return range !== undefined && range.from <= port;
}

/** Sorted, and none touches the next. */
function joined(ranges: readonly PortRange[]): PortRange[] {
  const found: { from: number; to: number }[] = [];
  for (const { from, to } of ranges.toSorted((a, b) => a.from - b.from)) {
    const last = found.at(-1);
    if (last !== undefined && from <= last.to + 1) last.to = Math.max(last.to, to);
    else found.push({ from, to });
  }
  return found;
}

function without(ranges: readonly PortRange[], others: readonly PortRange[]): readonly PortRange[] {
  const left: PortRange[] = [];
  let next = 0;
  for (const range of ranges) {
    let { from } = range;
    while ((others[next]?.to ?? Infinity) < from) next += 1;
    for (let at = next; from <= range.to; at += 1) {
      const other = others[at];
      if (other === undefined || other.from > range.to) {
        left.push({ from, to: range.to });
        break;
      }
      if (other.from > from) left.push({ from, to: other.from - 1 });
      from = other.to + 1;
    }
  }
  return left;
}

function spell(key: string, ranges: readonly PortRange[]): readonly string[] {
  const [head = '', tail = ''] = key.split(' ');
  return ranges.flatMap(({ from, to }) => {
    const count = to - from + 1;
    if (count >= shortestRun) return [`${head}${from}-${to}${tail}`];
    return Array.from({ length: count }, (_, index) => `${head}${from + index}${tail}`);
  });
}
