import type { PortStatus } from '../../decide/report/status-services.ts';
import { countText } from '../../decide/report/text.ts';
import { reachWords } from './access-map.ts';
import { breakable, cut, longest } from './cut.ts';
import { fewServices, groupServices, opennessOf, reachOrder, type ServiceGroup } from './groups.ts';
import { html, type Html } from './html.ts';
import { sameReach } from './map-fold.ts';
import type { PageModel, ServiceView } from './page-model.ts';
import { familyText, hostText } from './port-text.ts';
import { table, type TableGroup } from './table.ts';

/** By service and port: who, and because of what. Very many are folded, each group under a line that says what is in it. */
export function serviceTable({ services, find }: Pick<PageModel, 'services' | 'find'>): Html {
  if (find.of === 0) return html`<p>No container publishes a port.</p>`;
  if (services.length === 0) return html`<p>No service fits “${cut(find.text, longest.name)}”.</p>`;
  const open = services.length <= fewServices;
  return html`<div class="services">${groupServices(services).map((group) => serviceGroup(group, { open, found: find.text !== '' }))}</div>`;
}

function serviceGroup(
  { id, title, services }: ServiceGroup,
  { open, found }: { readonly open: boolean; readonly found: boolean },
): Html {
  const rows = table(title ?? 'Services', columns, services.map(serviceRows));
  if (title === undefined) return html`<div id="${id}">${rows}</div>`;
  // What a reader has opened stays so when the page comes up to date; what is found is shown anew.
  return html`<details class="group" id="${id}"${found ? html` data-found` : ''}${open || found ? html` open` : ''}>
    <summary><span class="title">${cut(title, longest.name)}</span> <span class="quiet">${services.length} ${services.length === 1 ? 'service' : 'services'}</span>${tally(services)}</summary>
    ${rows}
  </details>`;
}

const columns = ['Service', 'Ports', 'Who may reach it', 'Because of', 'Connections'];

/** `2 everybody`, `1 not protected`: how many are how open, the most open first. */
function tally(services: readonly ServiceView[]): readonly Html[] {
  const kinds = Map.groupBy(services, opennessOf);
  if (kinds.size === 1 && services.every(({ project }) => project === null)) return [];
  return reachOrder.flatMap((kind) => {
    const of = kinds.get(kind);
    return of === undefined
      ? []
      : [
          html` <span class="tally reach-${kind}"><span class="reach">${of.length} ${reachWords[kind]}</span></span>`,
        ];
  });
}

function serviceRows(service: ServiceView): TableGroup {
  // Ports of which the same is to be said are one row.
  const alike = Map.groupBy(service.ports, (port) =>
    JSON.stringify([sameReach(port), port.held, port.because]),
  );
  const bare = service.notProtected.map((network) => ({
    kind: 'reach-unprotected',
    cells: ['', html`<strong>not protected</strong>`, cut(network, longest.label), ''],
  }));
  const ports = [...alike.values()].flatMap((of) => {
    const [first] = of;
    return first === undefined ? [] : [{ kind: `reach-${first.reach}`, cells: portCells(first, of) }];
  });
  return { id: service.id, header: serviceName(service), rows: [...bare, ...ports] };
}

function serviceName({ name, running, description }: ServiceView): Html {
  const state = running ? '' : html` <span class="quiet">stopped</span>`;
  const more =
    description === '' ? '' : html`<span class="description">${cut(description, longest.label)}</span>`;
  return html`${breakable(cut(name, longest.name))}${state}${more}`;
}

function portCells(port: PortStatus, alike: readonly PortStatus[]): readonly Html[] {
  const { because } = port;
  return [
    portList(alike),
    who(port),
    because === null
      ? html`<span class="quiet">no label</span>`
      : html`<code>${breakable(cut(because, longest.label))}</code>`,
    traffic(alike),
  ];
}

/** More are counted. */
const mostPorts = 24;

/** `8080 → 80`: the host's port, and the container's where it is another. */
function portList(ports: readonly PortStatus[]): Html {
  const shown = ports.slice(0, mostPorts).map((port, index) => {
    const { hostPort, containerPort, protocol } = port;
    const host = hostText(port);
    const family = familyText(port);
    const target = hostPort === null && protocol !== 'tcp' ? `${containerPort}/${protocol}` : containerPort;
    const same = hostPort === containerPort;
    return html`${index === 0 ? '' : html`<span class="quiet">, </span>`}<span class="number">${breakable(host)}${same ? '' : html`<span class="quiet"> → ${target}</span>`}</span>${family === undefined ? '' : html` <span class="quiet">${family} only</span>`}`;
  });
  const more = ports.length - shown.length;
  return html`${shown}${more > 0 && html`<span class="quiet"> and ${more} more</span>`}`;
}

function traffic(ports: readonly PortStatus[]): Html {
  const counts = ports.flatMap(({ counts }) => counts ?? []);
  if (counts.length === 0) return html``;
  const sum = (which: 'connections' | 'refused'): number => counts.reduce((all, one) => all + one[which], 0);
  const refused = sum('refused');
  const more = refused === 0 ? '' : html`<span class="quiet">, ${countText(refused)} packets refused</span>`;
  return html`<span class="number">${countText(sum('connections'))}</span>${more}`;
}

function who({ held, reach, allow, deny }: PortStatus): Html {
  const but =
    deny.length === 0 ? '' : html`, <span class="never">never ${cut(deny.join(', '), longest.list)}</span>`;
  const open = reach === 'some' ? `trusted, ${allow.join(', ')}` : reachWords[reach];
  const said = held ? open : `claimed, not held; ${open}`;
  return html`<span class="reach">${cut(said, longest.list)}</span>${but}`;
}
