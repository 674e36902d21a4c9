import { everyAddress } from '../net/merge-networks.ts';
import { families, type Family } from '../net/network.ts';
import { joinMembers, membersBeside } from '../net/port-members.ts';
import { protocols } from '../net/port.ts';
import type { Policy } from '../policy/model.ts';
import type { IpSet, Lock } from './model.ts';
import { portsSet, widePrefix } from './names.ts';

/** The table that is the lock, of nftables' family `inet`. */
export const lockTable = 'dockwall-lock';

/** The address part of a port on every address. */
export const everywhere: Readonly<Record<Family, string>> = { 4: '0.0.0.0/0', 6: '::/0' };

/**
 * So many members the lock holds in one family: on every address, and on one address each. Its sets are written in quadratic time: 0.4 s for
 * 8,000 ports and 1.3 for 16,000; with addresses 0.05 s for 1,000 and 1.2 for 8,000 (measured: nft 1.1.3, Linux 6.18). Those of
 * containers that have very many go first. The gate knows all of them.
 */
const [mostPorts, mostBound] = [8192, 1024];

/** The lock that belongs behind the gate which these sets are for. */
export function renderLock({ mark, connmark, external, inside }: Policy, sets: readonly IpSet[]): Lock {
  const listed = external.kind === 'list';
  return {
    mark,
    connmark,
    side: listed ? 'outside' : 'inside',
    interfaces: [...(listed ? external.names : ['lo', ...inside])].sort(),
    bridges: inside,
    ports: families.flatMap((family) => publishedPorts(family, sets)).sort(),
  };
}

function publishedPorts(family: Family, sets: readonly IpSet[]): readonly string[] {
  const membersOf = (name: string): readonly string[] => {
    const members = sets.find((set) => set.name === name)?.members ?? [];
    return members === 'keep' ? [] : members;
  };
  const [half = '', otherHalf = ''] = everyAddress(family);
  const published = membersOf(portsSet(family, '', 'published'));
  const any = `${everywhere[family]},`;
  const usual = joinMembers(
    published.filter((one) => one.startsWith(`${half},`)).map((one) => any + one.slice(half.length + 1)),
  );
  const wide = joinMembers(
    protocols.flatMap((protocol) =>
      membersOf(portsSet(family, widePrefix[protocol], 'published')).map(
        (ports) => `${any}${protocol}:${ports}`,
      ),
    ),
  );
  const everyAddressed = [...usual, ...membersBeside(wide, usual)];
  const bound = published.filter((one) => !one.startsWith(`${half},`) && !one.startsWith(`${otherHalf},`));
  // what is published on every address is so on this one, and no two members may overlap
  const apart = [...Map.groupBy(bound, (one) => one.slice(0, one.indexOf(',')))].flatMap(
    ([address, members]) =>
      membersBeside(
        joinMembers(members),
        everyAddressed.map((one) => address + one.slice(any.length - 1)),
      ),
  );
  return [...everyAddressed.slice(0, mostPorts), ...apart.slice(0, mostBound)];
}
