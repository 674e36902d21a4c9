import { randomBytes } from 'node:crypto';
import type { ObservedSet, ReplaceMembers, SetChange } from '../../diff/model.ts';
import { isOwnedSet, temporarySet } from '../../ruleset/names.ts';
import { type Command, KernelError, type Run } from '../command.ts';
import { execute } from '../failure.ts';
import type { Limits } from '../iptables/driver.ts';
import { parseSets, SetParser } from './parse.ts';
import { renderDestroys, renderReplacement, renderSets } from './render.ts';

/** Sets that this process fills at this moment, and will take away itself. */
const filling = new Set<string>();

/**
 * The sets that are ours by name, in one process. Rejects with a KernelError.
 * @param before what was seen the last time: sets that are the same are the same objects.
 */
export async function saveSets(
  run: Run,
  limits: Limits,
  before: readonly ObservedSet[] = [],
): Promise<readonly ObservedSet[]> {
  return save(run, { ...limits, program: 'ipset', args: ['save'] }, before);
}

async function save(run: Run, command: Command, before: readonly ObservedSet[]): Promise<readonly ObservedSet[]> {
  const keep = (name: string): boolean => isOwnedSet(name) && !filling.has(name);
  const keepAll = command.args.length > 1 ? isOwnedSet : keep;
  const parser = new SetParser(keepAll, before);
  const piecewise = { ...command, onText: (text: string) => parser.feed(text) };
  const { stdout } = await execute(run, piecewise, 'saving the sets');
  return stdout === '' ? parser.end() : parseSets(stdout, keepAll);
}

/** Rejects with a KernelError; the changes before the one at fault are then made. */
export async function changeSets(run: Run, limits: Limits, changes: readonly SetChange[]): Promise<void> {
  let edits: SetChange[] = [];
  for (const change of changes) {
    if (change.kind === 'replace-members') {
      await replaceMembers({ run, limits }, edits, change);
      edits = [];
    } else edits.push(change);
  }
  if (edits.length > 0) await execute(run, restore(limits, renderSets(edits)), 'restoring the sets');
}

interface Tools {
  readonly run: Run;
  readonly limits: Limits;
}

/**
 * Fills a set beside it and swaps the two. What somebody has added for a while, or taken back, since the set was looked at is
 * in the one that is now beside it, and is done again.
 */
async function replaceMembers({ run, limits }: Tools, first: readonly SetChange[], change: ReplaceMembers): Promise<void> {
  const beside = temporarySet(change.set.family, randomBytes(6).toString('hex'));
  filling.add(beside);
  try {
    const input = renderSets(first) + renderReplacement(change, beside);
    await execute(run, restore(limits, input), 'restoring the sets');
    const args = ['save', beside];
    const [old] = change.set.expiring ? await save(run, { ...limits, program: 'ipset', args }, []) : [];
    const late = old === undefined ? [] : missed(change, old);
    const end = renderSets([...late, { kind: 'discard-set', name: beside }]);
    await execute(run, restore(limits, end), 'restoring the sets');
  } finally {
    filling.delete(beside);
  }
}

/** Two looks at the same entry may tell its time a second apart. */
const sameTime = 2;

function missed({ set, members, live }: ReplaceMembers, old: ObservedSet): readonly SetChange[] {
  const carried = new Map(live.map((one) => [one.member, one]));
  const passing = [...old.members].filter(([, seconds]) => seconds > 0);
  const permanent = new Set(passing.length === 0 ? [] : members);
  const late = passing.filter(([member, seconds]) => {
    if (permanent.has(member)) return false;
    const known = carried.get(member);
    const later = known === undefined || Math.abs(known.seconds - seconds) > sameTime;
    return later || known.note !== old.notes?.get(member);
  });
  return [
    ...live
      .filter(({ member }) => (old.members.get(member) ?? 0) === 0)
      .map(({ member }): SetChange => ({ kind: 'delete-member', set: set.name, member })),
    ...late.map(([member, seconds]): SetChange => {
      const note = set.notes === true ? old.notes?.get(member) : undefined;
      return { kind: 'add-member', set: set.name, member, seconds, ...(note === undefined ? {} : { note }) };
    }),
  ];
}

/**
 * -exist: a set or member that is there already, or gone already (expired, say), is no error. With it ipset
 * still refuses to create a set over one of another shape, and to destroy one that a rule uses.
 */
function restore(limits: Limits, input: string): Command {
  return { ...limits, program: 'ipset', args: ['restore', '-exist'], input };
}

const destroyTries = 3;
const pauseMs = 50;

/**
 * Removes sets that no rule uses. With nf_tables a deleted rule may let go of its set a moment after the
 * transaction (nf_tables_trans_destroy_work; not seen on Linux 6.18), so "in use" is believed at the third
 * look only. Rejects with a KernelError.
 */
export async function destroySets(
  run: Run,
  { sleep, ...limits }: Limits & { readonly sleep: (ms: number) => Promise<void> },
  names: readonly string[],
): Promise<void> {
  const command = restore(limits, renderDestroys(names));
  for (let tries = 1; ; tries += 1) {
    try {
      await execute(run, command, 'destroying unused sets');
      return;
    } catch (error) {
      const busy = error instanceof KernelError && error.stderr.includes('in use by a kernel component');
      if (!busy || tries === destroyTries) throw error;
      await sleep(pauseMs);
    }
  }
}
