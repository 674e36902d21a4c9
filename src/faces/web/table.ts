import { html, type Html, type Part } from './html.ts';

/** Rows that belong together, under one header at their left. */
export interface TableGroup {
  /** Where links to it go. */
  readonly id: string | undefined;
  readonly header: Part;
  readonly rows: readonly TableRow[];
}

export interface TableRow {
  readonly kind?: string;
  /** As many as the table has columns besides the header's. */
  readonly cells: readonly Part[];
}

/**
 * A table that becomes a list of cards, one a group, on a narrow screen. The roles are written out, since what is no longer
 * laid out as a table is no longer read as one.
 */
export function table(label: string, columns: readonly string[], groups: readonly TableGroup[]): Html {
  const head = columns.map((name) => html`<th role="columnheader" scope="col">${name}</th>`);
  return html`<table role="table" aria-label="${label}">
    <thead role="rowgroup">
      <tr role="row">
        ${head}
      </tr>
    </thead>
    ${groups.map((group) => tableGroup(columns, group))}
  </table>`;
}

function tableGroup(columns: readonly string[], { id, header, rows }: TableGroup): Html {
  const anchor = id === undefined ? '' : html` id="${id}" tabindex="-1"`;
  const span = rows.length > 1 ? html` rowspan="${rows.length}"` : '';
  const scope = rows.length > 1 ? 'rowgroup' : 'row';
  const first = html`<th role="rowheader" scope="${scope}"${span}>${header}</th>`;
  const lines = rows.map(
    ({ kind, cells }, index) =>
      html`<tr role="row" class="${kind ?? ''}">
        ${index === 0 && first}${cells.map((cell, column) => tableCell(columns[column + 1], cell))}
      </tr>`,
  );
  return html`<tbody role="rowgroup" ${anchor}>
    ${lines}
  </tbody> `;
}

function tableCell(column: string | undefined, cell: Part): Html {
  return html`<td role="cell" data-head="${column ?? ''}">${cell}</td>`;
}
