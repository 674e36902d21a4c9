import { rangeText } from '../net/port-run.ts';
import { lockTable } from '../wall/lock.ts';
import type { Match, Rule, Target } from '../wall/model.ts';
import { setChanges } from './diff.ts';
import { lockWords } from './lock.ts';
import type { Plan, ReplaceMembers, RuleChange, SetChange, TableChange } from './model.ts';

/** One change in words. `sign` is `+` for what is put in, `-` for what is taken away. */
export interface Description {
  readonly sign: '+' | '-';
  readonly where: string;
  readonly what: string;
}

/** What a plan does, for people: the members of one set on one line, one line a rule. */
export function describe(plan: Plan): readonly Description[] {
  return [
    ...describeSets(setChanges(plan)),
    ...plan.tables.flatMap(describeTable),
    ...lockWords(plan.lock).map(([sign, what]): Description => ({ sign, where: lockPlace, what })),
    ...plan.destroy.map((name): Description => ({ sign: '-', where: `set ${name}`, what: 'the whole set' })),
  ];
}

const lockPlace = `the lock (table inet ${lockTable})`;
const shownMembers = 12;

function describeSets(changes: readonly SetChange[]): readonly Description[] {
  const lines: Description[] = [];
  const members = new Map<string, { sign: '+' | '-'; set: string; members: string[] }>();
  for (const change of changes) {
    switch (change.kind) {
      case 'create-set':
        lines.push({ sign: '+', where: `set ${change.set.name}`, what: `a new set (${change.set.type})` });
        break;
      case 'discard-set':
        lines.push({ sign: '-', where: `set ${change.name}`, what: 'a set of another type under our name' });
        break;
      case 'replace-members':
        lines.push(...replacementLines(change));
        break;
      case 'add-member':
      case 'delete-member': {
        const sign = change.kind === 'add-member' ? '+' : '-';
        const group = members.get(`${sign}${change.set}`) ?? { sign, set: change.set, members: [] };
        group.members.push(change.member);
        members.set(`${sign}${change.set}`, group);
        break;
      }
    }
  }
  const grouped = [...members.values()].map(({ sign, set, members }): Description => ({
    sign,
    where: `set ${set}`,
    what: memberWords(members),
  }));
  return [...lines, ...grouped];
}

function replacementLines({ set, added, removed, members }: ReplaceMembers): readonly Description[] {
  const where = `set ${set.name}`;
  const words = (count: number): string => (count === 1 ? '1 member' : `${count} members`);
  return [
    ...(removed === 0 ? [] : [{ sign: '-', where, what: words(removed) } as const]),
    ...(added === 0
      ? []
      : [{ sign: '+', where, what: `${words(added)}, ${members.length} in all, at once` } as const]),
  ];
}

/** The two halves that stand for every address become one word. */
function memberWords(members: readonly string[]): string {
  const words = [
    ...new Set(members.map((member) => member.replaceAll(/(0\.0\.0\.0|128\.0\.0\.0|8000::|::)\/1\b/g, '*'))),
  ];
  const more = words.length - shownMembers;
  return more > 0 ? `${words.slice(0, shownMembers).join(' ')} and ${more} more` : words.join(' ');
}

function describeTable({ family, backend, table, changes }: TableChange): readonly Description[] {
  const place = `${table}, IPv${family}, ${backend}`;
  return changes.flatMap((change) => describeRule(change, place));
}

function describeRule(change: RuleChange, place: string): readonly Description[] {
  const where = `chain ${change.chain} (${place})`;
  switch (change.kind) {
    case 'create-chain':
      return [{ sign: '+', where, what: 'a new chain' }];
    case 'delete-chain':
      return [{ sign: '-', where, what: 'the whole chain' }];
    case 'insert-rule':
      return [{ sign: '+', where, what: ruleWords(change.rule) }];
    case 'hook':
      return [{ sign: '+', where, what: `at the top: ${ruleWords(change.rule)}` }];
    case 'delete-rule':
    case 'unhook':
      return [{ sign: '-', where, what: specWords(change.spec) }];
  }
}

function ruleWords({ matches, target, note }: Rule): string {
  return `${[targetWords(target), ...matches.map(matchWords)].join(' ')} (${note})`;
}

function targetWords(target: Target): string {
  switch (target.kind) {
    case 'jump':
    case 'goto':
      return `go to ${target.chain}`;
    case 'set-mark':
      return 'set the mark';
    case 'clear-mark':
      return 'clear the mark';
    case 'set-connection-mark':
      return 'mark the connection as refused';
    case 'clear-connection-mark':
      return 'mark the connection as not refused';
    case 'forget-bound':
      return `take source and port out of ${target.set}`;
    case 'remember-asker':
      return `remember source and port in ${target.set}`;
    case 'remember-question':
      return `remember the port that asks in ${target.set}`;
    case 'accept':
    case 'drop':
    case 'return':
    case 'count':
      return target.kind;
  }
}

const stateWords = {
  NEW: 'new connections',
  RELATED: 'related packets',
  ESTABLISHED: 'packets of known connections',
  'RELATED,ESTABLISHED': 'established connections',
} as const;

const destinationWords = {
  UNICAST: 'to other hosts',
  LOCAL: 'to this host',
  'LOCAL,ANYCAST': 'to this host',
  'MULTICAST,BROADCAST': 'to a group or everybody',
} as const;

function matchWords(match: Match): string {
  switch (match.kind) {
    case 'in-interface':
      return `from interface ${match.name}`;
    case 'out-interface':
      return `to interface ${match.name}`;
    case 'out-docker-like':
      return 'to interfaces called br-*';
    case 'bridged-container':
      return 'between ports of one bridge';
    case 'reply-direction':
      return 'replies';
    case 'state':
      return stateWords[match.states];
    case 'protocol':
      return match.protocol;
    case 'icmp':
      return 'ICMP';
    case 'not-syn':
      return 'TCP without its beginning';
    case 'source':
      return `from ${match.network}`;
    case 'destination':
      return `${match.negated === true ? 'not ' : ''}to ${match.network}`;
    case 'destination-type':
      return `${match.negated === true ? 'not ' : ''}${destinationWords[match.type]}`;
    case 'set':
      return `${match.negated ? 'not ' : ''}in ${match.set}`;
    case 'port-set':
      return `${match.protocol} in ${match.set}`;
    case 'mark':
      return match.negated ? 'without the mark' : 'with the mark';
    case 'connection-mark':
      return 'of a refused connection';
    case 'port':
      return `port ${rangeText({ from: match.port, to: match.to ?? match.port })}/${match.protocol}`;
    case 'original-port':
      return `published as ${rangeText({ from: match.port, to: match.to ?? match.port })}`;
  }
}

/** A rule of ours that goes is told by the words in its comment; any other by its text. */
function specWords(spec: string): string {
  return /--comment "dockwall:\S+ ([^"]*)"/.exec(spec)?.[1] ?? spec;
}
