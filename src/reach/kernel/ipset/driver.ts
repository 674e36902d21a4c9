import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { ForeignSet, ObservedSet, ReplaceMembers, SetChange } from '../../../decide/diff/model.ts';
import type { Cidr } from '../../../decide/net/network.ts';
import type { SetName } from '../../../decide/wall/model.ts';
import { isOwnedSet, temporarySet } from '../../../decide/wall/names.ts';
import { type Command, KernelError, type Run } from '../command.ts';
import { execute } from '../failure.ts';
import type { Limits } from '../iptables/driver.ts';
import { networksOf } from './contents.ts';
import { SetParser } from './parse.ts';
import { renderDestroys, renderFill, renderSets, renderSwap } from './render.ts';

/** Sets that this process fills at this moment, and will take away itself. */
const filling = new Set<string>();

/** What all sets look like from here. */
interface SavedSets {
  readonly sets: readonly ObservedSet[];
  readonly foreign: readonly ForeignSet[];
}

/**
 * The sets that are ours by name, and the headers of all others, in one process. Rejects with a KernelError.
 * @param before what was seen the last time: sets that are the same are the same objects.
 */
export async function saveSets(
  run: Run,
  limits: Limits,
  before: readonly ObservedSet[] = [],
): Promise<SavedSets> {
  const command = { ...limits, program: 'ipset', args: ['save'] };
  const { sets, foreign } = await save(run, command, () => new SetParser(isOwnedSet, before));
  return { sets: sets.filter(({ name }) => !filling.has(name)), foreign };
}

/** These external sets, whole, and of lists what they list; those that do not exist are left out. Rejects with a KernelError. */
export async function readSets(
  run: Run,
  limits: Limits,
  names: readonly string[],
): Promise<ReadonlyMap<string, readonly Cidr[]>> {
  if (names.length === 0) return new Map();
  const read = async (wanted: readonly string[]): Promise<readonly ObservedSet[]> => {
    const all = new Set(wanted);
    const command = { ...limits, program: 'ipset', args: ['save'] };
    return (await save(run, command, () => new SetParser((name) => all.has(name)))).sets;
  };
  const named = await read(names);
  const lists = new Map(
    named.flatMap(({ name, type, members }) => (type === 'list:set' ? [[name, [...members.keys()]]] : [])),
  );
  const listed = [...lists.values()].flat();
  const parts = new Map(
    [...named, ...(listed.length === 0 ? [] : await read(listed))].map((set) => [set.name, set]),
  );
  return new Map(
    named.map((set) => [
      set.name,
      [set.name, ...(lists.get(set.name) ?? [])].flatMap((name) => {
        const part = parts.get(name);
        return part === undefined ? [] : networksOf(part);
      }),
    ]),
  );
}

async function save(run: Run, command: Command, newParser: () => SetParser): Promise<SavedSets> {
  const parser = newParser();
  const piecewise = { ...command, onText: (text: string) => parser.feed(text) };
  const { stdout } = await execute(run, piecewise, 'saving the sets');
  if (stdout === '') return { sets: parser.end(), foreign: parser.foreign };
  const whole = newParser();
  whole.feed(stdout);
  return { sets: whole.end(), foreign: whole.foreign };
}

/** Rejects with a KernelError; the changes before the one at fault are then made. */
export async function changeSets(run: Run, limits: Patience, changes: readonly SetChange[]): Promise<void> {
  const tools = toolsOf(run, limits);
  let edits: SetChange[] = [];
  for (const change of changes) {
    if (change.kind === 'replace-members') {
      await replaceMembers(tools, edits, change);
      edits = [];
    } else edits.push(change);
  }
  if (edits.length > 0) await restoreText(tools, renderSets(edits));
}

/** How long things may take, and how to wait. */
export interface Patience extends Limits {
  readonly sleep?: (ms: number) => Promise<void>;
}

interface Tools {
  readonly run: Run;
  readonly limits: Limits;
  readonly sleep: (ms: number) => Promise<void>;
}

function toolsOf(run: Run, { sleep = (ms) => pause(ms), ...limits }: Patience): Tools {
  return { run, limits, sleep };
}

/**
 * Fills a set beside it and swaps the two. Members that somebody has added for a while go with it: those that are there right
 * before, and then those that came or went meanwhile, which are in the one that is now beside it.
 */
