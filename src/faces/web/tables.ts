import type { Refusal, SourceStatus } from '../../decide/report/status.ts';
import type { AccessMap, MapRow, MapSource, Why } from './access-map.ts';
import { breakable, cut, longest } from './cut.ts';
import { html, type Html } from './html.ts';
import type { PageModel } from './page-model.ts';
import { heardOf } from './read-page.ts';
import { table, type TableGroup } from './table.ts';
import { timeOf } from './time.ts';

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

/** More services, and more ports of one, are counted instead. */
const mostNamed = 12;
const mostDoors = 4;

function reaches({ why, rows, everywhere }: MapSource): Html {
  if (everywhere) return html`nothing: refused first, at every port`;
  if (why === 'trusted') return html`every published port`;
  if (rows.length === 0) return html`nothing`;
  const named = rows.slice(0, mostNamed).map((row, index) => html`${index === 0 ? '' : ', '}${door(row)}`);
  const more = rows.length > mostNamed ? html` and ${rows.length - mostNamed} more` : html``;
  return why === 'denied' ? html`refused at ${named}${more}` : html`${named}${more}`;
}

function door({ service, ports }: MapRow): Html {
  const shown = ports.slice(0, mostDoors).join(' ');
  const more = ports.length - mostDoors;
  return html`<span class="door">${cut(service, longest.name)} <span class="number">${cut(shown, longest.name)}</span>${more > 0 && ` +${more}`}</span>`;
}

/** As many stand there unasked; the others are folded. */
const mostAtOnce = 4;

/** Who was turned away, or would be while the walls only look (the title says which), the latest first. */
export function blockedTable(blocked: readonly Refusal[], title: string): Html {
  if (blocked.length === 0) return html`<p class="quiet">Nobody, lately.</p>`;
  const groups = blocked.map(({ source, port, protocol, services, packets, lastSeen }): TableGroup => ({
    id: undefined,
    header: html`<span class="number">${breakable(source)}</span>`,
    rows: [
      {
        cells: [
          html`<span class="number">${port}/${protocol}</span>`,
          breakable(cut(services.join(', '), longest.name)),
          html`<span class="number">${packets}</span>`,
          timeOf(new Date(lastSeen)),
        ],
      },
    ],
  }));
  const columns = ['Source', 'Port', 'Service', 'Packets', 'Last seen'];
  const more = groups.slice(mostAtOnce);
  const rest = html`<details class="more" id="blocked-more">
    <summary>${more.length} more</summary>
    ${table(`${title} before`, columns, more)}
  </details>`;
  return html`<div class="blocked">${table(title, columns, groups.slice(0, mostAtOnce))}${more.length > 0 && rest}</div>`;
}

/** Names and lists: how fresh, and what is wrong. */
export function listTable(lists: readonly SourceStatus[]): Html {
  const groups = lists.map((list): TableGroup => ({
    id: undefined,
    header: cut(list.name, longest.name),
    rows: [
      {
        cells: [
          list.networks === null ? '' : html`<span class="number">${list.networks}</span>`,
          heardOf(list),
          list.error === null
            ? html`<span class="quiet">nothing</span>`
            : html`<span class="wrong">${cut(list.error, longest.list)}</span>`,
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
