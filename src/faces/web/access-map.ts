import { isIP } from 'node:net';
import type { PortStatus } from '../../decide/report/status-services.ts';
import { anchor } from './anchor.ts';
import { type Openness, reachOrder } from './groups.ts';
import { foldServices, sameReach } from './map-fold.ts';
import type { PageModel, ServiceView, SourceView } from './page-model.ts';
import { hostText } from './port-text.ts';

/** Who reaches what, as a picture: sources, rows of ports, and flows from one to the other. */
export interface AccessMap {
  readonly sources: readonly MapSource[];
  /** The most open first: their lines cross little. */
  readonly services: readonly MapService[];
}

/** Why somebody gets in, or does not. */
export type Why = 'public' | 'trusted' | 'group' | 'address' | 'denied';

export interface MapSource {
  readonly id: string;
  readonly why: Why;
  readonly name: string;
  /** Who that is, in short; empty where the name says it. */
  readonly who: string;
  /** What it reaches, or, when denied, is kept from; the trusted reach all other rows too. */
  readonly rows: readonly MapRow[];
  /** Denied at every port there is. */
  readonly everywhere: boolean;
}

export interface MapService {
  readonly id: string;
  /** The id of its row in the table, or of what holds its rows. */
  readonly target: string;
  readonly name: string;
  readonly running: boolean;
  readonly rows: readonly MapRow[];
}

/** Ports of one service that the same sources reach. */
export interface MapRow {
  readonly id: string;
  readonly service: string;
  readonly ports: readonly string[];
  readonly reach: Openness;
  /** Who reaches it, in words. */
  readonly says: readonly string[];
}

/** One source at one row, before they are put together. */
interface Contact {
  readonly why: Why;
  readonly name: string;
  readonly row: MapRow;
}

/** The picture of what the page knows. */
export function drawMap({ services, sources }: Pick<PageModel, 'services' | 'sources'>): AccessMap {
  const contacts: Contact[] = [];
  const drawn = foldServices(services).map((service) => {
    const groups = [...Map.groupBy(service.ports, sameReach).values()];
    const rows = groups.map((ports, index): MapRow => {
      const row = portRow(service, ports, index);
      contacts.push(...contactsOf(ports[0], row));
      return row;
    });
    return {
      id: service.id,
      target: service.target,
      name: service.name,
      running: service.running,
      rows: [...rows, ...bareRows(service)],
    };
  });
  return {
    sources: [...fixedSources(sources, contacts), ...peerSources(sources, contacts)],
    services: drawn.toSorted((a, b) => openness(a) - openness(b)),
  };
}

function portRow(service: ServiceView, ports: readonly PortStatus[], index: number): MapRow {
  const [{ reach, allow } = { reach: 'trusted' as const, allow: [] }] = ports;
  return {
    id: `${service.id}-${index}`,
    service: service.name,
    ports: [...new Set(ports.map(hostText))],
    reach,
    says: reach === 'some' ? allow : [reachWords[reach]],
  };
}

export const reachWords = {
  everybody: 'everybody',
  some: 'some',
  trusted: 'trusted only',
  loopback: 'this host only',
  'host-service': 'a service of the host',
  unprotected: 'not protected',
} as const;

function bareRows({ id, name, notProtected }: ServiceView): readonly MapRow[] {
  if (notProtected.length === 0) return [];
  return [
    {
      id: `${id}-bare`,
      service: name,
      ports: notProtected,
      reach: 'unprotected',
      says: [reachWords.unprotected],
    },
  ];
}

function contactsOf(port: PortStatus | undefined, row: MapRow): readonly Contact[] {
  if (port === undefined || port.reach === 'loopback' || port.reach === 'host-service') return [];
  const denied = port.deny.map((name): Contact => ({ why: 'denied', name, row }));
  // Who gets in with everybody needs no line of his own.
  if (port.reach === 'everybody') return [{ why: 'public', name: 'everybody', row }, ...denied];
  const allowed = port.allow.map((name): Contact => ({
    why: isAddress(name) ? 'address' : 'group',
    name,
    row,
  }));
  return [{ why: 'trusted', name: 'trusted', row }, ...allowed, ...denied];
}

function isAddress(name: string): boolean {
  return isIP(name.split('/')[0] ?? '') !== 0;
}

/** Those who are drawn whether or not they reach anything. */
function fixedSources(sources: readonly SourceView[], contacts: readonly Contact[]): readonly MapSource[] {
  const rowsOf = (why: Why): readonly MapRow[] =>
    contacts.filter((one) => one.why === why).map(({ row }) => row);
  const who = (kind: SourceView['kind']): string | undefined => sources.find((one) => one.kind === kind)?.who;
  const everywhere = who('denied');
  const all = [...new Set(contacts.map(({ row }) => row))];
  return [
    {
      id: 'o-everybody',
      why: 'public',
      name: 'everybody',
      who: '',
      rows: rowsOf('public'),
      everywhere: false,
    },
    {
      id: 'o-trusted',
      why: 'trusted',
      name: 'trusted',
      who: who('trusted') ?? '',
      rows: rowsOf('trusted'),
      everywhere: false,
    },
    ...(everywhere === undefined
      ? []
      : [
          {
            id: 'o-denied',
            why: 'denied',
            name: 'denied everywhere',
            who: everywhere,
            rows: all,
            everywhere: true,
          } as const,
        ]),
  ];
}

/** Groups and addresses that labels name. Addresses with the same doors stand together. */
function peerSources(sources: readonly SourceView[], contacts: readonly Contact[]): readonly MapSource[] {
  const who = new Map(sources.flatMap((one) => (one.kind === 'group' ? [[one.name, one.who] as const] : [])));
  const named = contacts.filter(({ why }) => why !== 'public' && why !== 'trusted');
  const peers = [...Map.groupBy(named, ({ why, name }) => `${why} ${name}`)].map(([key, of]) => ({
    key,
    why: of[0]?.why ?? 'group',
    name: of[0]?.name ?? '',
    rows: of.map(({ row }) => row),
  }));
  const bundles = Map.groupBy(peers, ({ key, why, name, rows }) =>
    isAddress(name) ? `${why} ${rows.map(({ id }) => id).join(' ')}` : key,
  );
  return [...bundles.values()].flatMap(([first, ...others]): MapSource[] => {
    if (first === undefined) return [];
    const { key, why, name, rows } = first;
    const names = [name, ...others.map((other) => other.name)];
    const text =
      names.length === 1
        ? { name, who: who.get(name) ?? '' }
        : { name: `${names.length} addresses`, who: names.join(', ') };
    return [{ id: anchor('o', key), why, ...text, rows, everywhere: false }];
  });
}

function openness({ rows }: MapService): number {
  return Math.min(...rows.map(({ reach }) => reachOrder.indexOf(reach)), reachOrder.length);
}
