import { didYouMean } from '../net/did-you-mean.ts';
import { shorten } from '../net/show.ts';
import { interfaceOf } from '../net/source-word.ts';
import type { Policy } from './model.ts';

/**
 * Interfaces that are named, do not exist, and are called almost as one that does, a line each: `interface:wgO`. One that is merely not
 * there may come up later.
 */
export function interfaceNotes(
  { trusted, deny, groups, external }: Pick<Policy, 'trusted' | 'deny' | 'groups' | 'external'>,
  interfaces: readonly { readonly name: string }[],
): readonly string[] {
  const here = interfaces.map(({ name }) => name).filter((name) => name !== 'lo' && !name.startsWith('veth'));
  const named = [
    ...[trusted, deny, ...groups.values()].flatMap((members) => members.interfaces),
    ...[...groups.keys()].flatMap((name) => interfaceOf(name) ?? []),
    ...(external.kind === 'list' ? external.names : []),
  ];
  return [...new Set(named)].toSorted().flatMap((name) => {
    const missing = missingInterface(name, here);
    return missing?.near === undefined ? [] : [missing.text];
  });
}

/** A sentence about an interface that is not among those of this host, and the one that is probably meant. */
export function missingInterface(
  name: string,
  here: readonly string[],
): { readonly text: string; readonly near: string | undefined } | undefined {
  if (here.includes(name)) return undefined;
  const near = didYouMean(name, here);
  const meant = near === undefined ? '' : `; it has ${near}: is that meant?`;
  return { text: `this host has no interface ${shorten(name)} now${meant}`, near };
}
