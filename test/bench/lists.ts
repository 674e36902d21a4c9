import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** The size that is promised. */
export const many = 100_000;

/** So many networks, as a person's list has them: in no order that matters, none beside its other half. */
export function longList(length = many): readonly string[] {
  return Array.from({ length }, (_, index) => {
    const place = (index * 7919) % length;
    return `${101 + (place >> 15)}.${(place >> 7) & 255}.${(place & 127) * 2}.0/25`;
  });
}

const folders: string[] = [];
process.on('exit', () => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** A folder that goes with the process. */
export function scratch(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'dockwall-bench-'));
  folders.push(folder);
  return folder;
}

/** Writes the lines into a file of that folder; gives its path. */
export function write(folder: string, name: string, lines: readonly string[]): string {
  const file = path.join(folder, name);
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
  return file;
}
