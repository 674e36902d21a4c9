import type { Cell, Row } from './matrix.ts';
import { people, services } from './people.ts';
import { paint } from './terminal.ts';

const column = 10;
const who = 10;
const from = 20;

// the colours take no room on the terminal, so the text is padded before it is painted
function cellText({ verdict, right, expected }: Cell): string {
  const text = verdict === 'open' ? 'open' : verdict === 'timeout' ? 'closed' : verdict;
  if (!right) return paint(['bold', 'red'], `${text} (${expected}!)`.padEnd(column));
  return paint(verdict === 'open' ? 'green' : 'dim', text.padEnd(column));
}

function rowText(row: Row, first: boolean): string {
  const name = paint('bold', (first ? row.who : '').padEnd(who));
  return `  ${name}${row.from.padEnd(from)}${row.cells.map(cellText).join('')}`.trimEnd();
}

/** The matrix as a person reads it. */
export function tableText(rows: readonly Row[]): string {
  const gap = ' '.repeat(2 + who + from);
  const names = services.map(({ name }) => name.padEnd(column)).join('');
  const ports = services.map(({ port }) => String(port).padEnd(column)).join('');
  const lines = people.flatMap((person) =>
    rows.filter((row) => row.who === person.who).map((row, index) => rowText(row, index === 0)),
  );
  return [paint('bold', `${gap}${names}`.trimEnd()), paint('dim', `${gap}${ports}`.trimEnd()), ...lines].join(
    '\n',
  );
}
