import { meshService } from '../inventory/mesh.ts';
import type { Container, Inventory, PublishedPort } from '../inventory/model.ts';
import { families } from '../net/network.ts';
import { hostPortsOf, overlap, shortestRun } from '../net/port-run.ts';
import type { Config } from './config.ts';
import type { Entry } from './entries.ts';
import type { LabelRules } from './labels.ts';

/** One container together with what its labels (and `services:` entries) say. */
export interface Speaker {
  readonly container: Container;
  /** What the author of the configuration says of it, whom `labels:` does not bind. */
  readonly entry: Entry | undefined;
  readonly rules: LabelRules;
}

/** Docker knows no ports of a host-network container, and not all that are in the mesh; `dockwall.ports` declares them. */
export function portsOf({ container, rules }: Speaker): readonly PublishedPort[] {
  const { networkMode, ports } = container;
  if (networkMode.kind === 'host') return declaredPorts(rules);
  if (networkMode.kind !== 'mesh') return ports;
  return [
    ...ports,
    ...declaredPorts(rules).filter((declared) => !ports.some((port) => samePort(port, declared))),
  ];
}

/**
 * A swarm's workers are not told which ports are in the mesh before a task of the service runs somewhere, so a
 * `services:` entry may declare them.
 */
export function declaredMesh({ containers, inSwarm }: Inventory, config: Config): readonly Container[] {
  if (!inSwarm) return [];
  // Not by the names of containers: anybody may call his own like that, and the port would be open to all.
  const known = new Set(
    containers.flatMap(({ name, networkMode }) => (networkMode.kind === 'mesh' ? [name] : [])),
  );
  return [...config.services]
    .filter(
      ([name, { labels, match }]) => match === undefined && 'dockwall.ports' in labels && !known.has(name),
    )
    .map(([name]) => meshService(name, `mesh:${name}`, []));
}

function samePort(a: PublishedPort, b: PublishedPort): boolean {
  const range = hostPortsOf(b);
  return (
    a.family === b.family &&
    a.protocol === b.protocol &&
    range !== undefined &&
    overlap(hostPortsOf(a), range)
  );
}

function declaredPorts(rules: LabelRules): readonly PublishedPort[] {
  return rules.declared.flatMap(({ range: { from, to }, protocol }) =>
    (protocol === undefined ? (['tcp', 'udp'] as const) : [protocol]).flatMap((one) =>
      families.flatMap((family): readonly PublishedPort[] => {
        const port = { family, address: 'any', hostPort: from, containerPort: from, protocol: one } as const;
        return to - from + 1 < shortestRun
          ? Array.from({ length: to - from + 1 }, (_, index) => ({
              ...port,
              hostPort: from + index,
              containerPort: from + index,
            }))
          : [{ ...port, count: to - from + 1 }];
      }),
    ),
  );
}
