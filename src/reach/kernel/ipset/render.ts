import type { ReplaceMembers, SetChange } from '../../../decide/diff/model.ts';
import type { IpSet, SetName } from '../../../decide/wall/model.ts';
import { temporarySet } from '../../../decide/wall/names.ts';
import { note, number, word } from '../words.ts';

/**
 * The kernel's own limit is what memory holds; ipset's default of 65,536 is less than a country's networks. A full set would make every
 * pass fail, so what one container may put into sets is limited before (see policy/limits.ts).
 */
const largestSet = 16_777_216;
const pieceLines = 1000;
/** What ipset makes where nobody says; it doubles with each overflow, and fills anew. */
const usualHash = 1024;

/** Older kernels make room for so many sets in a list, and no more; with them 8 unless told. */
const longestList = 64;

/**
 * Changes as text for `ipset restore -exist`, in the order given. ipset carries lines out as it goes: at an
 * error the lines before it stay. Throws a TypeError for text that cannot be written safely.
 */
export function renderSets(changes: readonly SetChange[]): string {
  return changes.map((change) => `${linesOf(change)}\n`).join('');
}

/** Sets that nothing refers to any more, as text for `ipset restore -exist`. */
export function renderDestroys(names: readonly string[]): string {
  return names.map((name) => `destroy ${word('set', name)}\n`).join('');
}

/** The text that makes and fills `beside`. */
export function renderFill({ set, members }: ReplaceMembers, beside: SetName): string {
  const head = `add ${word('set', beside)} `;
  let text = `${createLine({ ...set, name: beside }, members.length)}\n`;
  // Piece by piece: 100,000 lines at once are 20 MB before they are one text of 4.
  for (let from = 0; from < members.length; from += pieceLines) {
    const piece = members.slice(from, from + pieceLines);
    text += piece.map((member) => `${head}${word('member', member)}\n`).join('');
  }
  return text;
}

/** The text that gives `beside` the other's place and name; `beside` is then the name of what was there before. */
export function renderSwap({ set }: ReplaceMembers, beside: SetName): string {
  return `swap ${word('set', beside)} ${word('set', set.name)}\n`;
}

function linesOf(change: SetChange): string {
  switch (change.kind) {
    case 'discard-set':
      return `destroy ${word('set', change.name)}`;
    case 'create-set':
      return createLine(change.set, 0);
    case 'add-member':
      return addLine(change.set, change);
    case 'delete-member':
      return `del ${word('set', change.set)} ${word('member', change.member)}`;
    case 'replace-members': {
      const beside = temporarySet(change.set.family, 'x');
      return `${renderFill(change, beside)}${renderSwap(change, beside)}destroy ${beside}`;
    }
  }
}

/** @param size members that are about to come; a table of that size at once halves the time of a long list (measured). */
function createLine(
  { name, type, family, expiring, notes, counters, atMost }: Omit<IpSet, 'members'>,
  size: number,
): string {
  if (type === 'list:set') return `create ${word('set', name)} list:set size ${longestList}`;
  if (type === 'bitmap:port') return `create ${word('set', name)} bitmap:port range 0-65535`;
  const inet = family === 4 ? 'inet' : 'inet6';
  const hash = size > usualHash ? ` hashsize ${2 ** Math.ceil(Math.log2(Math.min(size, largestSet)))}` : '';
  const most = atMost === undefined ? largestSet : number('size', atMost, { most: largestSet });
  const extensions = [
    expiring ? ' timeout 0' : '',
    counters === true ? ' counters' : '',
    notes === true ? ' comment' : '',
    atMost === undefined ? '' : ' forceadd',
  ].join('');
  return `create ${word('set', name)} ${word('set type', type)} family ${inet}${hash} maxelem ${most}${extensions}`;
}

/**
 * Without a time of its own the entry takes the set's default: with `timeout 0` it is permanent, also
 * where -exist finds it there, running out (measured: ipset 7.17, Linux 6.18).
 */
function addLine(
  set: SetName,
  { member, seconds, note: words }: Omit<Extract<SetChange, { kind: 'add-member' }>, 'kind' | 'set'>,
): string {
  const comment = words === undefined || words === '' ? '' : ` comment "${note(words)}"`;
  return `add ${word('set', set)} ${word('member', member)}${timeText(seconds)}${comment}`;
}

/** ipset's longest timeout is 2,147,483 s. */
function timeText(seconds: number | undefined): string {
  return seconds === undefined ? '' : ` timeout ${number('timeout', seconds, { most: 2_147_483 })}`;
}
