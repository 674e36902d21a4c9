import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type ComposeService, readCompose } from './compose.ts';

/** Where the recipes are. */
export const recipesDir = path.join(import.meta.dirname, '../../docs/recipes');

const fileName = /\.(?:compose|stack)\.ya?ml$/;

/** The files of the recipes that are compose files or stacks. */
export function recipeFiles(): readonly string[] {
  return readdirSync(recipesDir).filter((name) => fileName.test(name));
}

/** One cell of a table "who reaches what": a person, a port or the ports of a range, open or closed. */
export interface Claim {
  readonly who: string;
  readonly first: number;
  readonly last: number;
  readonly protocol: 'tcp' | 'udp';
  readonly open: boolean;
}

/** A recipe that has a table of who reaches what in the README beside it. */
export interface Recipe {
  /** Of the file, without its ending. */
  readonly name: string;
  readonly file: string;
  readonly title: string;
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly claims: readonly Claim[];
}

const cellsOf = (row: string): readonly string[] =>
  row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

function readClaims(section: string): readonly Claim[] {
  const [, head = '', body = ''] = /^(\| Who .*\|)\n\|[-| ]+\|\n((?:\|.*\n)+)/m.exec(section) ?? [];
  const ports = cellsOf(head).slice(1);
  return body.split('\n').flatMap((row) => {
    const [who = '', ...cells] = cellsOf(row);
    // a dash claims nothing
    return cells.flatMap((cell, index) => (cell === '-' ? [] : [readClaim(who, ports[index] ?? '', cell)]));
  });
}

/** `49160-49200/udp (what it is)` and `open`; throws on any other word, since a cell that nobody understands is one that nobody checks. */
function readClaim(who: string, column: string, cell: string): Claim {
  const [, first, last = first, protocol] = /^(\d+)(?:-(\d+))?\/(tcp|udp)(?: \(.+\))?$/.exec(column) ?? [];
  if (first === undefined || (cell !== 'open' && cell !== 'closed'))
    throw new Error(`the table "who reaches what" says "${cell}" under "${column}"`);
  const range = { first: Number(first), last: Number(last) };
  return { who, ...range, protocol: protocol === 'udp' ? 'udp' : 'tcp', open: cell === 'open' };
}

/** The `dockwall.yml` of a recipe, where its sidecar mounts a folder beside the file as /etc/dockwall. */
export function configFile({ services }: Recipe): string | undefined {
  const volumes = services['dockwall']?.volumes ?? [];
  const mount = volumes.find((one) => typeof one === 'string' && one.includes(':/etc/dockwall'));
  if (typeof mount !== 'string') return undefined;
  return readFileSync(path.join(recipesDir, mount.split(':')[0] ?? '', 'dockwall.yml'), 'utf8');
}

/** Every recipe of the README with a table, in its order. */
export function readRecipes(): readonly Recipe[] {
  const text = readFileSync(path.join(recipesDir, 'README.md'), 'utf8');
  return text
    .split(/^## /m)
    .slice(1)
    .flatMap((section) => {
      const [title = ''] = section.split('\n');
      const file = /\]\(([\w-]+\.compose\.yml)\)/.exec(section)?.[1];
      const claims = readClaims(section);
      if (file === undefined || claims.length === 0) return [];
      const services = readCompose(readFileSync(path.join(recipesDir, file), 'utf8'));
      return [{ name: file.replace(fileName, ''), file, title, services, claims }];
    });
}
