import type { HostPortRun } from '../inventory/host-port.ts';
import type { HostPort } from '../inventory/model.ts';
import { firstIndex } from '../net/first-index.ts';
import { cut, hostPortsOf } from '../net/port-run.ts';
import type { Protocol } from '../net/port.ts';

/** Addresses at which the host holds one port: `4 any`, `6 2001:db8::1`; `4` and `6` where it does at any address of the family. */
type Held = ReadonlySet<string>;

/** Where the host's own services listen, as containers that would have the same ports find it. */
export class HostHolds {
  private readonly byPort = new Map<string, Set<string>>();
  private readonly byProtocol: ReadonlyMap<Protocol, readonly number[]>;
  /** Of each container that was asked about, what it cannot have: families and ports as `6 tcp:443`. */
  private readonly kept = new WeakMap<readonly HostPortRun[], ReadonlySet<string>>();

  constructor(places: readonly HostPort[]) {
    const ports = new Map<Protocol, Set<number>>();
    for (const { family, address, protocol, port } of places) {
      entry(this.byPort, `${protocol}:${port}`).add(`${family}`).add(`${family} ${address}`);
      entry(ports, protocol).add(port);
    }
    this.byProtocol = new Map(
      [...ports].map(([protocol, all]) => [protocol, [...all].sort((a, b) => a - b)]),
    );
  }

  /** Ports of which the host holds some, sorted. */
  portsOf(protocol: Protocol): readonly number[] {
    return this.byProtocol.get(protocol) ?? [];
  }

  /**
   * Whether Docker could not serve this one port of a claim now. A port that is claimed in both families is had in both or not at all: the
   * container does not start (20.10 to 28.5). Not so where Docker takes one of a range: it may take another one in each family.
   * @param all every claim of the same container.
   */
  keepsOut(claim: HostPortRun, port: number, all: readonly HostPortRun[]): boolean {
    const held = this.byPort.get(`${claim.protocol}:${port}`);
    if (held === undefined) return false;
    if (isTaken(held, claim)) return true;
    const other = claim.family === 4 ? 6 : 4;
    return (
      claim.oneOf !== true &&
      held.has(`${other}`) &&
      this.keptFrom(all).has(`${other} ${claim.protocol}:${port}`)
    );
  }

  /** What is left of a new container's claims: those that Docker could serve now. */
  leave<T extends HostPortRun>(claims: readonly T[]): readonly T[] {
    return claims.flatMap((claim) => {
      const { from } = hostPortsOf(claim) ?? { from: 0 };
      const edges = this.portsIn(claim).flatMap((port) => [port - from, port - from + 1]);
      return cut(claim, edges).filter(
        (piece) => piece.hostPort === undefined || !this.keepsOut(piece, piece.hostPort, claims),
      );
    });
  }

  /** What of one container's claims the host holds, each family by itself; found once, for it is asked for each of them. */
  private keptFrom(all: readonly HostPortRun[]): ReadonlySet<string> {
    const known = this.kept.get(all);
    if (known !== undefined) return known;
    const kept = new Set<string>();
    for (const claim of all) {
      const { family, protocol, oneOf } = claim;
      if (oneOf === true) continue;
      for (const port of this.portsIn(claim))
        if (isTaken(this.byPort.get(`${protocol}:${port}`), claim)) kept.add(`${family} ${protocol}:${port}`);
    }
    this.kept.set(all, kept);
    return kept;
  }

  private portsIn(claim: HostPortRun): readonly number[] {
    const range = hostPortsOf(claim);
    if (range === undefined) return [];
    const ports = this.portsOf(claim.protocol);
    const from = firstIndex(ports, (port) => port < range.from);
    return ports.slice(
      from,
      firstIndex(ports, (port) => port <= range.to),
    );
  }
}

/** A socket at all addresses and one at a single one are in each other's way. */
function isTaken(held: Held | undefined, { family, address }: HostPortRun): boolean {
  if (held === undefined) return false;
  return address === 'any'
    ? held.has(`${family}`)
    : held.has(`${family} any`) || held.has(`${family} ${address}`);
}

function entry<K, V>(map: Map<K, Set<V>>, key: K): Set<V> {
  const known = map.get(key) ?? new Set<V>();
  map.set(key, known);
  return known;
}
