import { didYouMean } from '../net/did-you-mean.ts';
import { families as bothFamilies, type Family } from '../net/network.ts';
import type { IpSet, Ruleset } from '../wall/model.ts';
import type { ForeignSet, Observed, SetChange } from './model.ts';

/**
 * External sets that one source address can be held against, and whose members can be read as networks. `hash:mac` could be looked
 * into by the kernel, but nobody could say of an address whether it is in it; a `bitmask` need not be a prefix.
 */
const fittingTypes = new Set(['hash:ip', 'hash:net', 'bitmap:ip']);

/** A name as `ipset restore` can be given it. */
const writable = /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,30}$/;

/**
 * A set of sets with the members that it should have in this kernel: of the sets it names those that exist, fit and are of its family.
 * A list cannot be in a list (-IPSET_ERR_LOOP, ip_set_list_set.c), so what is in a list of others is taken for it. Where the kernel has
 * no such type it is an empty set of another: the rules stand, and match nobody.
 */
export function withForeign(set: IpSet, { foreign }: Pick<Observed, 'foreign'>): IpSet {
  if (set.type !== 'list:set') return set;
  if (foreign === 'unsupported') return { ...set, type: 'hash:net', members: [] };
  const names = set.members === 'keep' ? [] : set.members;
  const members = names
    .flatMap((name) => fittingSets(name, foreign))
    .filter(({ family }) => family === set.family);
  return { ...set, members: [...new Set(members.map(({ name }) => name))].toSorted() };
}

/** The same changes for a kernel without sets of sets: see {@link withForeign}. The very same where there is no such set in them. */
export function withoutLists(changes: readonly SetChange[]): readonly SetChange[] {
  const lists = new Set<string>(
    changes.flatMap((change) =>
      change.kind === 'create-set' && change.set.type === 'list:set' ? [change.set.name] : [],
    ),
  );
  if (lists.size === 0) return changes;
  return changes.flatMap((change): SetChange[] => {
    if (change.kind === 'create-set' && lists.has(change.set.name)) {
      return [{ kind: 'create-set', set: { ...change.set, type: 'hash:net' } }];
    }
    return change.kind === 'add-member' && lists.has(change.set) ? [] : [change];
  });
}

function fittingSets(name: string, foreign: readonly ForeignSet[]): readonly ForeignSet[] {
  const found = foreign.find((set) => set.name === name);
  if (found === undefined) return [];
  const candidates = isList(found) ? foreign.filter((set) => found.lists.includes(set.name)) : [found];
  return candidates.filter(fitsOneAddress);
}

function isList({ type }: ForeignSet): boolean {
  return type.split(' ')[0] === 'list:set';
}

/** Whether an external set can be looked into for the address of a packet. */
export function fitsOneAddress({ name, type }: Pick<ForeignSet, 'name' | 'type'>): boolean {
  const [base = '', ...options] = type.split(' ');
  return fittingTypes.has(base) && !options.includes('bitmask') && writable.test(name);
}

/** How it stands with one external set that the configuration names. */
export interface ForeignState {
  readonly name: string;
  /** Whether any list that refuses names it. */
  readonly closes: boolean;
  /** What the configuration says of it where it does not exist. */
  readonly missing?: 'empty' | 'problem' | undefined;
  readonly state:
    | { readonly kind: 'found'; readonly families: readonly Family[]; readonly content: string }
    /** `near`: one that exists and is called almost the same. */
    | { readonly kind: 'missing'; readonly near?: string | undefined }
    | { readonly kind: 'unfit'; readonly type: string }
    | { readonly kind: 'unsupported' };
}

/** Every external set that the ruleset looks into, sorted by name. */
export function foreignStates(
  { sets }: Pick<Ruleset, 'sets'>,
  { foreign }: Pick<Observed, 'foreign'>,
): readonly ForeignState[] {
  const closes = new Map<string, boolean>();
  for (const { type, effect, members } of sets) {
    if (type !== 'list:set' || members === 'keep') continue;
    for (const name of members) closes.set(name, closes.get(name) === true || effect === 'closes');
  }
  return [...closes]
    .map(([name, closing]) => ({ name, closes: closing, state: stateOf(name, foreign) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function stateOf(name: string, foreign: Observed['foreign']): ForeignState['state'] {
  if (foreign === 'unsupported') return { kind: 'unsupported' };
  const found = foreign.find((set) => set.name === name);
  if (found === undefined)
    return {
      kind: 'missing',
      near: didYouMean(
        name,
        foreign.map((set) => set.name),
      ),
    };
  const fitting = fittingSets(name, foreign);
  if (fitting.length === 0 && !(isList(found) && found.lists.length === 0)) {
    return { kind: 'unfit', type: found.type };
  }
  const families = bothFamilies.filter((family) => fitting.some((set) => set.family === family));
  return { kind: 'found', families, content: fitting.map((set) => `${set.name} ${set.content}`).join(' ') };
}
