import type { PortStatus } from '../../decide/report/status-services.ts';
import { anchor } from './anchor.ts';
import { byProject } from './groups.ts';
import type { ServiceView } from './page-model.ts';

/** A box of the picture: a service, or many as if they were one. */
export interface Drawn extends ServiceView {
  /** The id in the table where it leads. */
  readonly target: string;
}

/** As many lines of ports fit into a picture that one takes in at a glance. */
const mostLines = 28;

/**
 * What the picture shows: each service while they are few, then each compose project as one, then all others that the same people reach as
 * one, and last whatever the same people reach.
 */
export function foldServices(services: readonly ServiceView[]): readonly Drawn[] {
  const { projects, loose } = byProject(services);
  const folded = [...projects].map(([name, of]) => merged(name, anchor('s-p', name), of));
  const ways = [
    () => services.map(alone),
    () => [...folded, ...loose.map(alone)],
    () => [...folded, ...byReach(loose)],
    () => byReach(services),
  ];
  for (const way of ways) {
    const drawn = way();
    if (linesOf(drawn) <= mostLines) return drawn;
  }
  return byReach(services);
}

/** Ports with an equal key are one line of the picture. */
export function sameReach({ reach, allow, deny }: PortStatus): string {
  return JSON.stringify([reach, allow, deny]);
}

function alone(service: ServiceView): Drawn {
  return { ...service, target: service.id };
}

function linesOf(services: readonly ServiceView[]): number {
  return services.reduce(
    (sum, { ports, notProtected }) =>
      sum + new Set(ports.map(sameReach)).size + (notProtected.length > 0 ? 1 : 0),
    0,
  );
}

function byReach(services: readonly ServiceView[]): readonly Drawn[] {
  const bare = services.filter(({ notProtected }) => notProtected.length > 0);
  const doors = services.flatMap((service) => service.ports.map((port) => ({ service, port })));
  const groups = [...Map.groupBy(doors, ({ port }) => sameReach(port))].map(([key, of]) => {
    const members = [...new Set(of.map(({ service }) => service))];
    const ports = of.map(({ port }) => port);
    return { ...merged(countTitle(members), anchor('s-r', key), members), ports, notProtected: [] };
  });
  if (bare.length === 0) return groups;
  return [...groups, { ...merged(countTitle(bare), 's-r-bare', bare), ports: [] }];
}

function countTitle(services: readonly ServiceView[]): string {
  const [first] = services;
  return first !== undefined && services.length === 1 ? first.name : `${services.length} services`;
}

/** Many as if they were one. */
function merged(name: string, id: string, services: readonly ServiceView[]): Drawn {
  const [first] = services;
  const ofReach = id.startsWith('s-r-') ? 'services' : id;
  return {
    id,
    target: first !== undefined && services.length === 1 ? first.id : ofReach,
    name,
    project: null,
    entry: null,
    running: services.some(({ running }) => running),
    description: '',
    ports: services.flatMap(({ ports }) => ports),
    notProtected: [...new Set(services.flatMap(({ notProtected }) => notProtected))],
  };
}
