import type { AccessMap, MapRow, Why } from './access-map.ts';
import { fit, fitList, widthOfText } from './fit.ts';
import { html, type Html } from './html.ts';
import { layOut, type PlacedService, type PlacedSource, sizes } from './map-layout.ts';

const { width, sourceWidth, sourceHeight, serviceLeft, rowHeight, rail } = sizes;

/** Where the columns of a service begin, from its left edge: names and ports have what they need, as far as there is room. */
interface Columns {
  readonly name: number;
  readonly ports: number;
  readonly sign: number;
  readonly says: number;
  readonly end: number;
}

const room = { name: [90, 250], ports: [70, 150], between: 14 } as const;
const portFont = { size: 13.5, mono: true } as const;

function columnsOf({ services }: AccessMap): Columns {
  const need = (widths: readonly number[], [least, most]: readonly [number, number]): number =>
    Math.ceil(Math.min(most, Math.max(least, ...widths)));
  const names = services.map(({ name }) => widthOfText(name, { size: boldSize }));
  const ports = services.flatMap(({ rows }) =>
    rows.map((row) => widthOfText(row.ports.join(', '), portFont)),
  );
  const portsAt = 16 + need(names, room.name) + room.between;
  const signAt = portsAt + need(ports, room.ports) + room.between + 6;
  return { name: 16, ports: portsAt, sign: signAt, says: signAt + 16, end: width - serviceLeft - 10 };
}

/** The picture as SVG; every source and service is a link to its row in the tables, which say the same. */
export function mapSvg(map: AccessMap): Html {
  const layout = layOut(map);
  const columns = columnsOf(map);
  const height = Math.ceil(layout.height);
  const drawn = [...layout.sources].sort(
    (a, b) => drawOrder.indexOf(a.source.why) - drawOrder.indexOf(b.source.why),
  );
  return html`<svg class="map" viewBox="0 0 ${width} ${height}" role="group" aria-labelledby="map-title">
    <title id="map-title">Who reaches what: sources on the left, services on the right</title>
    <g class="flows" aria-hidden="true">${drawn.map(flows)}</g>
    <g class="sources">${layout.sources.map(sourceNode)}</g>
    <g class="services">${layout.services.map((placed) => serviceNode(placed, columns))}</g>
  </svg>`;
}

/** A bold face is wider. */
const boldSize = 16.5;

/** What matters most lies on top. */
const drawOrder: readonly Why[] = ['trusted', 'address', 'group', 'public', 'denied'];

function flows(placed: PlacedSource): Html {
  const { source, ends, y } = placed;
  if (source.everywhere) return stub(source.id, y);
  if (ends.length === 0) return html``;
  if (source.why === 'trusted') return shared(placed);
  return html`${ends.map(({ to, y: end }) => {
    const stop = source.why === 'denied' ? serviceLeft - 12 : serviceLeft - 1;
    const line = html`<path class="flow why-${source.why}" data-from="${source.id}" data-to="${to}" d="${curve(y, end, stop)}"/>`;
    return source.why === 'denied' ? html`${line}${cross({ from: source.id, to }, stop, end)}` : line;
  })}`;
}

function curve(from: number, to: number, stop: number): string {
  const middle = round((sourceWidth + stop) / 2);
  return `M${sourceWidth} ${round(from)}C${middle} ${round(from)} ${middle} ${round(to)} ${stop} ${round(to)}`;
}

/** The trusted reach nearly everything: one line for all, with a branch to each row. */
function shared({ source, ends, y }: PlacedSource): Html {
  const ys = ends.map((end) => end.y);
  const [top, bottom] = [Math.min(...ys), Math.max(...ys)];
  const joint = Math.min(Math.max(y, top), bottom);
  const trunk = `${curve(y, joint, rail)}M${rail} ${round(top)}V${round(bottom)}`;
  return html`<path class="flow why-trusted" data-from="${source.id}" d="${trunk}"/>${ends.map(
    (end) =>
      html`<path class="flow why-trusted" data-from="${source.id}" data-to="${end.to}" d="M${rail} ${round(end.y)}H${serviceLeft - 1}"/>`,
  )}`;
}

function stub(id: string, y: number): Html {
  const end = sourceWidth + 60;
  return html`<path class="flow why-denied" data-from="${id}" d="M${sourceWidth} ${round(y)}H${end}"/>${cross({ from: id, to: '' }, end, y)}`;
}

