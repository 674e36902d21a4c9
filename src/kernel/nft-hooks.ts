import type { NftHook } from '../diff/model.ts';
import type { Family } from '../net/network.ts';
import { type Run, runCommand } from './command.ts';

/** iptables-nft's own: what they hold, `iptables-save` shows. */
export const ofIptables = /^ip6? (?:raw|mangle|nat|filter|security)$/;
const timeoutMs = 5000;

/**
 * Where tables of nftables that are none of iptables' look at packets, and may drop one: those that have a base chain on such a
 * hook, and a `drop` or `reject` anywhere. Empty where nft is missing or fails; a table that nft cannot print counts as one that
 * may (nft 1.0.6 of Debian 12 dies of matches of iptables').
 */
export async function readNftHooks(run: Run = runCommand): Promise<readonly NftHook[]> {
  const listed = await run({ program: 'nft', args: ['list', 'chains'], timeoutMs }).catch(() => undefined);
  if (listed?.exitCode !== 0) return [];
  const hooks = parseBaseChains(listed.stdout);
  const tables = [...new Set(hooks.map(({ table }) => table))];
  const dropping = await Promise.all(
    tables.map(async (table) => ({ table, drops: await drops(run, table) })),
  );
  return hooks.filter(({ table }) => dropping.some((one) => one.table === table && one.drops));
}

async function drops(run: Run, table: string): Promise<boolean> {
  const args = ['list', 'table', ...table.split(' ')];
  const shown = await run({ program: 'nft', args, timeoutMs }).catch(() => undefined);
  return shown?.exitCode !== 0 || /\b(?:drop|reject)\b/.test(shown.stdout);
}

/** The base chains of `nft list chains` on the hooks that a packet from outside meets. */
export function parseBaseChains(text: string): readonly NftHook[] {
  let [table, chain] = ['', ''];
  return text.split('\n').flatMap((line): readonly NftHook[] => {
    const [, family, name] = /^table (\S+) (\S+) \{/.exec(line) ?? [];
    if (family !== undefined) table = `${family} ${name}`;
    chain = /^\s+chain (\S+) \{/.exec(line)?.[1] ?? chain;
    const hook = /^\s+type \S+ hook (prerouting|input|forward) /.exec(line)?.[1];
    const families = familiesOf(table);
    if (hook === undefined || families === undefined || ofIptables.test(table)) return [];
    return [{ table, chain, hook: hook as NftHook['hook'], families }];
  });
}

function familiesOf(table: string): readonly Family[] | undefined {
  const [family] = table.split(' ');
  return family === 'inet' ? [4, 6] : family === 'ip' ? [4] : family === 'ip6' ? [6] : undefined;
}
