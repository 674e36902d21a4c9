import type { Family } from '../net/network.ts';
import { closingChains } from '../wall/hooks.ts';
import { isBootChain, isOwnedChain } from '../wall/names.ts';
import type { Backend, Observed, ObservedTable } from './model.ts';

/** Where the walls of one family belong. */
export interface Placement {
  readonly family: Family;
  readonly gate: Backend;
  /** Undefined: no backend holds Docker's DOCKER chain (nftables backend of Docker 29, `iptables: false`, no Docker yet). */
  readonly front: Backend | undefined;
}

/** The table of that place, if it exists. */
export function findTable(
  observed: Observed,
  place: { readonly family: Family; readonly backend: Backend; readonly table: string },
): ObservedTable | undefined {
  return observed.tables.find(
    (table) =>
      table.family === place.family && table.backend === place.backend && table.table === place.table,
  );
}

/**
 * Finds the backend for each wall. The front goes where Docker's own chains are. The gate drops equally in
 * either, so it stays where it stands, and a new one goes beside Docker's chains, or into nft.
 */
export function place(observed: Observed, family: Family): Placement {
  const front = observed.backends.find((backend) => holdsDocker(observed, family, backend));
  const standing = observed.backends.find((backend) => holdsGate(observed, family, backend));
  const beside = front ?? observed.backends.find((backend) => holdsDocker(observed, 4, backend));
  return { family, gate: standing ?? beside ?? observed.backends[0] ?? 'nft', front };
}

/** `nat PREROUTING -j DOCKER` tells the living engine from chains that an earlier one left behind. */
function holdsDocker(observed: Observed, family: Family, backend: Backend): boolean {
  const nat = findTable(observed, { family, backend, table: 'nat' });
  const filter = findTable(observed, { family, backend, table: 'filter' });
  const jumps = nat?.chains.get('PREROUTING')?.some((rule) => rule.target === 'DOCKER') ?? false;
  return jumps && (filter?.chains.has('DOCKER') ?? false);
}

function holdsGate(observed: Observed, family: Family, backend: Backend): boolean {
  const mangle = findTable(observed, { family, backend, table: 'mangle' });
  return mangle?.chains.get('PREROUTING')?.some(({ target }) => isOwnedChain(target ?? '')) ?? false;
}

/** Where the gate hooks in, and whether our jump is the first rule there. */
export function gateHooks(
  observed: Observed,
  family: Family,
  backend: Backend,
): readonly { readonly chain: string; readonly inPlace: boolean }[] {
  const mangle = findTable(observed, { family, backend, table: 'mangle' });
  return closingChains().map((chain) => {
    const first = mangle?.chains.get(chain)?.find(({ target }) => !isBootChain(target ?? ''));
    return { chain, inPlace: isOwnedChain(first?.target ?? '') };
  });
}

/** Whether our jump is the first rule of each chain that the gate hooks there: the gate is closed. */
export function gateStands(observed: Observed, family: Family, backend: Backend): boolean {
  return gateHooks(observed, family, backend).every(({ inPlace }) => inPlace);
}

/** Whether our jump is the first rule of Docker's chain. */
export function frontStands(observed: Observed, family: Family, backend: Backend): boolean {
  const filter = findTable(observed, { family, backend, table: 'filter' });
  return isOwnedChain(filter?.chains.get('DOCKER')?.[0]?.target ?? '');
}
