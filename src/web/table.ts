import { html, type Html, type Part } from './html.ts';

export interface TableRow {
  /** Where links to it go. */
  readonly id: string | undefined;
  readonly kind?: string;
  /** As many as the head has; the first names the row. */
  readonly cells: readonly Part[];
}

/**
 * A table that becomes a list of cards on a narrow screen. The roles are written out, since what is no longer laid out as a
 * table is no longer read as one.
 */
export function table(label: string, head: readonly string[], rows: readonly TableRow[]): Html {
  return html`<table role="table" aria-label="${label}">
    <thead role="rowgroup">
      <tr role="row">
        ${head.map((name) => html`<th role="columnheader" scope="col">${name}</th>`)}
      </tr>
    </thead>
    <tbody role="rowgroup">
      ${rows.map((row) => tableRow(head, row))}
    </tbody>
  </table>`;
}

function tableRow(head: readonly string[], { id, kind, cells }: TableRow): Html {
  const [first, ...others] = cells;
  const anchor = id === undefined ? html`` : html` id="${id}" tabindex="-1"`;
  return html`<tr role="row" ${anchor} class="${kind ?? ''}">
    <th role="rowheader" scope="row">${first}</th>
    ${others.map((cell, index) => html`<td role="cell" data-head="${head[index + 1] ?? ''}">${cell}</td>`)}
  </tr> `;
}
