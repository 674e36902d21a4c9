/** IP version. Everything dockwall builds exists once per family. */
export type Family = 4 | 6;

export const families: readonly Family[] = [4, 6];

/**
 * One network in the spelling that `ipset save` prints: RFC 5952 text, host bits cleared, the prefix
 * length left out for a single address (`203.0.113.7`, `198.51.100.0/24`, `2001:db8::/48`).
 * Made by {@link parseNetworks} only, so equal networks are equal strings.
 */
export type Cidr = string & { readonly brand: 'Cidr' };

/** The family of a canonical network or address: only IPv6 text has a colon. */
export function familyOf(network: string): Family {
  return network.includes(':') ? 6 : 4;
}
