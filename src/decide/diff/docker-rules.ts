import type { Family } from '../net/network.ts';
import type { Observed } from './model.ts';

/**
 * Jumps of Docker's own that are gone while its chains stand, as sentences: somebody flushed the chains they stood in, and
 * Docker does not look (20.10 to 29). Empty where Docker writes no chains here (`iptables: false`, its nftables backend).
 * Docker up to 26 jumps to DOCKER-USER and DOCKER from FORWARD, later ones to DOCKER-USER and DOCKER-FORWARD.
 */
export function missingJumps({ tables }: Observed, family: Family): readonly string[] {
  return tables
    .filter((table) => table.family === family && table.chains.has('DOCKER'))
    .flatMap(({ table, chains, backend }) => {
      const from = table === 'nat' ? 'PREROUTING' : table === 'filter' ? 'FORWARD' : undefined;
      if (from === undefined) return [];
      // chains that an earlier engine left behind in the other backend
      const alive = tables.some(
        (other) =>
          other.family === family &&
          other.backend !== backend &&
          other.table === table &&
          jumps(other.chains.get(from) ?? []),
      );
      if (alive || jumps(chains.get(from) ?? [])) return [];
      return [`Docker's own jump is gone from ${from} (${table}, IPv${family}, ${backend})`];
    });
}

function jumps(rules: readonly { readonly target: string | undefined }[]): boolean {
  return rules.some(({ target }) => target === 'DOCKER' || target === 'DOCKER-FORWARD');
}
