import type { RuleChange, TableChange } from '../../../decide/diff/model.ts';
import { number, specText, word } from '../words.ts';
import { ruleText } from './rule.ts';

/**
 * Changes of one family and backend as text for `iptables-restore --noflush`: a section a table, in the
 * order given; each section is one transaction. Throws a TypeError for text that cannot be written safely.
 */
export function renderTables(tables: readonly TableChange[]): string {
  return tables.map(({ table, changes }) => section(word('table', table), changes)).join('');
}

function section(table: string, changes: readonly RuleChange[]): string {
  const lines: string[] = [`*${table}`];
  const lengths = new Map<string, number>();
  let doomed: string[] = [];
  for (const change of changes) {
    // Chains that refer to one another go together: all are emptied before the first is removed.
    if (change.kind !== 'delete-chain') doomed = removeChains(lines, doomed);
    if (change.kind === 'delete-chain') doomed.push(word('chain', change.chain));
    else lines.push(lineOf(change, lengths));
  }
  removeChains(lines, doomed);
  return `${[...lines, 'COMMIT'].join('\n')}\n`;
}

function removeChains(lines: string[], chains: readonly string[]): string[] {
  lines.push(...chains.map((chain) => `-F ${chain}`), ...chains.map((chain) => `-X ${chain}`));
  return [];
}

/** `lengths` knows the chains made in this section: their rules are appended, which costs no search. */
function lineOf(change: Exclude<RuleChange, { kind: 'delete-chain' }>, lengths: Map<string, number>): string {
  const chain = word('chain', change.chain);
  switch (change.kind) {
    // Also empties a chain of that name: with --noflush, `:NAME` flushes a user chain that is there.
    case 'create-chain':
      lengths.set(chain, 0);
      return `:${chain} - [0:0]`;
    case 'insert-rule': {
      const length = lengths.get(chain);
      if (length !== undefined) lengths.set(chain, length + 1);
      if (length === change.position - 1) return `-A ${chain} ${ruleText(change.rule)}`;
      return `-I ${chain} ${positionText(change.position)} ${ruleText(change.rule)}`;
    }
    case 'delete-rule':
      lengths.delete(chain);
      return `-D ${chain} ${positionText(change.position)}`;
    case 'unhook':
      return `-D ${chain} ${specText(change.spec)}`;
    case 'hook':
      return `-I ${chain} 1 ${ruleText(change.rule)}`;
  }
}

function positionText(position: number): string {
  return number('position', position, { most: 1_000_000 });
}
