import type { PortStatus } from '../../decide/report/status-services.ts';
import { anchor } from './anchor.ts';
import type { ServiceView } from './page-model.ts';

/** Services that stand together in the table. */
export interface ServiceGroup {
  /** The same at every look. */
  readonly id: string;
  /** Undefined where they need no title. */
  readonly title: string | undefined;
  readonly services: readonly ServiceView[];
}

/** More services than these are shown folded, group by group. */
export const fewServices = 20;

export type Openness = PortStatus['reach'] | 'unprotected';

/** How open: most first. */
export const reachOrder: readonly Openness[] = [
  'unprotected',
  'everybody',
  'some',
  'trusted',
  'host-service',
  'loopback',
];

/**
 * By compose project where two services or more have the same; the others together, or, where they are very many, by who reaches them.
 * Those with something that is not protected come first.
 */
export function groupServices(services: readonly ServiceView[], few = fewServices): readonly ServiceGroup[] {
  const { projects, loose } = byProject(services);
  const named = [...projects]
    .map(([title, of]) => ({ id: anchor('s-p', title), title, services: of }))
    .sort((a, b) => openFirst(a) - openFirst(b) || natural.compare(a.title, b.title));
  if (loose.length === 0) return named;
  if (loose.length <= few)
    return [
      ...named,
      { id: 's-p-loose', title: named.length === 0 ? undefined : 'Not in a project', services: loose },
    ];
  const kinds = Map.groupBy(loose, opennessOf);
  const rest = reachOrder.flatMap((kind) => {
    const of = kinds.get(kind);
    return of === undefined ? [] : [{ id: `s-p-${kind}`, title: kindTitles[kind], services: of }];
  });
  return [
    ...rest.filter(({ id }) => id === 's-p-unprotected'),
    ...named,
    ...rest.filter(({ id }) => id !== 's-p-unprotected'),
  ];
}

/** `web-2` before `web-10`. */
const natural = new Intl.Collator('en', { numeric: true });

/** What of those in no project (or alone in one) is most open. */
const kindTitles: Readonly<Record<Openness, string>> = {
  unprotected: 'Not protected',
  everybody: 'Open to everybody',
  some: 'Open to some',
  trusted: 'Trusted only',
  'host-service': 'A service of the host has the port',
  loopback: 'This host only',
};

/** Services that share a compose project with another, and those that do not. */
export function byProject(services: readonly ServiceView[]): {
  readonly projects: ReadonlyMap<string, readonly ServiceView[]>;
  readonly loose: readonly ServiceView[];
} {
  const all = Map.groupBy(services, ({ project }) => project ?? '');
  const projects = new Map([...all].filter(([name, of]) => name !== '' && of.length > 1));
  return { projects, loose: services.filter(({ project }) => !projects.has(project ?? '')) };
}

/** The most open of its ports. */
export function opennessOf({ ports, notProtected }: ServiceView): Openness {
  const kinds = new Set<Openness>(ports.map(({ reach }) => reach));
  if (notProtected.length > 0) kinds.add('unprotected');
  return reachOrder.find((kind) => kinds.has(kind)) ?? 'trusted';
}

function openFirst({ services }: ServiceGroup): number {
  return services.some(({ running, notProtected }) => running && notProtected.length > 0) ? 0 : 1;
}
