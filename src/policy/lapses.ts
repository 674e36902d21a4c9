import { clash, type HostPortRun } from '../inventory/host-port.ts';
import type { HostPort } from '../inventory/model.ts';
import { cut, hostPortsOf, includes } from '../net/port-run.ts';

/** Where the host's own services listen, as containers that would have the same ports find it. */
export class HostHolds {
  readonly places: readonly HostPort[];
  private readonly byPort: ReadonlyMap<string, readonly HostPort[]>;

  constructor(places: readonly HostPort[]) {
    this.places = places;
    this.byPort = Map.groupBy(places, ({ protocol, port }) => `${protocol}:${port}`);
  }

  /**
   * Whether Docker could not serve this claim to one port now. A port that is claimed in both families is had in both or not at all: the
   * container does not start (20.10 to 28.5). Not so where Docker takes one of a range: it may take another one in each family.
   * @param all every claim of the same container.
   */
  keepsOut(claim: HostPortRun, all: readonly HostPortRun[]): boolean {
    const { protocol, hostPort, family, oneOf } = claim;
    const here = this.byPort.get(`${protocol}:${hostPort}`);
    if (here === undefined || hostPort === undefined) return false;
    if (here.some((place) => clash(place, claim))) return true;
    if (oneOf === true || here.every((place) => place.family === family)) return false;
    return all.some(
      (other) =>
        other.family !== family &&
        other.protocol === protocol &&
        other.oneOf !== true &&
        includes(hostPortsOf(other), hostPort) &&
        here.some((place) => clash(place, other)),
    );
  }

  /** What is left of a new container's claims: those that Docker could serve now. */
  leave<T extends HostPortRun>(claims: readonly T[]): readonly T[] {
    return claims.flatMap((claim) => {
      const range = hostPortsOf(claim);
      if (range === undefined || range.from === range.to) return this.keepsOut(claim, claims) ? [] : [claim];
      const edges = this.places.flatMap(({ port }) => [port - range.from, port - range.from + 1]);
      return cut(claim, edges).filter((piece) => !this.keepsOut(piece, claims));
    });
  }
}
