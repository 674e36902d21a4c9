import type { Cidr, Family } from '../net/network.ts';
import { hostPortsOf, includes, type PortRun } from '../net/port-run.ts';
import type { Protocol } from '../net/port.ts';
import type { HostPort } from './model.ts';

/** Host ports in a row on one address of the host, or on all of a family: what a container claims. */
export interface HostPortRun extends PortRun {
  readonly family: Family;
  readonly address: 'any' | Cidr;
  readonly protocol: Protocol;
}

/** `6 any tcp:443`: equal places have equal keys. */
export function placeKey({ family, address, protocol, port }: HostPort): string {
  return `${family} ${address} ${protocol}:${port}`;
}

/** Whether a socket at this place and one on this claim are in each other's way: the kernel lets only one of the two be bound. */
export function clash(place: HostPort, claim: HostPortRun): boolean {
  return (
    place.family === claim.family &&
    place.protocol === claim.protocol &&
    (place.address === 'any' || claim.address === 'any' || place.address === claim.address) &&
    includes(hostPortsOf(claim), place.port)
  );
}

/** Bound to 127.0.0.0/8 or ::1: out of reach from outside. */
export function isLoopback({ address }: Pick<HostPortRun, 'address'>): boolean {
  return address === '::1' || address.startsWith('127.');
}

/** Claims are found by pages of so many ports. */
const pageSize = 64;

/**
 * Claims by address and port, so that one of many thousands is found at once; a range costs no more than the pages that it is on, and claims
 * to other addresses cost nothing.
 */
export class ClaimIndex<T extends HostPortRun> {
  /** By family, protocol and address (those with one of their own also without it), then by number. */
  private readonly pages = new Map<string, Map<number, T[]>>();

  constructor(claims: Iterable<T>) {
    let before: { readonly claim: T; readonly pages: Map<number, T[]> } | undefined;
    for (const claim of claims) {
      // most of many claims are of one kind
      if (before === undefined || !isOfOneKind(before.claim, claim))
        before = { claim, pages: this.pagesOf(addressKey(claim)) };
      add(before.pages, claim);
      if (claim.address !== 'any') add(this.pagesOf(familyKey(claim)), claim);
    }
  }

  /** Those that are in the way of a socket at this place. */
  at(place: HostPort): readonly T[] {
    return this.near(place).filter((claim) => clash(place, claim));
  }

  /** Whether any is. */
  has(place: HostPort): boolean {
    return this.near(place).some((claim) => clash(place, claim));
  }

  /** A socket at all addresses is in the way of claims to any of them. */
  private near(place: HostPort): readonly T[] {
    const page = pageOf(place.port);
    const any = this.pages.get(addressKey({ ...place, address: 'any' }))?.get(page) ?? [];
    const key = place.address === 'any' ? familyKey(place) : addressKey(place);
    const others = this.pages.get(key)?.get(page);
    return others === undefined ? any : [...any, ...others];
  }

  private pagesOf(key: string): Map<number, T[]> {
    const pages = this.pages.get(key) ?? new Map<number, T[]>();
    this.pages.set(key, pages);
    return pages;
  }
}

type Kind = Pick<HostPortRun, 'family' | 'protocol' | 'address'>;

function isOfOneKind(a: Kind, b: Kind): boolean {
  return a.family === b.family && a.protocol === b.protocol && a.address === b.address;
}

function familyKey({ family, protocol }: Kind): string {
  return `${family} ${protocol}`;
}

function addressKey(kind: Kind): string {
  return `${familyKey(kind)} ${kind.address}`;
}

function add<T extends HostPortRun>(pages: Map<number, T[]>, claim: T): void {
  const range = hostPortsOf(claim);
  if (range === undefined) return;
  for (let page = pageOf(range.from); page <= pageOf(range.to); page += 1) {
    const list = pages.get(page);
    if (list === undefined) pages.set(page, [claim]);
    else list.push(claim);
  }
}

function pageOf(port: number): number {
  return Math.floor(port / pageSize);
}
