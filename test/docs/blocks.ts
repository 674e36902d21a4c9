import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const project = path.join(import.meta.dirname, '../..');

/** A piece of a document that a reader may copy. */
export interface Piece {
  /** `README.md:42`. */
  readonly where: string;
  readonly text: string;
}

/** A block of code: between fences, with their word, or indented by four spaces, with none. */
export interface Block extends Piece {
  readonly language: string | undefined;
}

interface Document {
  readonly name: string;
  readonly text: string;
}

function namesBelow(folder: string, ending: RegExp): readonly string[] {
  return readdirSync(path.join(project, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => ending.test(name))
    .map((name) => path.join(folder, name));
}

const read = (names: readonly string[]): readonly Document[] =>
  names.toSorted().map((name) => ({ name, text: readFileSync(path.join(project, name), 'utf8') }));

/** README.md and all documents below docs/. The campaign's tables are made by a program and hold nothing to copy. */
export function documents(): readonly Document[] {
  return read(['README.md', ...namesBelow('docs', /\.md$/)]).filter(
    ({ name }) => name !== 'docs/campaign.md',
  );
}

/** compose.example.yml and every YAML file below docs/: their comments have commands too. */
export function yamlFiles(): readonly Document[] {
  return read(['compose.example.yml', ...namesBelow('docs', /\.ya?ml$/)]);
}

/** Every block of a document, in order. */
export function blocksOf({ name, text }: Document): readonly Block[] {
  const blocks: Block[] = [];
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const fence = /^```(\w*)$/.exec(lines[at] ?? '');
    const indented = /^ {4}\S/.test(lines[at] ?? '') && (lines[at - 1] ?? '').trim() === '';
    if (fence === null && !indented) continue;
    const from = fence === null ? at : at + 1;
    const ends = (line: string): boolean => (fence === null ? !/^ {4}/.test(line) : line === '```');
    const length = lines.slice(from).findIndex(ends);
    const body = lines.slice(from, length < 0 ? undefined : from + length);
    const language = fence === null || fence[1] === '' ? undefined : fence[1];
    const plain = fence === null ? body.map((line) => line.slice(4)) : body;
    blocks.push({ where: `${name}:${from + 1}`, language, text: plain.join('\n') });
    at = from + body.length;
  }
  return blocks;
}

/** What stands between single backticks outside of blocks, also where it goes on in the next line. */
export function spansOf(document: Document): readonly Piece[] {
  const lines = document.text.split('\n');
  for (const { where, text } of blocksOf(document)) {
    const from = Number(where.split(':')[1]) - 1;
    for (let at = 0; at < text.split('\n').length; at++) lines[from + at] = '';
  }
  const rest = lines.map((line) => (line.startsWith('```') ? '' : line)).join('\n');
  return [...rest.matchAll(/`([^`\n]+(?:\n[^`\n]+)?)`/g)].map(({ 1: text = '', index }) => ({
    where: `${document.name}:${rest.slice(0, index).split('\n').length}`,
    text: text.replaceAll(/\s+/g, ' '),
  }));
}

/** Commands in comments of a YAML file: from `docker compose` to the end of the line. */
export function commentedCommands({ name, text }: Document): readonly Piece[] {
  return text.split('\n').flatMap((line, index) => {
    const command = /^ *#.*?(docker compose -f .*)$/.exec(line)?.[1];
    return command === undefined ? [] : [{ where: `${name}:${index + 1}`, text: command }];
  });
}
