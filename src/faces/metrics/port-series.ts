import { containerPortsOf, hostPortsOf, rangeText } from '../../decide/net/port-run.ts';
import { shorten } from '../../decide/net/show.ts';
import type { Policy } from '../../decide/policy/model.ts';
import { addCounts, type PortCounts, readCounts } from '../../decide/wall/counts.ts';

/** One published port of one service, both families together. */
export interface PortSeries {
  readonly service: string;
  /** The host port; in routed mode the container's. */
  readonly port: string;
  readonly protocol: string;
  readonly counts: PortCounts;
}

/** More ports than this are told as one, so that nobody who starts containers can fill a Prometheus. */
export const mostPorts = 1000;

const longestName = 80;

/** The counts by service, port and protocol; sums where several containers of one name have the same port. */
export function portSeries(policy: Policy, sets: Parameters<typeof readCounts>[1]): readonly PortSeries[] {
  const counts = readCounts(policy, sets);
  const found = new Map<string, PortSeries>();
  for (const service of policy.services) {
    for (const port of service.ports) {
      const more = counts.get(port);
      if (more === undefined) continue;
      const full = found.size >= mostPorts;
      const series = full
        ? { service: '(others)', port: '', protocol: '' }
        : {
            service: shorten(service.name, longestName),
            port: rangeText(hostPortsOf(port) ?? containerPortsOf(port)),
            protocol: port.protocol,
          };
      const key = JSON.stringify(series);
      found.set(key, { ...series, counts: addCounts([found.get(key)?.counts, more]) ?? more });
    }
  }
  return [...found.values()];
}
