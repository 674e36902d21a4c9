import type { SetChange } from '../../diff/model.ts';
import type { Cidr } from '../../net/network.ts';
import { isOwnedSet } from '../../ruleset/names.ts';
import { type Command, KernelError, type Run } from '../command.ts';
import { execute } from '../failure.ts';
import type { Limits } from '../iptables/driver.ts';
import { networksOf } from './contents.ts';
import { parseAll, parseSets, type SavedSets } from './parse.ts';
import { renderDestroys, renderSets } from './render.ts';

/** The sets that are ours by name, and the headers of all others, in one process. Rejects with a KernelError. */
export async function saveSets(run: Run, limits: Limits): Promise<SavedSets> {
  return parseAll(await save(run, limits), isOwnedSet);
}

/** These sets of others, whole; those that do not exist are left out. Rejects with a KernelError. */
export async function readSets(
  run: Run,
  limits: Limits,
  names: readonly string[],
): Promise<ReadonlyMap<string, readonly Cidr[]>> {
  const text = await save(run, limits);
  const wanted = new Set(names);
  const listed = parseAll(text, isOwnedSet).foreign.filter(({ name }) => wanted.has(name));
  const parts = new Map(listed.map(({ name, lists }) => [name, [name, ...lists]]));
  const all = new Set([...parts.values()].flat());
  const sets = new Map(parseSets(text, (name) => all.has(name)).map((set) => [set.name, networksOf(set)]));
  return new Map([...parts].map(([name, names]) => [name, names.flatMap((part) => sets.get(part) ?? [])]));
}

async function save(run: Run, limits: Limits): Promise<string> {
  const { stdout } = await execute(run, { ...limits, program: 'ipset', args: ['save'] }, 'saving the sets');
  return stdout;
}

/** Rejects with a KernelError; the changes before the one at fault are then made. */
export async function changeSets(run: Run, limits: Limits, changes: readonly SetChange[]): Promise<void> {
  await execute(run, restore(limits, renderSets(changes)), 'restoring the sets');
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