async function replaceMembers(
  tools: Tools,
  first: readonly SetChange[],
  change: ReplaceMembers,
): Promise<void> {
  const { set } = change;
  const beside = temporarySet(set.family, randomBytes(6).toString('hex'));
  filling.add(beside);
  try {
    const fill = renderSets(first) + renderFill(change, beside);
    const swap = renderSwap(change, beside);
    const end = renderDestroys([beside]);
    if (!set.expiring) return await restoreText(tools, fill + swap + end);
    await restoreText(tools, fill);
    const carried = await passing(tools, change, set.name);
    await restoreText(tools, renderSets(additions(carried, beside)) + swap);
    const left = await passing(tools, change, beside);
    await restoreText(tools, renderSets(later(carried, left, set.name)) + end);
  } finally {
    filling.delete(beside);
  }
}

/** Between two tries, ms. */
const pauses = [50, 50, 100, 200];
/**
 * A set that another program is listing can be neither swapped (EBUSY) nor destroyed until that one has read all of it
 * (ip_set_swap and ip_set_destroy ask for `ref_netlink`; seen on Linux 6.18, ipset 7.17). Nor can one be destroyed a moment after its rule
 * has gone, with nf_tables (nf_tables_trans_destroy_work; not seen).
 */
const busy = /Error in line (\d+): .*(?:Device or resource busy|in use by a kernel component)/;

/** Carries the lines out; from one that finds its set busy it goes on after a pause, a few times. */
async function restoreText(
  { run, limits, sleep }: Tools,
  input: string,
  doing = 'restoring the sets',
): Promise<void> {
  let text = input;
  for (let tries = 0; ; tries += 1) {
    try {
      await execute(run, restore(limits, text), doing);
      return;
    } catch (error) {
      const line = error instanceof KernelError ? busy.exec(error.stderr)?.[1] : undefined;
      const ms = pauses[tries];
      if (line === undefined || ms === undefined) throw error;
      await sleep(ms);
      // Those before it are done: a set that was swapped must not be filled and swapped again.
      text = text
        .split('\n')
        .slice(Number(line) - 1)
        .join('\n');
    }
  }
}

/** What will go by itself. */
type Passing = ReadonlyMap<string, { readonly seconds: number; readonly note?: string }>;

async function passing(
  { run, limits }: Tools,
  { set, members }: ReplaceMembers,
  name: string,
): Promise<Passing> {
  const command = { ...limits, program: 'ipset', args: ['save', name] };
  const {
    sets: [seen],
  } = await save(run, command, () => new SetParser(isOwnedSet, [], 'passing'));
  const found = [...(seen?.members ?? [])].filter(([, seconds]) => seconds > 0);
  const permanent = new Set(found.length === 0 ? [] : members);
  return new Map(
    found
      .filter(([member]) => !permanent.has(member))
      .map(([member, seconds]) => {
        const note = set.notes === true ? seen?.notes?.get(member) : undefined;
        return [member, { seconds, ...(note === undefined ? {} : { note }) }];
      }),
  );
}

function additions(members: Passing, set: SetName): readonly SetChange[] {
  return [...members].map(([member, entry]) => ({ kind: 'add-member', set, member, ...entry }));
}

/** Two looks at the same entry may tell its time a second apart. */
const sameTime = 2;

/** From what was carried over to what was left behind in the end. */
function later(carried: Passing, left: Passing, set: SetName): readonly SetChange[] {
  const gone = [...carried.keys()].filter((member) => !left.has(member));
  const changed = [...left].filter(([member, { seconds, note }]) => {
    const known = carried.get(member);
    return known === undefined || Math.abs(known.seconds - seconds) > sameTime || known.note !== note;
  });
  return [
    ...gone.map((member): SetChange => ({ kind: 'delete-member', set, member })),
    ...additions(new Map(changed), set),
  ];
}

/**
 * -exist: a set or member that is there already, or gone already (expired, say), is no error. With it ipset
 * still refuses to create a set over one of another shape, and to destroy one that a rule uses.
 */
function restore(limits: Limits, input: string): Command {
  return { ...limits, program: 'ipset', args: ['restore', '-exist'], input };
}

/** Removes sets that no rule uses. Rejects with a KernelError. */
export async function destroySets(run: Run, limits: Patience, names: readonly string[]): Promise<void> {
  await restoreText(toolsOf(run, limits), renderDestroys(names), 'destroying unused sets');
}
