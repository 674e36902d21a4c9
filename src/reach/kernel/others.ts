import type { MarkUse } from '../../decide/diff/marks.ts';
import type { NftHook } from '../../decide/diff/model.ts';
import { type Run, runCommand, textOf } from './command.ts';
import { parseNftMarks, readRoutingMarks } from './foreign-marks.ts';
import { parseBaseChains } from './nft-hooks.ts';

const timeoutMs = 5000;

/** What others do to packets on their way besides rules of iptables. */
export interface Others {
  /**
   * Where tables of nftables that are none of iptables' look at packets, and may drop one: those that have a base chain on such a hook,
   * and a `drop` or `reject` anywhere. A table that nft cannot print counts as one that may (nft 1.0.6 of Debian 12 dies of matches of iptables').
   */
  readonly nft: readonly NftHook[];
  /** What these tables write into marks, and the routing rules that ask for one. */
  readonly marks: readonly MarkUse[];
}

/** Nothing of what a program shows that is missing or fails. */
export async function readOthers(run: Run = runCommand): Promise<Others> {
  const [listed, routes] = await Promise.all([nft(run, ['list', 'chains']), readRoutingMarks(run)]);
  const hooks = parseBaseChains(listed ?? '');
  const tables = [...new Set(hooks.map(({ table }) => table))];
  const shown = await Promise.all(
    tables.map(async (table) => [table, await nft(run, ['list', 'table', ...table.split(' ')])] as const),
  );
  const texts = new Map(shown);
  return {
    nft: hooks.filter(({ table }) => /\b(?:drop|reject)\b/.test(texts.get(table) ?? 'drop')),
    marks: [...shown.flatMap(([, one]) => parseNftMarks(one ?? '')), ...routes],
  };
}

function nft(run: Run, args: readonly string[]): Promise<string | undefined> {
  return textOf(run, { program: 'nft', args, timeoutMs });
}
