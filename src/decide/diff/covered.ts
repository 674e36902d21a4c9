import { coveredBy } from '../net/network-index.ts';
import type { IpSet } from '../wall/model.ts';

/**
 * Those of `some` that lie in one of `others`, as members of a set of this type: the same ports, and a source (or whatever its network
 * is) inside the other's.
 */
export function coveredMembers(
  type: IpSet['type'],
  some: readonly string[],
  others: readonly string[],
): ReadonlySet<string> {
  if (some.length === 0 || others.length === 0 || type === 'list:set') return new Set();
  if (type !== 'hash:net,port' && type !== 'hash:ip,port,net') return coveredBy(some, others);
  const split = (member: string): { readonly network: string; readonly rest: string } => {
    const comma = type === 'hash:net,port' ? member.indexOf(',') : member.lastIndexOf(',');
    const [head, tail] = [member.slice(0, comma), member.slice(comma + 1)];
    return type === 'hash:net,port' ? { network: head, rest: tail } : { network: tail, rest: head };
  };
  const byRest = Map.groupBy(others.map(split), ({ rest }) => rest);
  const covered = [...Map.groupBy(some.map(split), ({ rest }) => rest)].flatMap(([rest, members]) => {
    const networks = coveredBy(
      members.map(({ network }) => network),
      (byRest.get(rest) ?? []).map(({ network }) => network),
    );
    return [...networks].map((network) =>
      type === 'hash:net,port' ? `${network},${rest}` : `${rest},${network}`,
    );
  });
  return new Set(covered);
}
