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

/** Wider rows are kept as they are, and looked through one after the other: there cannot be many. */
const wideRow = 256;

/** Claims by port, so that one of many thousands is found at once. */
export class ClaimIndex<T extends HostPortRun> {
  private readonly single = new Map<string, T[]>();
  private readonly wide: T[] = [];

  constructor(claims: Iterable<T>) {
    for (const claim of claims) {
      const range = hostPortsOf(claim);
      if (range === undefined) continue;
      if (range.to - range.from >= wideRow) this.wide.push(claim);
      else
        for (let port = range.from; port <= range.to; port += 1) this.add(`${claim.protocol}:${port}`, claim);
    }
  }

  /** Those that are in the way of a socket at this place. */
  at(place: HostPort): readonly T[] {
    const near = this.single.get(`${place.protocol}:${place.port}`) ?? [];
    return [...near, ...this.wide].filter((claim) => clash(place, claim));
  }

  private add(key: string, claim: T): void {
    const list = this.single.get(key);
    if (list === undefined) this.single.set(key, [claim]);
    else list.push(claim);
  }
}
