import { isIP } from 'node:net';
import { splitList } from './list.ts';
import { show } from './show.ts';

/**
 * What people write where a port should be, and what they mean: a sentence, or undefined for what is none of these.
 * `star`: whether `*` may stand there.
 */
export function portSlip(text: string, star: boolean): string | undefined {
  const word = text.toLowerCase();
  if (star && ['true', 'yes', 'on', 'all', 'any', 'everything'].includes(word))
    return `${show(text)} is not a port: write \`*\` for every published port`;
  if (['false', 'no', 'off', 'none'].includes(word))
    return `${show(text)} is not a port: leave the label away where there is none to name`;
  const bare = text.replaceAll(/["'`“”„‘’]/gu, '');
  if (bare !== text && bare !== '') return `${show(text)} has quotes in it: write \`${bare}\``;
  const parts = text.split(/[;|]/u);
  if (parts.length > 1)
    return `${show(text)} has no comma: write ${show(parts.flatMap(splitList).join(','))}`;
  const [, bracketed, plain, port = ''] = /^(?:\[([^\]]*)\]|([^:]*)):([^:]+)$/u.exec(text) ?? [];
  if (isIP(bracketed ?? plain ?? '') === 0) return undefined;
  return `${show(text)} has an address of the host in it: write the port alone, ${show(port)}`;
}
