import { resolve } from 'node:path';
import type { LiveSource } from '../../decide/policy/config.ts';
import { readList } from './file.ts';
import type { ReadSource } from './model.ts';
import { readName } from './names.ts';
import { resolveName } from './resolver.ts';
import { readUrl } from './url.ts';

/** Looks at real sources. @param folder the configuration's, which relative paths count from. */
export function sourceReader(folder: string): ReadSource {
  return async (source, last, signal) => {
    switch (source.kind) {
      case 'name':
        return readName(resolveName, { name: source.name, last }, signal);
      case 'url':
        return readUrl(source, last, signal);
      case 'file':
        return readList({ path: filePath(source, folder), source }, last, signal);
    }
  };
}

/** Where the file of a list is. */
export function filePath({ path }: Extract<LiveSource, { kind: 'file' }>, folder: string): string {
  return resolve(folder, path);
}
