import { type Cidr, type Family, familyOf } from '../net/network.ts';
import { interfaceOf, isSourceWord } from '../net/source-word.ts';
import type { Peer, PeerRule, Policy, Reach, ServiceEndpoint, ServicePort } from './model.ts';

/** Opens nothing, and denies nothing. */
export const closed: Reach = { everyone: undefined, allow: [], deny: [] };

/** Whether it lets anybody in. */
export function opens({ everyone, allow }: Pick<Reach, 'everyone' | 'allow'>): boolean {
  return everyone !== undefined || allow.length > 0;
}

/** A container's own addresses in routed networks, of one family: reached without NAT. */
export function routedIn(endpoints: readonly ServiceEndpoint[], family: Family): readonly ServiceEndpoint[] {
  return endpoints.filter(({ address, routed }) => routed && familyOf(address) === family);
}

/** Whether a peer stands for addresses, each a member of a set with the port that it is named for: one written out, or a DNS name. */
export function namesAddresses(peer: Peer): boolean {
  return peer.kind === 'network' || (isSourceWord(peer.name) && interfaceOf(peer.name) === undefined);
}

/** Those addresses now; none of a group, whose networks are in a set of their own. */
export function addressesOf(
  peer: Peer,
  { groups, use }: { readonly groups: Policy['groups']; readonly use: 'allow' | 'deny' },
): readonly Cidr[] {
  if (peer.kind === 'network') return [peer.network];
  const members = namesAddresses(peer) ? groups.get(peer.name) : undefined;
  return members === undefined || (use === 'allow' && members.tooMany !== undefined) ? [] : members.networks;
}

/** All that a port's labels say of sources, of the host's port and of the container's own address. */
export function peerRulesOf(
  { reach, ownReach }: Pick<ServicePort, 'reach' | 'ownReach'>,
  which: 'allow' | 'deny',
): readonly PeerRule[] {
  return [...reach[which], ...(ownReach?.[which] ?? [])];
}

/** Whether clients may talk to the address itself: it is a door then, with the container's ports. */
export function isDoor({ routed, direct }: ServiceEndpoint): boolean {
  return routed || direct === true;
}

/** Whether it is one to this port. What Docker lets in besides the host's port goes with that. */
export function isDoorOf(endpoint: ServiceEndpoint, { hostPort, lapsed }: ServicePort): boolean {
  return endpoint.routed || (isDoor(endpoint) && hostPort !== undefined && !lapsed);
}

/** Who reaches a port there. Where the host's port is the way to it and the address one more, as on the host. */
export function reachAt({ routed }: ServiceEndpoint, { reach, ownReach }: ServicePort): Reach {
  return routed ? (ownReach ?? reach) : reach;
}

/**
 * A port as people are told of it: of a container that has an address of its own (routed), as it is there, since that is open whoever has
 * the host's port.
 */
export function asTold(port: ServicePort): ServicePort {
  return port.ownReach === undefined ? port : { ...port, lapsed: false, reach: port.ownReach };
}