function cross({ from, to }: { readonly from: string; readonly to: string }, x: number, y: number): Html {
  const [left, right, top, bottom] = [x - 1, x + 9, y - 5, y + 5].map(round);
  return html`<path class="cross" data-from="${from}" data-to="${to}" d="M${left} ${top}L${right} ${bottom}M${left} ${bottom}L${right} ${top}"/>`;
}

function sourceNode({ source, y }: PlacedSource): Html {
  const { id, why, name, who } = source;
  const top = round(y - sourceHeight / 2);
  const space = sourceWidth - 30;
  const second =
    who === ''
      ? html``
      : html`<text class="who" x="18" y="${round(y + 15)}">${fit(who, { width: space, size: 13 })}</text>`;
  return html`<a class="node why-${why}" href="#${id}" data-node="${id}">
    <title>${name}${who === '' ? '' : `: ${who}`}</title>
    <rect class="box" x="1" y="${top}" width="${sourceWidth - 2}" height="${sourceHeight}" rx="6"/><path class="edge" d="M5 ${top + 7}V${top + sourceHeight - 7}"/>
    <text class="name" x="18" y="${round(who === '' ? y + 5 : y - 3)}">${fit(name, { width: space, size: boldSize })}</text>${second}</a>`;
}

function serviceNode({ service, top, height, rows }: PlacedService, columns: Columns): Html {
  const { id, target, name, running } = service;
  const words = rows.map(({ row }) => `${fewPorts(row.ports)}: ${row.says.join(', ')}`).join('; ');
  const nameRoom = columns.ports - columns.name - 10;
  return html`<a class="node service" href="#${target}" data-node="${id}">
    <title>${name}${running ? '' : ' (stopped)'}, ${words}</title>
    <rect class="box" x="${serviceLeft}" y="${top + 2}" width="${width - serviceLeft - 1}" height="${height - 4}" rx="6"/>
    <text class="name${running ? '' : ' stopped'}" x="${serviceLeft + columns.name}" y="${top + rowHeight / 2 + 5}">${fit(name, { width: nameRoom, size: boldSize })}</text>${rows.map(({ row, y }) => rowText(row, y, columns))}</a>`;
}

function rowText(row: MapRow, y: number, columns: Columns): Html {
  const at = (column: keyof Columns): number => serviceLeft + columns[column];
  const space = { ports: columns.sign - columns.ports - room.between, says: columns.end - columns.says };
  const base = round(y + 5);
  return html`<text class="ports" x="${at('ports')}" y="${base}">${fitList(row.ports, { ...portFont, width: space.ports })}</text>
    <g class="sign reach-${row.reach}" transform="translate(${at('sign')} ${round(y)})">${signs[row.reach]}</g>
    <text class="says reach-${row.reach}" x="${at('says')}" y="${base}">${fitList(row.says, { width: space.says, size: 14 })}</text>`;
}

/** More are counted: nobody reads on. */
function fewPorts(ports: readonly string[]): string {
  const shown = ports.slice(0, 12).join(', ');
  return ports.length <= 12 ? shown : `${shown} and ${ports.length - 12} more`;
}

/** One shape for each reach, so that colour is not alone. */
const signs: Readonly<Record<MapRow['reach'], Html>> = {
  everybody: html`<circle class="full" r="6"/>`,
  some: html`<circle class="line" r="5.5"/><path class="full" d="M0-5.5A5.5 5.5 0 0 0 0 5.5Z"/>`,
  trusted: html`<rect class="full" x="-5.5" y="-1" width="11" height="8" rx="1.5"/><path class="line" d="M-3.2-1V-3.4A3.2 3.2 0 0 1 3.2-3.4V-1"/>`,
  unprotected: html`<path class="line" d="M0-6L6.5 5.5H-6.5Z"/><path class="line" d="M0-2V1.6M0 3.6V3.7"/>`,
  'host-service': html`<rect class="line" x="-5" y="-5" width="10" height="10" rx="1.5"/>`,
  loopback: html`<circle class="line" r="5.5"/><circle class="full" r="1.8"/>`,
};

function round(number: number): number {
  return Math.round(number * 10) / 10;
}
