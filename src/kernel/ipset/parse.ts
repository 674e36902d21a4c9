import type { ObservedSet } from '../../diff/model.ts';
import type { Family } from '../../net/network.ts';

/** Options of a create line that do not change what membership means. */
const harmless = new Set(['family', 'hashsize', 'maxelem', 'bucketsize', 'initval', 'counters', 'comment']);
const flags = new Set(['counters', 'comment', 'skbinfo', 'forceadd']);

/**
 * The sets that `ipset save` printed whose name `keep` wants. A set made with options that change what it
 * matches (netmask, a default timeout, forced adding) gets them in its type, so it is equal to none of ours.
 * A member that is an exception (`nomatch`) is spelled so. Never throws: lines it cannot read are passed over.
 */
export function parseSets(text: string, keep: (name: string) => boolean): readonly ObservedSet[] {
  const sets = new Map<string, ParsedSet>();
  // Only comments are quoted, and a quote cannot stand in one, but a newline can.
  for (const line of text.replaceAll(/"[^"]*"/g, '""').split('\n')) {
    const [verb, name = '', subject = '', ...rest] = line.split(' ');
    if (!keep(name)) continue;
    if (verb === 'create') {
      const members = new Map<string, number>();
      const packets = rest.includes('counters') ? new Map<string, number>() : undefined;
      const counted = packets === undefined ? {} : { packets };
      sets.set(name, { set: { name, members, ...counted, ...shapeOf(subject, rest) }, members, packets });
    } else if (verb === 'add') {
      const member = rest.includes('nomatch') ? `${subject} nomatch` : subject;
      const set = sets.get(name);
      set?.members.set(member, timeLeft(rest));
      const packets = countOf(rest);
      if (packets !== undefined) set?.packets?.set(member, packets);
    }
  }
  return [...sets.values()].map(({ set }) => set);
}

interface ParsedSet {
  readonly set: ObservedSet;
  readonly members: Map<string, number>;
  readonly packets: Map<string, number> | undefined;
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
