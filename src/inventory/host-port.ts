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

/** Claims by port, so that one of many thousands is found at once; a range costs no more than the pages that it is on. */
export class ClaimIndex<T extends HostPortRun> {
  /** By family and protocol, then by number. */
  private readonly pages = new Map<string, Map<number, T[]>>();

  constructor(claims: Iterable<T>) {
    let before: { readonly claim: T; readonly pages: Map<number, T[]> } | undefined;
    for (const claim of claims) {
      const range = hostPortsOf(claim);
      if (range === undefined) continue;
      // most of many claims are of one kind
      if (before?.claim.family !== claim.family || before.claim.protocol !== claim.protocol)
        before = { claim, pages: this.pagesOf(claim) };
      const { pages } = before;
      for (let page = pageOf(range.from); page <= pageOf(range.to); page += 1) {
        const list = pages.get(page);
        if (list === undefined) pages.set(page, [claim]);
        else list.push(claim);
      }
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

  private near(place: HostPort): readonly T[] {
    return this.pages.get(`${place.family} ${place.protocol}`)?.get(pageOf(place.port)) ?? [];
  }

  private pagesOf({ family, protocol }: T): Map<number, T[]> {
    const pages = this.pages.get(`${family} ${protocol}`) ?? new Map<number, T[]>();
    this.pages.set(`${family} ${protocol}`, pages);
    return pages;
  }
}

function pageOf(port: number): number {
  return Math.floor(port / pageSize);
}
