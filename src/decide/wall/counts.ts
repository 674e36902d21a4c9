import { MemberIndex } from '../net/port-members.ts';
import { cut } from '../net/port-run.ts';
import type { Policy, Service, ServicePort } from '../policy/model.ts';
import { countRoles, setName } from './names.ts';
import { doorMembers } from './openings.ts';

/** A set with counters, as the kernel has it. */
interface CountedSet {
  readonly name: string;
  /** In the one spelling (see net/port-members.ts). */
  readonly members: ReadonlyMap<string, unknown>;
  /** By member for one port each; one that has counted nothing may be left out. */
  readonly packets?: ReadonlyMap<string, number>;
}

/** What the kernel has counted of one port since it is published here, or since somebody emptied the counters. */
export interface PortCounts {
  /** Packets let in, of the side that opened the connection. */
  readonly passed: number;
  /** Those of them that begin a connection; one that is sent again counts again. */
  readonly begun: number;
  /** Packets turned away. */
  readonly refused: number;
}

/**
 * The counts of each port of a policy. A port that several containers claim counts for the one that runs, and for one only; a port
 * without an entry here is another's, or nobody counts it (the rules of an earlier version stand).
 */
export function readCounts(
  policy: Policy,
  sets: readonly CountedSet[],
): ReadonlyMap<ServicePort, PortCounts> {
  const found = new Map(
    sets.map((set) => [set.name, { ...set, index: new MemberIndex(set.members.keys()) }]),
  );
  const taken = new Set<string>();
  const counts = new Map<ServicePort, PortCounts>();
  const services = policy.services.toSorted((a, b) => Number(b.active) - Number(a.active));
  for (const service of services.filter(({ wide }) => wide !== true)) {
    for (const port of service.ports) {
      const members = singleMembers(service, port).filter((member) => !taken.has(`${port.family} ${member}`));
      const sum = (role: string): number | undefined => {
        const set = found.get(setName(port.family, role));
        const { packets } = set ?? {};
        if (set === undefined || packets === undefined) return undefined;
        if (!members.some((member) => packets.has(member) || set.index.has(member))) return undefined;
        return members.reduce((total, member) => total + (packets.get(member) ?? 0), 0);
      };
      const passed = sum(countRoles.passed);
      if (passed === undefined) continue;
      for (const member of members) taken.add(`${port.family} ${member}`);
      counts.set(port, { passed, begun: sum(countRoles.begun) ?? 0, refused: sum(countRoles.refused) ?? 0 });
    }
  }
  return counts;
}

/** A member for each port of a run, as the kernel keeps them. */
function singleMembers(service: Service, run: ServicePort): readonly string[] {
  const each = Array.from({ length: run.count ?? 1 }, (_, index) => index);
  return cut(run, each).flatMap((port) => doorMembers(service, port));
}

/** Counts of several ports together; undefined where none of them is counted. */
export function addCounts(counts: readonly (PortCounts | undefined)[]): PortCounts | undefined {
  const known = counts.filter((one) => one !== undefined);
  if (known.length === 0) return undefined;
  return known.reduce((a, b) => ({
    passed: a.passed + b.passed,
    begun: a.begun + b.begun,
    refused: a.refused + b.refused,
  }));
}
