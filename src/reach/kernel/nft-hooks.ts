import type { NftHook } from '../../decide/diff/model.ts';
import type { Family } from '../../decide/net/network.ts';
import { lockTable } from '../../decide/wall/lock.ts';

/** iptables-nft's own: what they hold, `iptables-save` shows. */
const ofIptables = /^ip6? (?:raw|mangle|nat|filter|security)$/;

/** Whether a table of nftables is somebody else's: none of iptables', and not the lock. */
export function isOfOthers(table: string): boolean {
  return !ofIptables.test(table) && table !== `inet ${lockTable}`;
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
    if (hook === undefined || families === undefined || !isOfOthers(table)) return [];
    return [{ table, chain, hook: hook as NftHook['hook'], families }];
  });
}

function familiesOf(table: string): readonly Family[] | undefined {
  const [family] = table.split(' ');
  return family === 'inet' ? [4, 6] : family === 'ip' ? [4] : family === 'ip6' ? [6] : undefined;
}
