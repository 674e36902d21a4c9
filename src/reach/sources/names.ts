import { mergeNetworks } from '../../decide/net/merge-networks.ts';
import { familyOf, type Cidr, type Family } from '../../decide/net/network.ts';
import { parseNetworks } from '../../decide/net/parse-networks.ts';
import type { LastGood, Reading } from './model.ts';

/** What the resolver says of a name's addresses of one family. */
export type FamilyAnswer =
  /** `ttl` in seconds, the least of the whole chain. */
  | { readonly kind: 'addresses'; readonly addresses: readonly string[]; readonly ttl: number }
  /** The name does not exist, or has no address of this family. */
  | { readonly kind: 'none' }
  | { readonly kind: 'failed'; readonly reason: string };

/** Asks for the addresses of one family; never rejects but for the signal. */
export type ResolveName = (name: string, family: Family, signal: AbortSignal) => Promise<FamilyAnswer>;

/** A TTL of 0 is for those who ask once a connection; and a day's TTL must not keep a dynamic address shut out for a day. */
const shortestHold = 5000;
const longestHold = 3_600_000;

/** The addresses of a name, both families. */
export async function readName(
  resolve: ResolveName,
  asked: { readonly name: string; readonly last: LastGood | undefined },
  signal: AbortSignal,
): Promise<Reading> {
  const [v4, v6] = await Promise.all([resolve(asked.name, 4, signal), resolve(asked.name, 6, signal)]);
  return judgeName(asked.last?.networks ?? [], { 4: usable(v4), 6: usable(v6) });
}

/**
 * Both answers into one. A family that is not answered keeps the addresses that it had; that there is none is an answer as long
 * as the other family has some, and otherwise the same as no answer: names vanish by mistake more often than on purpose.
 */
export function judgeName(last: readonly Cidr[], answers: Readonly<Record<Family, FamilyAnswer>>): Reading {
  const found = [answers[4], answers[6]].filter((answer) => answer.kind === 'addresses');
  const failed = ([4, 6] as const).flatMap((family) => {
    const answer = answers[family];
    return answer.kind === 'failed' ? [{ family, reason: answer.reason }] : [];
  });
  if (found.length === 0) {
    const reason = failed[0]?.reason ?? 'the name does not exist, or has no address';
    return { kind: 'failed', reason };
  }
  const kept = last.filter((network) => failed.some(({ family }) => familyOf(network) === family));
  const ttl = Math.min(...found.map((answer) => answer.ttl)) * 1000;
  return {
    kind: 'answer',
    networks: mergeNetworks([...kept, ...found.flatMap(({ addresses }) => addresses.flatMap(toNetworks))]),
    holds: Math.max(shortestHold, Math.min(longestHold, ttl)),
    trouble: failed[0] && `IPv${failed[0].family}: ${failed[0].reason}`,
  };
}

/** `0.0.0.0` and `::` are how resolvers that block names say that there is nothing. */
function usable(answer: FamilyAnswer): FamilyAnswer {
  if (answer.kind !== 'addresses') return answer;
  const addresses = answer.addresses.filter((address) => address !== '0.0.0.0' && address !== '::');
  return addresses.length === 0 ? { kind: 'none' } : { ...answer, addresses };
}

function toNetworks(address: string): readonly Cidr[] {
  const parsed = parseNetworks(address);
  return parsed.ok ? parsed.networks : [];
}
