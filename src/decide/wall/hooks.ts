import { jump } from './matches.ts';
import type { ChainName, Hook, Match, SharedChain, TableName } from './model.ts';
import { chains } from './names.ts';
import { lineRule } from './rule.ts';

interface Entry {
  readonly chain: SharedChain;
  readonly to: ChainName;
  /** What is sent there; everything unless told. */
  readonly matches?: readonly Match[];
  /** It closes nothing: the wall stands without it. */
  readonly remembers?: true;
}

/**
 * Where the walls hook in: each shared chain, and our chain that the jump at its top goes to. The one list: whoever renders, watches,
 * hashes, judges or removes the jumps reads it here.
 */
export const hooked: Readonly<Record<TableName, readonly Entry[]>> = {
  mangle: [
    { chain: 'PREROUTING', to: chains.gate },
    { chain: 'INPUT', to: chains.input },
    { chain: 'FORWARD', to: chains.forward },
    { chain: 'OUTPUT', to: chains.asks, matches: [{ kind: 'protocol', protocol: 'udp' }], remembers: true },
    { chain: 'POSTROUTING', to: chains.replies },
  ],
  filter: [{ chain: 'DOCKER', to: chains.services }],
};

/** The chains of others that a table of ours has a jump in. `table` as a program prints it, so it may be any. */
export function hookedChains(table: string): readonly string[] {
  return table === 'mangle' || table === 'filter' ? hooked[table].map(({ chain }) => chain) : [];
}

/** Those without which the gate does not stand. */
export function closingChains(): readonly string[] {
  return hooked.mangle.filter(({ remembers }) => remembers !== true).map(({ chain }) => chain);
}

/** The jumps of one wall, as rules. */
export function renderHooks(table: TableName, note: string): readonly Hook[] {
  return hooked[table].map(({ chain, to, matches = [] }) => ({
    chain,
    rule: lineRule(chain, [matches, jump(to), note]),
  }));
}
