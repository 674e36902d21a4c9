import type { SetChange } from '../../diff/model.ts';
import { number, word } from '../words.ts';

/** The kernel's own limit is what memory holds; ipset's default of 65,536 is less than a country's networks. */
const largestSet = 1_048_576;

/** Older kernels make room for so many sets in a list, and no more; with them 8 unless told. */
const longestList = 64;

/**
 * Changes as text for `ipset restore -exist`, in the order given. ipset carries lines out as it goes: at an
 * error the lines before it stay. Throws a TypeError for text that cannot be written safely.
 */
export function renderSets(changes: readonly SetChange[]): string {
  return changes.map((change) => `${lineOf(change)}\n`).join('');
}

/** Sets that nothing refers to any more, as text for `ipset restore -exist`. */
export function renderDestroys(names: readonly string[]): string {
  return names.map((name) => `destroy ${word('set', name)}\n`).join('');
}

function lineOf(change: SetChange): string {
  switch (change.kind) {
    case 'discard-set':
      return `destroy ${word('set', change.name)}`;
    case 'create-set': {
      const { name, type, family, expiring } = change.set;
      if (type === 'list:set') return `create ${word('set', name)} list:set size ${longestList}`;
      const inet = family === 4 ? 'inet' : 'inet6';
      const timeout = expiring ? ' timeout 0' : '';
      return `create ${word('set', name)} ${word('set type', type)} family ${inet} maxelem ${largestSet}${timeout}`;
    }
    // Without a time of its own the entry takes the set's default: with `timeout 0` it is permanent, also
    // where -exist finds it there, running out (measured: ipset 7.17, Linux 6.18).
    case 'add-member':
      return `add ${word('set', change.set)} ${word('member', change.member)}${timeText(change.seconds)}`;
    case 'delete-member':
      return `del ${word('set', change.set)} ${word('member', change.member)}`;
  }
}

/** ipset's longest timeout is 2,147,483 s. */
function timeText(seconds: number | undefined): string {
  return seconds === undefined ? '' : ` timeout ${number('timeout', seconds, { most: 2_147_483 })}`;
}
