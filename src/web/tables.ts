import { type AccessMap, type MapRow, type MapSource, reachWords, type Why } from './access-map.ts';
import { html, type Html } from './html.ts';
import type { BlockedView, ListView, PageModel, PortView, ServiceView } from './page-model.ts';
import { table, type TableGroup } from './table.ts';
import { timeOf } from './time.ts';

/** Longest name, label and list of names that is shown in a cell, characters. */
const longest = { name: 60, label: 160, list: 300 } as const;

/** By source: the key to the picture's lines, and what stands in its place on a narrow screen. */
export function sourceTable({ sources }: AccessMap): Html {
  const sorted = sources.toSorted((a, b) => order.indexOf(a.why) - order.indexOf(b.why));
  const groups = sorted.map((source): TableGroup => ({
    id: source.id,
    header: html`${swatch(source)}${cut(source.name, longest.name)}`,
    rows: [
      {
        cells: [
          cut(source.who, longest.list) || html`<span class="quiet">${whoElse[source.why]}</span>`,
          reaches(source),
        ],
      },
    ],
  }));
  return html`<div class="sources">${table('Sources', ['Source', 'Who that is', 'Reaches'], groups)}</div>`;
}

const order: readonly Why[] = ['public', 'trusted', 'group', 'address', 'denied'];

const whoElse: Readonly<Record<Why, string>> = {
  public: 'whoever asks',
  trusted: 'nobody',
  group: 'as the label says',
  address: 'as the label says',
  denied: 'as the label says',
};

/** As its lines are drawn. */
function swatch({ why }: MapSource): Html {
  return html`<svg class="swatch" viewBox="0 0 36 10" aria-hidden="true">
    <path class="flow why-${why}" d="M1 5H35"/>
  </svg>`;
}

/** More than this many services are counted instead. */
const mostNamed = 12;

function reaches({ why, rows, everywhere }: MapSource): Html {
  if (everywhere) return html`nothing: refused first, at every port`;
  if (why === 'trusted') return html`every published port`;
  if (rows.length === 0) return html`nothing`;
  const named = rows.slice(0, mostNamed).map((row, index) => html`${index === 0 ? '' : ', '}${door(row)}`);
  const more = rows.length > mostNamed ? html` and ${rows.length - mostNamed} more` : html``;
  return why === 'denied' ? html`refused at ${named}${more}` : html`${named}${more}`;
}

function door({ service, ports }: MapRow): Html {
  return html`<span class="door">${cut(service, longest.name)} <span class="number">${cut(ports.join(' '), longest.name)}</span></span>`;
}

/** By service and port: who, and because of what. */
export function serviceTable(services: readonly ServiceView[]): Html {
  if (services.length === 0) return html`<p>No container publishes a port.</p>`;
  const groups = services.map((service): TableGroup => {
    const ports = service.ports.map((port) => ({ kind: `reach-${port.reach}`, cells: portCells(port) }));
    const bare = service.unprotected.map((network) => ({
      kind: 'reach-unprotected',
      cells: ['', '', html`<strong>not protected</strong>`, cut(network, longest.label), ''],
    }));
    return { id: service.id, header: serviceName(service), rows: [...ports, ...bare] };
  });
  const columns = ['Service', 'Host port', 'Container', 'Who may reach it', 'Because of', 'Connections'];
  return html`<div class="services">${table('Services', columns, groups)}</div>`;
}

function serviceName({ name, running, description }: ServiceView): Html {
  const state = running ? '' : html` <span class="quiet">stopped</span>`;
  const more =
    description === '' ? '' : html`<span class="description">${cut(description, longest.label)}</span>`;
  return html`${cut(name, longest.name)}${state}${more}`;
}

function portCells(port: PortView): readonly Html[] {
  const { host, family, container, because } = port;
  return [
    html`<span class="number">${host}</span>${family === undefined ? '' : html` <span class="quiet">${family} only</span>`}`,
    html`<span class="number">${container}</span>`,
    who(port),
    because === undefined
      ? html`<span class="quiet">no label</span>`
      : html`<code>${cut(because, longest.label)}</code>`,
    traffic(port),
  ];
}

function traffic({ counted }: PortView): Html {
  if (counted === undefined) return html``;
  const { connections, refused } = counted;
  const more = refused === '0' ? '' : html`<span class="quiet">, ${refused} packets refused</span>`;
  return html`<span class="number">${connections}</span>${more}`;
}

function who({ held, reach, allow, deny }: PortView): Html {
  const but =
    deny.length === 0 ? '' : html`, <span class="never">never ${cut(deny.join(', '), longest.list)}</span>`;
  const open = reach === 'some' ? `trusted, ${allow.join(', ')}` : reachWords[reach];
  const said = held ? open : `claimed, not held; ${open}`;
  return html`<span class="reach">${cut(said, longest.list)}</span>${but}`;
}

/** Who was turned away, the latest first. */
export function blockedTable(blocked: readonly BlockedView[]): Html {
  if (blocked.length === 0) return html`<p>Nobody, lately.</p>`;
  const groups = blocked.map(({ source, port, service, packets, last }): TableGroup => ({
    id: undefined,
    header: html`<span class="number">${source}</span>`,
    rows: [
      {
        cells: [
          html`<span class="number">${port}</span>`,
          cut(service ?? '', longest.name),
          html`<span class="number">${packets}</span>`,
          last === undefined ? '' : timeOf(last),
        ],
      },
    ],
  }));
  return table('Turned away', ['Source', 'Port', 'Service', 'Packets', 'Last seen'], groups);
}

/** Names and lists: how fresh, and what is wrong. */
export function listTable(lists: readonly ListView[]): Html {
  const groups = lists.map(({ name, networks, heard, problem }): TableGroup => ({
    id: undefined,
    header: cut(name, longest.name),
    rows: [
      {
        cells: [
          networks === undefined ? '' : html`<span class="number">${networks}</span>`,
          heard,
          problem === undefined
            ? html`<span class="quiet">nothing</span>`
            : html`<span class="wrong">${cut(problem, longest.list)}</span>`,
        ],
      },
    ],
  }));
  return table('Names and lists', ['Source', 'Networks', 'Heard of', 'Wrong with it'], groups);
}

/** What the engine is and how the walls stand. */
export function factList({ facts }: PageModel): Html {
  return html`<dl class="facts">
    ${facts.map(
      ({ name, text, bad }) =>
        html`<div class="${bad ? 'bad' : ''}">
          <dt>${name}</dt>
          <dd>${cut(text, longest.label)}</dd>
        </div>`,
    )}
  </dl>`;
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
