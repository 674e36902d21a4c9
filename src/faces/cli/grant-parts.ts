import type { ObservedSet, SetChange } from '../../decide/diff/model.ts';
import { didYouMean } from '../../decide/net/did-you-mean.ts';
import { wholeFamily } from '../../decide/net/merge-networks.ts';
import type { Cidr } from '../../decide/net/network.ts';
import { parseNetworks } from '../../decide/net/parse-networks.ts';
import { show } from '../../decide/net/show.ts';
import { parseSourceWord } from '../../decide/net/source-word.ts';
import type { Config } from '../../decide/policy/config.ts';
import { observingNote } from '../../decide/report/observing-note.ts';
import { groupsOf } from '../../decide/wall/grants.ts';
import { runCommand } from '../../reach/kernel/command.ts';
import { changeSets, saveSets } from '../../reach/kernel/ipset/driver.ts';
import { readName } from '../../reach/sources/names.ts';
import { resolveName } from '../../reach/sources/resolver.ts';
import { askToLook } from '../web/ask.ts';
import { type Context, healthSocket } from './context.ts';
import { exitCodes, UserError } from './exit-code.ts';
import { requireConfig } from './parts.ts';

const limits = { timeoutMs: 30_000 };

/** What the verbs about grants go by. */
export interface GrantParts {
  readonly sets: readonly ObservedSet[];
  readonly config: Config;
  /** The configured groups. */
  readonly groups: readonly string[];
}

/** The sets as they are, and the configuration. Neither Docker nor a running dockwall is needed. */
export async function grantParts(context: Context): Promise<GrantParts> {
  const { config } = await requireConfig(context);
  const { sets } = await saveSets(runCommand, limits);
  return { sets, config, groups: [...config.groups.keys()] };
}

/** While nobody but the denied is turned away, a grant changes nothing yet, and nor does revoking one. */
export function remarkObserving(context: Context, { sets }: Pick<GrantParts, 'sets'>): void {
  const note = observingNote(sets, Date.now());
  if (note !== undefined) context.complain(`note: ${note}`);
}

/** Writes them, and tells the running dockwall. False where none runs: nobody cuts sessions whose client is silent then. */
export async function write(context: Context, changes: readonly SetChange[]): Promise<boolean> {
  await changeSets(runCommand, limits, changes);
  return askToLook(healthSocket(context.env), 2000);
}

/** Throws a UserError where no set of that group is there. */
export function requireGroup(name: string, { sets, groups }: Pick<GrantParts, 'sets' | 'groups'>): void {
  const there = groupsOf(sets, groups);
  if (there.includes(name)) return;
  if (there.length === 0)
    throw new UserError(
      exitCodes.failed,
      "the kernel has no sets of dockwall's: start dockwall, which makes them, and grant then",
    );
  if (name === 'any')
    throw new UserError(
      exitCodes.bad,
      '`any` is everybody: the label dockwall.public opens a port to everybody',
    );
  if (name === 'deny')
    throw new UserError(exitCodes.bad, '`deny` lets nobody in: a grant is for `trusted` or a group');
  if (groups.includes(name))
    throw new UserError(
      exitCodes.failed,
      `the group ${show(name)} is not in the kernel yet: is dockwall running?`,
    );
  const near = didYouMean(name, there);
  const hint = near === undefined ? `the groups are ${there.join(', ')}` : `did you mean ${show(near)}?`;
  throw new UserError(exitCodes.bad, `there is no group ${show(name)}: ${hint}`);
}

/** Who is meant; `name` where a DNS name was written, which stands for what it means at this moment. */
export interface Source {
  readonly networks: readonly Cidr[];
  readonly name: string | undefined;
}

/** Throws a UserError for text that is no source, and for a name without an address. */
export async function requireSource(text: string): Promise<Source> {
  const parsed = parseNetworks(text);
  if (parsed.ok) return { networks: parsed.networks, name: undefined };
  const word = parseSourceWord(text.trim());
  if (word?.ok === true && word.word.kind === 'name') {
    return { networks: await addressesOf(word.word.name), name: word.word.name };
  }
  throw new UserError(
    exitCodes.bad,
    word === undefined
      ? parsed.problem
      : `${show(text)} has no addresses: a grant is for an address, CIDR, range or name`,
  );
}

/** Throws a UserError where everybody would be trusted: `any` in other words cannot be, for a while or for good. */
export function requireSomebody(group: string, { networks }: Pick<Source, 'networks'>): void {
  const everybody = group === 'trusted' ? wholeFamily(networks) : undefined;
  if (everybody === undefined) return;
  throw new UserError(
    exitCodes.bad,
    `${show(everybody)} is everybody, and would open every published port: grant a group, or write the label dockwall.public`,
  );
}

/** By the rules that hold for names in the configuration. */
async function addressesOf(name: string): Promise<readonly Cidr[]> {
  const { signal } = new AbortController();
  const reading = await readName(resolveName, { name, last: undefined }, signal);
  if (reading.kind === 'answer') return reading.networks;
  const why = reading.kind === 'failed' ? reading.reason : 'no answer';
  throw new UserError(exitCodes.failed, `${show(name)} means nobody: ${why}; write an address`);
}
